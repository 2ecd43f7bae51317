"""The codes a declaration may use, taken from the taxonomy once for a whole import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matchmaker.taxonomy.fields import FieldCatalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.rules import Specs
    from matchmaker.taxonomy.registry import Taxonomy

_STANDARDS = "cn_im_standard_2024"
_STAGES = "stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCodes:
    """Codes by scheme, the ladder of stages, standards by class, and what a rule may ask for."""

    schemes: Mapping[str, frozenset[str]]
    stage_rank: Mapping[str, int]
    standards: Mapping[str, str]
    """Class by sub-class."""
    specs: Specs

    def has(self, scheme: str, code: str) -> bool:
        """Whether ``scheme`` has ``code``."""
        return code in self.schemes[scheme]

    def is_below(self, sub: str, class_: str) -> bool:
        """Whether ``sub`` is a sub-class of the class of standards."""
        return self.standards.get(sub) == class_


def known_codes(taxonomy: Taxonomy) -> KnownCodes:
    """The codes of this release of the taxonomy."""
    stages = taxonomy.scheme(_STAGES).entries.values()
    standards = taxonomy.scheme(_STANDARDS).entries.values()
    return KnownCodes(
        schemes={name: frozenset(scheme.entries) for name, scheme in taxonomy.schemes.items()},
        stage_rank={entry.code: entry.rank for entry in stages if entry.rank is not None},
        standards={entry.code: entry.parent for entry in standards if entry.parent is not None},
        specs=FieldCatalogue(taxonomy).spec,
    )
