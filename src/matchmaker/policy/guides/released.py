"""The general guide, which is released with the product and is nobody's official word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from matchmaker.policy.guides.checking import guide_faults
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.taxonomy.errors import SeedBroken

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.taxonomy.checking import Checker

GENERAL: Final = "policy/guide.yaml"


class General(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The general guide: cited after all others, by whatever firm."""

    id: UUID
    guide: GuideTerms


def load(seeds: Path, checker: Checker) -> General:
    """The guide released below ``seeds``.

    Raises:
        SeedBroken: it names what there is not, or is not for every firm.
    """
    found = msgspec.yaml.decode((seeds / GENERAL).read_bytes(), type=General)
    faults = [f"{fault.pointer} {fault.code}" for fault in guide_faults(checker, found.guide)]
    if faults or found.guide.industries or found.guide.region:
        raise SeedBroken(f"{GENERAL}: {', '.join(faults) or 'it is not for every firm'}")
    return found
