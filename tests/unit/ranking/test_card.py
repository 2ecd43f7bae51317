"""The published card is read as it stands, and an unsound one is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from tests import pools, vectors

from matchmaker.ranking import sets
from matchmaker.ranking.card import Card, card_from
from matchmaker.ranking.columns import Coder, value_column
from matchmaker.ranking.features import FEATURES


@pytest.fixture
def data() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(vectors.CARD.read_text(encoding="utf-8"))
    return copy.deepcopy(read)


def read(data: dict[str, Any]) -> Card:
    return card_from(data, pools.VOCABULARY)


def test_the_published_card_has_every_feature_of_the_registry(data: dict[str, Any]) -> None:
    card = read(data)

    assert list(card.features) == [feature.name for feature in FEATURES]
    assert card.name == "card-2026.11"
    assert (card.text.k1, card.text.b, card.text.full) == (1.2, 0.75, (800, 1000))
    assert (card.slate.of_provider, card.slate.first) == (2, 10)


def test_text_never_weighs_more_than_scene_fit(data: dict[str, Any]) -> None:
    data["features"]["text"]["weight"] = 2_000_001

    with pytest.raises(ValueError, match="text weighs more than scene_fit"):
        read(data)


@pytest.mark.parametrize(("key", "value"), [("weight", -1), ("reference", 1025), ("reference", -1)])
def test_a_number_out_of_range_is_refused(data: dict[str, Any], key: str, value: int) -> None:
    data["features"]["price"][key] = value

    with pytest.raises(ValueError, match="of price is out of range"):
        read(data)


@pytest.mark.parametrize("value", ["1", True, 1.5, None])
def test_a_weight_is_an_integer(data: dict[str, Any], value: object) -> None:
    data["features"]["price"]["weight"] = value

    with pytest.raises(TypeError, match="is not an integer"):
        read(data)


@pytest.mark.parametrize("value", ["1", True])
def test_a_text_weight_is_a_number(data: dict[str, Any], value: object) -> None:
    data["text"]["k1"] = value

    with pytest.raises(TypeError, match="is not a number"):
        read(data)


@pytest.mark.parametrize("key", ["features", "text", "slate"])
def test_a_part_of_a_card_is_a_mapping(data: dict[str, Any], key: str) -> None:
    data[key] = ["x"]

    with pytest.raises(TypeError, match="is not a mapping"):
        read(data)


def test_a_feature_that_reads_a_set_refuses_another_column() -> None:
    with pytest.raises(TypeError, match="is not a column of sets"):
        sets._as_set(value_column(Coder()))
