"""How many firms stand behind what is told of those that are not named, as released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

POLICY: Final = "enterprise/reach.yaml"


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released numbers; the file says what each is for."""

    scheme: str
    edition: str
    origin: str
    least: Annotated[int, msgspec.Meta(ge=2)]


def load(seeds: Path) -> Policy:
    """The policy released below ``seeds``."""
    return msgspec.yaml.decode((seeds / POLICY).read_bytes(), type=Policy)
