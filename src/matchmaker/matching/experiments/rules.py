"""What a comparison is held to, as released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "ranking/experiments.yaml"


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How sure a comparison has to be, and of how many firms."""

    scheme: str
    edition: str
    origin: str
    level: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    least_firms: Annotated[int, msgspec.Meta(ge=1)]


def load(seeds: Path) -> Rules:
    """The rules released below ``seeds``."""
    return msgspec.yaml.decode((seeds / FILE).read_bytes(), type=Rules)
