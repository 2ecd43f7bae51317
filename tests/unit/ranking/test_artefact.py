"""Models as tables: what they predict, as files that cannot be exchanged, and as a page to read."""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from tests import judged, pools
from tests.pools import Maker

from matchmaker.core import shipped
from matchmaker.matching.service import Model, score
from matchmaker.ranking import artefact, features, model_card, tables
from matchmaker.ranking.artefact import RefusedArtefact
from matchmaker.ranking.baselines import Bm25Ranker, PopularityRanker, ShuffleRanker
from matchmaker.ranking.blend import MatchRanker
from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker, NotAdditive
from matchmaker.ranking.bounding import Bounded
from matchmaker.ranking.lists import Floats
from matchmaker.ranking.ranker import Ranker
from matchmaker.ranking.scorecard import ScorecardRanker, from_card
from matchmaker.ranking.tables import (
    MILLION,
    IncompatibleTables,
    Sample,
    ScoreTables,
    compile_model,
)

NAMES = ("a", "b", "c", "d")
REFERENCES = {"a": 512, "b": 512, "c": 256, "d": 0}
FEATURES = features.BY_NAME
SCHEMA = artefact.schema_of(features.FEATURES)


def trees(**more: Any) -> ListwiseGradientBoostingRanker:  # noqa: ANN401
    given = {"max_leaf_nodes": 6, "max_iter": 40, "random_state": 0, **more}
    return ListwiseGradientBoostingRanker(**given)


