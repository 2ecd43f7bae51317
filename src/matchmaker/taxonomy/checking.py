"""Whether what somebody states names only what there is: codes, places, currencies, rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.rules import (
    FindingCode,
    Flaw,
    Leaf,
    MalformedRule,
    Severity,
    Specs,
    lint,
    parse,
    wording,
)
from matchmaker.taxonomy import region
from matchmaker.taxonomy.registry import REGION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from matchmaker.taxonomy.fields import FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

MATCHED: Final = frozenset({"offering", "package", "profile", "need"})
"""The nouns whose facts a match knows."""


@dataclass(frozen=True, slots=True)
class Checker:
    """The vocabularies and the field catalogue that statements are held against."""

    taxonomy: Taxonomy
    fields: FieldCatalogue

    def codes(
        self, codes: Sequence[str] | None, scheme: str, at: str, *, keys: bool = False
    ) -> Iterator[FieldFault]:
        """A fault for each of ``codes`` that ``scheme`` lacks; ``keys`` are of an object."""
        known = self.taxonomy.codes(scheme)
        for place, code in enumerate(codes or ()):
            if code not in known:
                yield unknown_code(f"{at}/{code if keys else place}", code, scheme)

    def code(self, code: str | None, scheme: str, at: str) -> Iterator[FieldFault]:
        """A fault if ``scheme`` does not have ``code``."""
        if code is not None and code not in self.taxonomy.codes(scheme):
            yield unknown_code(at, code, scheme)

    def place(self, code: str | None, at: str) -> Iterator[FieldFault]:
        """A fault if ``code`` is no place of GB/T 2260."""
        if code is not None and region.normalise(self.taxonomy, code) is None:
            yield unknown_code(at, code, REGION)

    def rule(
        self,
        data: object,
        at: str,
        *,
        is_leaf: bool = False,
        reads: Collection[str] = MATCHED,
    ) -> Iterator[FieldFault]:
        """The faults of a rule: its form, its fields and whether it can hold at all.

        ``reads`` are the nouns whose fields it may read; those of others are unknown to it.
        """
        if data is None:
            return
        try:
            rule = parse(data, at=at)
        except MalformedRule as error:
            yield _rule_fault(error.pointer, error.reason)
            return
        if is_leaf and not isinstance(rule, Leaf):
            said = Bilingual(zh="偏好只能是单个条件", en="a preference is a single leaf")
            yield FieldFault(at, "not_a_leaf", said)
        for finding in lint(rule, self._specs(reads), at=at):
            if finding.severity is Severity.ERROR:
                yield _rule_fault(finding.pointer, finding.code)

    def _specs(self, reads: Collection[str]) -> Specs:
        return lambda name: self.fields.spec(name) if name.partition(".")[0] in reads else None


def unknown_code(at: str, code: str, scheme: str) -> FieldFault:
    """The fault of a code that its scheme does not have."""
    message = Bilingual(
        zh=f"“{code}”不是“{scheme}”中的代码", en=f"'{code}' is not a code of '{scheme}'"
    )
    return FieldFault(at, "unknown_code", message)


def _rule_fault(at: str, reason: Flaw | FindingCode) -> FieldFault:
    return FieldFault(
        at, "invalid_rule", Bilingual(zh=wording(reason, "zh"), en=wording(reason, "en"))
    )
