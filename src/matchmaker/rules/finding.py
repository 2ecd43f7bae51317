"""What the linter needs to know of a field, and what it says of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from matchmaker.rules.tree import Number


class FieldKind(StrEnum):
    """What a fact of the field is."""

    SET = "set"
    """Several codes, or `all`."""
    CODE = "code"
    """Exactly one code; `all` only where the vocabulary lists it."""
    NUMBER = "number"
    SPAN = "span"
    """From-to; rules read the upper end."""
    DATE = "date"
    FLAG = "flag"
    TEXT = "text"


class FieldSpec(Protocol):
    """The part of the field catalogue that the linter reads."""

    @property
    def kind(self) -> FieldKind:
        """What a fact of the field is."""
        ...

    @property
    def codes(self) -> frozenset[str] | None:
        """The vocabulary of a set or code; None = open. `all` need not be listed for a set."""
        ...

    @property
    def minimum(self) -> Number | None:
        """The least number of a number or span, inclusive."""
        ...

    @property
    def maximum(self) -> Number | None:
        """The greatest number of a number or span, inclusive."""
        ...


class FindingCode(StrEnum):
    """What is wrong; `wording` says each in both languages."""

    UNKNOWN_FIELD = "unknown_field"
    OP_DOES_NOT_FIT = "op_does_not_fit"
    VALUE_DOES_NOT_FIT = "value_does_not_fit"
    UNKNOWN_CODE = "unknown_code"
    CONTRADICTION = "contradiction"
    """No facts answer yes."""
    ALWAYS_TRUE = "always_true"
    """No facts answer no."""
    DEAD_BRANCH = "dead_branch"
    """The node can go, or give way to its only content, and no answer changes."""
    DUPLICATE = "duplicate"
    """The same node, or list value, stands before it."""


class Severity(StrEnum):
    """An error makes the rule useless; a warning is only worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the linter says; `pointer` (RFC 6901) names the node or the list value."""

    pointer: str
    code: FindingCode
    severity: Severity
