"""What a curation asks for, on the wire."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import END, Described, Text
from matchmaker.enterprise.declaration import Rule
from matchmaker.matching.schemas import MOST_SHOWN, OfferingName

Place: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MOST_SHOWN)]
Names: TypeAlias = Annotated[list[OfferingName], msgspec.Meta(min_length=1, max_length=500)]
Thousandths: TypeAlias = Annotated[
    int, msgspec.Meta(ge=-100, le=100, description="Of the width of the score, hi - lo")
]
FieldName: TypeAlias = Annotated[str, msgspec.Meta(pattern=f"^offering[.][a-z_]{{1,60}}{END}")]
_EITHER: Final[Described] = {
    "oneOf": [
        {
            "required": [given],
            "properties": {given: {"not": {"type": "null"}}, other: {"type": "null"}},
        }
        for given, other in (("offerings", "rule"), ("rule", "offerings"))
    ]
}


class BoostTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An add for some offerings: those listed, or those of which a rule says yes."""

    thousandths: Thousandths
    offerings: Names | None = None
    rule: Rule | None = None

    json_schema: ClassVar[Described] = _EITHER

    def __post_init__(self) -> None:
        """Refuse an add that says in no way, or in two, for whom it is."""
        _refuse_both(self.offerings, self.rule)


class PinTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An offering at an exact place, upwards or downwards; excluded ones are never shown."""

    offering_id: OfferingName
    place: Place


class CapTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many offerings of one provider within the first places."""

    of_provider: Place
    first: Place


class DiversityTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many offerings that state the same in a field within the first places."""

    field: FieldName
    most: Place
    first: Place


class FloorTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many of some offerings within the first places, where that can be."""

    least: Place
    first: Place
    offerings: Names | None = None
    rule: Rule | None = None

    json_schema: ClassVar[Described] = _EITHER

    def __post_init__(self) -> None:
        """Refuse a floor that says in no way, or in two, for whom it is."""
        _refuse_both(self.offerings, self.rule)


Boosts: TypeAlias = Annotated[list[BoostTerms], msgspec.Meta(max_length=20)]
Exclusions: TypeAlias = Annotated[list[OfferingName], msgspec.Meta(max_length=500)]
Pins: TypeAlias = Annotated[list[PinTerms], msgspec.Meta(max_length=20)]
Diversities: TypeAlias = Annotated[list[DiversityTerms], msgspec.Meta(max_length=5)]
Floors: TypeAlias = Annotated[list[FloorTerms], msgspec.Meta(max_length=10)]


class CurationTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that one version of a curation says; offerings that are not published are passed over."""

    name: Text
    boosts: Boosts = []
    exclude: Exclusions = []
    pins: Pins = []
    cap: CapTerms | None = None
    diversity: Diversities = []
    floors: Floors = []


class CurationPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a curation; lists are replaced whole."""

    name: TextPatch | UnsetType = UNSET
    boosts: Boosts | UnsetType = UNSET
    exclude: Exclusions | UnsetType = UNSET
    pins: Pins | UnsetType = UNSET
    cap: CapTerms | UnsetType | None = UNSET
    diversity: Diversities | UnsetType = UNSET
    floors: Floors | UnsetType = UNSET


def _refuse_both(offerings: object, rule: object) -> None:
    if (offerings is None) == (rule is None):
        raise ValueError("exactly one of offerings and rule")