@pytest.mark.parametrize(
    "ranker",
    [
        ScorecardRanker(),
        trees(pairs=((0, 1), (3, 1)), monotonic=(1, 1, 0, 0)),
        MatchRanker(trees=trees(pairs=((2, 0),)), random_state=0),
        ShuffleRanker(),
        PopularityRanker(1),
        Bm25Ranker(2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_ranker_compiles_to_tables_that_give_what_it_predicts(ranker: Ranker) -> None:
    steps, grades, qid = judged.additive(25)
    fitted = ranker.fit(steps, grades, qid=qid)
    found = compile_model(fitted, "m", NAMES, REFERENCES)
    scores = tables.score_rows(found, NAMES, steps.astype(np.int64))
    effects = len(found.effects) + len(found.pairs)
    assert np.abs(scores / MILLION - fitted.predict(steps)).max() <= 1e-6 * effects

    row = {name: int(step) for name, step in zip(NAMES, steps[7], strict=True)}
    base, at = found.at_references(NAMES), found.at(row)
    contributions = {name: at[name] - base[name] for name in at}
    assert sum(base.values()) + sum(contributions.values()) == scores[7]


def test_a_model_that_says_other_than_its_tables_is_refused() -> None:
    steps, grades, qid = judged.additive(25)
    ranker = trees(pairs=((0, 1),)).fit(steps, grades, qid=qid)
    found = compile_model(ranker, "m", NAMES, REFERENCES)
    for name, step in (("a", 0), ("b", 700), ("d", 1024)):
        bent = found.effects[name].copy()
        bent[step] += 10
        with pytest.raises(IncompatibleTables):
            tables.check(replace(found, effects={**found.effects, name: bent}), ranker)
    grid = found.pairs["a", "b"].copy()
    grid[15, 3] += 10
    with pytest.raises(IncompatibleTables):
        tables.check(replace(found, pairs={("a", "b"): grid}), ranker)
    with pytest.raises(IncompatibleTables, match="features"):
        compile_model(ranker, "m", NAMES[:3], REFERENCES)


def test_trees_that_mix_features_do_not_compile() -> None:
    steps, grades, qid = judged.additive(5)
    with pytest.raises(NotAdditive):
        compile_model(trees(additive=False).fit(steps, grades, qid=qid), "m", NAMES, REFERENCES)


def queries(maker: Maker) -> list[Any]:
    """Needs that open all features, or only some."""
    whole: dict[str, Any] = {
        "plain": ("quality",),
        "scenes": pools.SCENES[:2],
        "categories": ("qms",),
        "budget": 1_000_000,
        "industries": ("C3311",),
        "region": "210200",
        "scale": 1,
        "stage": 2,
        "ready_by": maker.day(-30, 90),
        "prefer": (maker.leaf("offering.seats"),),
    }
    without = [(), ("budget", "scale"), ("plain", "prefer", "region"), ("scenes",), ("stage",)]
    return [
        maker.query(**{name: value for name, value in whole.items() if name not in left_out})
        for left_out in without
    ]


def test_a_learned_blend_is_served_by_the_code_that_serves_the_card() -> None:
    maker, model = Maker(9), pools.model()
    index = pools.index_of([maker.offering(f"o{number:02d}") for number in range(60)])
    names = tuple(model.card.features)
    asked = queries(maker)
    found = [score(query, index, model, ()) for query in asked]
    rows = []
    for each in found:
        of_need = np.full((index.planes.parts, len(names)), np.nan)
        given = [names.index(name) for name in each.steps]
        of_need[:, given] = features.matrix(each.steps, index.planes)
        rows.append(of_need)
    steps: Floats = np.vstack(rows)
    qid = np.repeat(np.arange(len(rows)), index.planes.parts)
    wanted = np.nan_to_num(steps) @ np.random.default_rng(0).random(len(names))
    grades = np.concatenate(
        [(wanted[qid == need] > np.quantile(wanted[qid == need], 0.8)) for need in range(len(rows))]
    ).astype(float)
    place = names.index
    pairs = ((place("scale"), place("price")), (place("scene_fit"), place("price")))
    signs = [int(FEATURES[name].direction != 0) for name in names]
    ranker = MatchRanker(
        ScorecardRanker(from_card(model.card).weights),
        trees(monotonic=signs, pairs=pairs, min_samples_leaf=5),
        random_state=0,
    ).fit(steps, grades, qid=qid)
    assert ranker.share_ > 0
    compiled = compile_model(
        ranker, "learned", names, {name: f.reference for name, f in model.card.features.items()}
    )
    assert all((np.diff(compiled.effects[name]) >= 0).all() for name in names if name != "prefer")

    most = 1e-6 * (len(names) + len(pairs))
    learned = Model(model.card, compiled, "learned")
    for query, of_need, by_card in zip(asked, rows, found, strict=True):
        served = score(query, index, learned, ()).row_scores
        assert np.abs(served / MILLION - ranker.predict(of_need)).max() <= most
        assert not np.array_equal(served, by_card.row_scores), "the control: the card says other"


ABOUT = {
    "window": {"from": "2026-06-01", "to": "2026-11-01"},
    "needs": 25,
    "metrics": {"ndcg@10": 0.71},
    "share": 0.4,
    "scale": None,
    "libraries": {"scikit-learn": "1.9.1"},
}


def shipped_tables() -> ScoreTables:
    """Card 1 with a learned-looking pair."""
    grid = np.arange(256, dtype=np.int64).reshape(16, 16) * 1000 - 90_000
    found = pools.model().tables
    return replace(found, pairs={("scale", "price"): grid})


def predicted(of: ScoreTables) -> Sample:
    """What a model of these tables would have predicted."""
    names = tuple(of.effects)
    rows = np.random.default_rng(3).integers(0, 1025, (64, len(names)))
    return Sample(rows, tables.score_rows(of, names, rows) / MILLION)


def kept(folder: Path, of: ScoreTables | None = None, *, as_of: ScoreTables | None = None) -> str:
    found = of or shipped_tables()
    return artefact.save(folder, found, SCHEMA, ABOUT, sample=predicted(as_of or found))


def test_what_is_loaded_is_what_was_kept(tmp_path: Path) -> None:
    name = kept(tmp_path)
    found = artefact.load(tmp_path, name, SCHEMA)
    before = shipped_tables()

    assert found.manifest["about"] == ABOUT
    assert found.tables.name == before.name
    assert found.tables.references == before.references
    assert [*found.tables.effects] == [*before.effects]
    for key, effects in before.effects.items():
        assert np.array_equal(found.tables.effects[key], effects)
    assert np.array_equal(found.tables.pairs["scale", "price"], before.pairs["scale", "price"])
    assert found.tables.at({"scale": 0, "price": 1024}) == before.at({"scale": 0, "price": 1024})


def test_the_same_model_has_the_same_name_whenever_it_is_kept(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()

    assert kept(first) == kept(second)


@pytest.mark.parametrize("name", artefact.FILES)
def test_a_flipped_bit_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    sha256, path = kept(tmp_path), tmp_path / name
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(RefusedArtefact):
            artefact.load(tmp_path, sha256, SCHEMA)
    path.write_bytes(content)
    artefact.load(tmp_path, sha256, SCHEMA)


def test_tables_that_say_other_than_their_model_did_are_refused_whole_as_they_are(
    tmp_path: Path,
) -> None:
    """Every sum is right; only the model would have said something else."""
    found = shipped_tables()
    for name, other in (
        ("effects", replace(found, effects={**found.effects, "price": found.effects["text"] * 2})),
        ("pairs", replace(found, pairs={("scale", "price"): found.pairs["scale", "price"] + 3000})),
    ):
        place = tmp_path / name
        place.mkdir()
        sha256 = kept(place, other, as_of=found)
        with pytest.raises(RefusedArtefact):
            artefact.load(place, sha256, SCHEMA)
    control = tmp_path / "control"
    control.mkdir()
    artefact.load(control, kept(control, found, as_of=found), SCHEMA)


def test_what_a_ranker_predicts_is_kept_with_what_is_missing() -> None:
    steps, grades, qid = judged.additive(25)
    ranker = MatchRanker(trees=trees(pairs=((2, 0),)), random_state=0).fit(steps, grades, qid=qid)
    found = compile_model(ranker, "m", NAMES, REFERENCES)
    sample = tables.sampled(ranker, len(NAMES))
    assert (sample.rows == tables.MISSING).any()
    tables.hold(found, sample)
    bent = found.effects["a"] + 10
    with pytest.raises(IncompatibleTables):
        tables.hold(replace(found, effects={**found.effects, "a": bent}), sample)
    with pytest.raises(IncompatibleTables, match="other features"):
        tables.hold(found, Sample(sample.rows[:, 1:], sample.predicted))


def test_a_bounded_feature_spans_no_more_than_its_limit_in_tables_and_predictions() -> None:
    steps, grades, qid = judged.additive(25)
    ranker = MatchRanker(trees=trees(), random_state=0).fit(steps, grades, qid=qid)
    spans = np.ptp(ranker.effects()[0], axis=1)
    wide, narrow = int(spans.argmax()), int(np.argsort(spans)[1])
    held = Bounded(ranker, wide, narrow)
    found = compile_model(held, "m", NAMES, REFERENCES)
    of = [np.ptp(found.effects[NAMES[each]]) for each in (wide, narrow)]
    assert of[0] <= of[1]
    assert of[0] > 0.99 * of[1]
    tables.hold(found, tables.sampled(held, len(NAMES)))
    assert Bounded(ranker, narrow, wide).factor == 1
    with pytest.raises(IncompatibleTables):
        tables.hold(found, tables.sampled(ranker, len(NAMES)))


def test_a_missing_file_and_another_model_are_refused(tmp_path: Path) -> None:
    sha256 = kept(tmp_path)
    with pytest.raises(RefusedArtefact):
        artefact.load(tmp_path, "0" * 64, SCHEMA)
    (tmp_path / "pairs.npy").unlink()
    with pytest.raises(RefusedArtefact):
        artefact.load(tmp_path, sha256, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each[::-1],
        lambda each: each[:-1],
        lambda each: (replace(each[0], direction=-each[0].direction), *each[1:]),
        lambda each: (replace(each[0], reads=("offering.other",)), *each[1:]),
        lambda each: (replace(each[0], needs=()), *each[1:]),
    ],
)
def test_a_model_of_other_features_is_refused(
    tmp_path: Path, change: Callable[[tuple[features.Feature, ...]], tuple[features.Feature, ...]]
) -> None:
    sha256 = kept(tmp_path)
    with pytest.raises(RefusedArtefact, match="other features"):
        artefact.load(tmp_path, sha256, artefact.schema_of(change(features.FEATURES)))


def test_no_file_is_a_pickle(tmp_path: Path) -> None:
    """An array of objects, its name right, its sum right, is still not read."""
    kept(tmp_path)
    held = io.BytesIO()
    np.save(held, np.array([dt.date(2026, 1, 1)], object), allow_pickle=True)
    (tmp_path / "pairs.npy").write_bytes(held.getvalue())
    manifest = msgspec.json.decode((tmp_path / artefact.MANIFEST).read_bytes())
    manifest["arrays"]["pairs"] = artefact.digest(held.getvalue())
    content = msgspec.json.encode(manifest)
    (tmp_path / artefact.MANIFEST).write_bytes(content)
    with pytest.raises(RefusedArtefact):
        artefact.load(tmp_path, artefact.digest(content), SCHEMA)


def test_tables_are_read_and_served_without_scikit_learn_in_memory(tmp_path: Path) -> None:
    sha256 = kept(tmp_path)
    code = (
        "import sys, pathlib; from matchmaker.ranking import artefact, features, model_card\n"
        "schema = artefact.schema_of(features.FEATURES)\n"
        f"artefact.load(pathlib.Path(sys.argv[1]), {sha256!r}, schema)\n"
        "import matchmaker.matching.service\n"
        "print('sklearn' in sys.modules); import matchmaker.ranking.scorecard\n"
        "print('sklearn' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert said.split() == ["False", "True"], "the last one is the control"


def words() -> dict[str, dict[str, str]]:
    content = (shipped.folder("seeds") / "ranking/model-card.yaml").read_bytes()
    found: dict[str, dict[str, str]] = msgspec.yaml.decode(content)
    return {language: found[language] for language in ("zh", "en")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_card_of_a_model_shows_every_table_in_both_languages(
    tmp_path: Path, language: str
) -> None:
    found = artefact.load(tmp_path, kept(tmp_path), SCHEMA)
    said = model_card.page(found, FEATURES, words()[language], language)
    plots = [ET.fromstring(each) for each in re.findall(r"<svg.*?</svg>", said, re.DOTALL)]  # noqa: S314 - our own
    titles = [plot.findtext("{*}title") for plot in plots]
    named = {name: getattr(FEATURES[name], language) for name in found.tables.effects}

    assert titles == [*named.values(), f"{named['scale']} x {named['price']}"]
    assert all(plot.findtext("{*}desc") for plot in plots)
    assert found.sha256 in said
    assert "2026-06-01" in said
    assert words()[language]["unknown"] in said
    assert len(plots[-1].findall("{*}rect")) == 256
    weight = found.tables.effects["scene_fit"][1024] / MILLION / 2
    assert f"+{weight:.3f}" in said


def test_the_card_says_where_a_table_falls_against_its_sign(tmp_path: Path) -> None:
    bent = shipped_tables()
    falling = bent.effects["price"].copy()
    falling[600] -= 5000
    bent = replace(bent, effects={**bent.effects, "price": falling})
    found = artefact.load(tmp_path, kept(tmp_path, bent), SCHEMA)
    said = words()["en"]

    assert model_card.page(found, FEATURES, said, "en").count(said["broken"]) == 1


def test_both_languages_say_the_same_things() -> None:
    found = words()

    assert found["zh"].keys() == found["en"].keys()
    for key, text in found["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", found["zh"][key]))
