"""An index on disk: arrays and JSON only, and nothing of another format is read."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests import pools, vectors
from tests.pools import Maker

from matchmaker.matching.service import match
from matchmaker.ranking import singles, storage
from matchmaker.ranking.columns import Coder, Column, set_column, value_column
from matchmaker.ranking.facts import OfferingFacts, PackageFacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.storage import UnreadableIndex
from matchmaker.rules import Answer, Fact, Leaf, Op, Span


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    storage.save(vectors.index(), tmp_path)
    return tmp_path


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "index.json"
    meta = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**meta, **changes}), "utf-8")


def test_another_format_is_refused(folder: Path) -> None:
    rewrite(folder, format=storage.FORMAT + 1)

    with pytest.raises(UnreadableIndex, match="format 3, not 2"):
        storage.load(folder)


def test_a_missing_array_is_refused(folder: Path) -> None:
    (folder / "price.flat.npy").unlink()

    with pytest.raises(UnreadableIndex, match=r"price\.flat"):
        storage.load(folder)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableIndex):
        storage.load(tmp_path)


def test_what_is_no_json_is_refused(folder: Path) -> None:
    (folder / "index.json").write_text("{", "utf-8")

    with pytest.raises(UnreadableIndex):
        storage.load(folder)


def test_an_array_cut_short_is_refused(folder: Path) -> None:
    path = folder / "price.flat.npy"
    path.write_bytes(path.read_bytes()[:-8])

    with pytest.raises(UnreadableIndex):
        storage.load(folder)


def test_nothing_is_unpickled(folder: Path) -> None:
    np.save(folder / "price.flat.npy", np.array([{"a": 1}], object), allow_pickle=True)

    with pytest.raises(ValueError, match="Python objects"):
        storage.load(folder)


def bare(**fields: object) -> OfferingFacts:
    made: dict[str, object] = {
        "offering_id": "o1",
        "provider_id": "p1",
        "kind": "solution",
        "packages": (PackageFacts(code="k"),),
    }
    return OfferingFacts(**{**made, **fields})  # type: ignore[arg-type]


def stored(index: Index, folder: Path) -> Index:
    storage.save(index, folder)
    return storage.load(folder)


def test_every_kind_of_fact_comes_back(tmp_path: Path) -> None:
    facts: dict[str, Fact] = {
        "flag": False,
        "number": 7,
        "share": 0.1,
        "text": "文字",
        "day": dt.date(2026, 11, 20),
        "span": Span(1, 2.5),
        "set": frozenset({"b", "a"}),
        "nothing": None,
    }
    loaded = stored(pools.index_of([bare(declared=facts)]), tmp_path)

    assert {name: loaded.fact(f"offering.{name}", 0) for name in facts} == facts
    assert loaded.fact("offering.unheard_of", 0) is None


def test_an_index_of_nothing_and_one_of_unknowns_come_back(tmp_path: Path) -> None:
    for name, offerings in (("empty", []), ("unknown", [bare()])):
        folder = tmp_path / name
        folder.mkdir()
        loaded = stored(pools.index_of(offerings), folder)
        answer, _ = match(Maker(1).query(), loaded, pools.model(), limit=3)
        assert answer.funnel.scored == len(offerings)
        assert loaded.place("o2") is None


def test_a_column_of_another_kind_is_not_stored(tmp_path: Path) -> None:
    class Strange:
        codes = np.zeros(1, np.uint16)

    strange: Column = Strange()  # type: ignore[assignment]
    index = replace(pools.index_of([bare()]), declared={"strange": strange})

    with pytest.raises(TypeError, match="has no form on disk"):
        storage.save(index, tmp_path)


def test_codes_grow_with_the_number_of_distinct_values() -> None:
    for most, kind in ((255, np.uint8), (65_535, np.uint16), (65_536, np.uint32)):
        coder = Coder(range(most))
        assert coder.codes().dtype == kind
        assert len(coder.distinct) == coder.codes()[-1] == most


def test_a_column_answers_once_for_each_code() -> None:
    column = set_column(Coder([frozenset({"b"}), frozenset(), frozenset({"a", "all"})]))
    values = value_column(Coder([3, None, 3]))

    assert column.answers(Leaf("x", Op.EXISTS)).tolist() == [Answer.NO, Answer.YES, Answer.YES]
    assert column.answers(Leaf("x", Op.IN, ("c",))).tolist() == [
        Answer.UNKNOWN,
        Answer.YES,
        Answer.NO,
    ]
    assert column.answers(Leaf("x", Op.NOT_IN, ("a",))).tolist() == [
        Answer.UNKNOWN,
        Answer.NO,
        Answer.YES,
    ]
    assert values.answers(Leaf("x", Op.GTE, 3)).tolist() == [Answer.UNKNOWN, Answer.YES]
    assert [column.fact(code) for code in range(3)] == [
        None,
        frozenset({"a", "all"}),
        frozenset({"b"}),
    ]


def test_a_column_with_a_set_in_it_is_a_column_of_sets() -> None:
    index = pools.index_of(
        [
            bare(declared={"mixed": frozenset({"a"})}),
            bare(offering_id="o2", declared={"mixed": "a"}),
        ]
    )

    assert index.fact("offering.mixed", 0) == frozenset({"a"})
    assert index.fact("offering.mixed", 1) is None


def test_true_is_no_1_in_a_column() -> None:
    column = value_column(Coder([True, 1, False, 0]))

    assert [column.fact(int(code)) is True for code in column.codes] == [True, False, False, False]


def test_musts_that_differ_only_in_true_and_1_stay_apart() -> None:
    musts = [Leaf("profile.x", Op.IN, (value,)) for value in (True, 1)]
    index = pools.index_of(
        [bare(offering_id=f"o{place}", must=must) for place, must in enumerate(musts)]
    )
    stored_trees = [repr(index.musts.trees[int(code)]) for code in index.musts.codes]

    assert stored_trees == [repr((must,)) for must in musts]


def test_weeks_need_a_column_of_values() -> None:
    index = pools.index_of([bare()])
    wrong = replace(index, rows={**index.rows, "weeks": set_column(Coder([frozenset()]))})
    query = Maker(1).query(ready_by=pools.TODAY)

    with pytest.raises(TypeError, match="weeks are no column of values"):
        singles.weeks(query, wrong, pools.card().features["weeks"].grid)
