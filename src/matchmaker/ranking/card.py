"""The published card: weights, references and grids as versioned data (scoring.md, Card 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from matchmaker.ranking.slate import SlateRules
from matchmaker.ranking.text import TextWeights

if TYPE_CHECKING:
    from matchmaker.ranking.vocabulary import Vocabulary

Grid = Mapping[str, int]
"""Named points of a feature's grid.

Thousandths of the sub-score, or days, or counts, as the feature says.
"""

MOST_STEP: Final = 1024


@dataclass(frozen=True, slots=True)
class CardFeature:
    """One feature's weight in millionths, its reference step 0..1024, and its grid."""

    weight: int
    reference: int
    grid: Grid


@dataclass(frozen=True, slots=True)
class Card:
    """A card by its name: what a match needs that is neither the index nor the query.

    ``curation`` is the version of the default curation, the rules of the slate.
    """

    name: str
    features: Mapping[str, CardFeature]
    text: TextWeights
    slate: SlateRules
    curation: int
    vocabulary: Vocabulary


def card_from(data: Mapping[str, object], vocabulary: Vocabulary) -> Card:
    """The card in ``data`` (seeds/ranking).

    Raises: ValueError: the text weighs more than the scene fit, or a weight or a reference is out
    of range.
    """
    features = {name: _feature(entry) for name, entry in _mapping(data["features"]).items()}
    for name, feature in features.items():
        if feature.weight < 0 or not 0 <= feature.reference <= MOST_STEP:
            raise ValueError(f"card: weight or reference of {name} is out of range")
    if features["text"].weight > features["scene_fit"].weight:
        raise ValueError("card: text weighs more than scene_fit")
    text, slate = _mapping(data["text"]), _mapping(data["slate"])
    return Card(
        name=str(data["name"]),
        features=features,
        text=TextWeights(_number(text["k1"]), _number(text["b"]), (_integer(text["full"]), 1000)),
        slate=SlateRules(_integer(slate["of_provider"]), _integer(slate["first"])),
        curation=_integer(slate["version"]),
        vocabulary=vocabulary,
    )


def _feature(entry: object) -> CardFeature:
    fields = _mapping(entry)
    grid = {name: _integer(value) for name, value in _mapping(fields.get("grid", {})).items()}
    return CardFeature(_integer(fields["weight"]), _integer(fields["reference"]), grid)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"card: {value!r} is not a mapping")
    return {str(name): each for name, each in cast("Mapping[object, object]", value).items()}


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"card: {value!r} is not an integer")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"card: {value!r} is not a number")
    return float(value)
