"""How assessments are read and peers told apart: every number of it, as released."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

POLICY: Final = "enterprise/assessments.yaml"


class Dimensions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vocabulary of a scheme's dimensions, and the greatest value of one."""

    vocabulary: str
    maximum: Decimal


class Patience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days until a firm is counted with a wider kind of peers, the narrowest first."""

    region: int
    scale: int
    industry: int
    all: int


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released numbers; the file says what each is for."""

    scheme: str
    edition: str
    origin: str
    dimensions: dict[str, Dimensions]
    expected_shares: dict[str, float]
    batch: Annotated[int, msgspec.Meta(ge=2)]
    patience: Patience


def load(seeds: Path) -> Policy:
    """The policy released below ``seeds``."""
    return msgspec.yaml.decode((seeds / POLICY).read_bytes(), type=Policy, strict=False)
