"""The plain function behind /match on the demo pool: what it says, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.factories import SEEDS
from tests.property import test_determinism as demo

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Language
from matchmaker.matching import phrases, schemas
from matchmaker.matching.errors import OfferingNotConsidered
from matchmaker.matching.index import IndexHolder, IndexNotReady, read
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.query import Caller
from matchmaker.matching.registry import GLOSSARY, PHRASES, STOP_WORDS, load_words
from matchmaker.ranking.storage import UnreadableIndex
from matchmaker.taxonomy.errors import UnusableInput

ANYONE = Caller()
FIRM: dict[str, Any] = {
    "industries": ["C3311"],
    "region": "210200",
    "employees": 86,
    "revenue": {"amount": 3_200_000_000, "currency": "CNY"},
    "scenes": {"quality": 1},
    "stage": "tool_assisted",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def matcher(folder: Path) -> Matcher:
    return demo.publish(folder)


def request(
    need: dict[str, Any], profile: dict[str, Any] | None = None, **more: object
) -> schemas.MatchInput:
    said = {"profile": profile, "need": {"kind": "solution", **need}, **more}
    return msgspec.convert(said, schemas.MatchInput)


def faults(
    matcher: Matcher, need: dict[str, Any], profile: dict[str, Any] | None = None
) -> list[FieldFault]:
    with pytest.raises(UnusableInput) as caught:
        matcher.match(request(need, profile), ANYONE, "en")
    return list(caught.value.errors)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_item_of_every_demo_need_adds_up_in_words(
    matcher: Matcher, language: Language
) -> None:
    for asked in demo.usable(matcher):
        answer = matcher.match(asked, ANYONE, language)
        for item in answer.items:
            parts = [item.base, *(c.adds for c in item.contributions)]
            assert round(sum(parts) * 1e6) == round(item.score * 1e6)
            assert all(c.phrase and c.label for c in item.contributions)
            assert all(0 <= c.value <= 1 for c in item.contributions)
            assert set(item.unconfirmed) <= set(answer.rules)
            assert item.title
            assert item.package_title
        funnel = answer.funnel
        assert funnel.considered == sum(funnel.excluded.values()) + funnel.scored
        assert set(funnel.excluded) <= set(answer.rules)
        assert all(question.question for question in answer.questions)
        assert set(answer.timings_ms) <= {"match", "words"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_considered_offering_can_be_explained(matcher: Matcher, language: Language) -> None:
    names: set[str] = set()
    for asked in list(demo.usable(matcher))[:6]:
        published = matcher.holder.current()
        for offering_id in published.index.offering_ids:
            two = msgspec.structs.replace(asked, limit=2)
            try:
                found = matcher.explain(two, offering_id, ANYONE, language)
            except OfferingNotConsidered:
                names.add("not considered")
                continue
            names.add(found.standing)
            assert (found.item is None) == (found.standing == "excluded")
            assert (found.excluded_by is None) == (found.standing != "excluded")
            if found.excluded_by is not None:
                assert found.excluded_by.sentence
                assert all(found.excluded_by.proof.values())
    assert names == {"shown", "below_cut", "excluded", "not considered"}


def test_an_unheard_of_offering_is_not_considered(matcher: Matcher) -> None:
    with pytest.raises(OfferingNotConsidered):
        matcher.explain(request({}), "nobody", ANYONE, "en")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"need": {"kind": "solution"}, "need_id": "01920000-0000-7000-8000-000000000000"},
        {
            "need": {"kind": "solution"},
            "profile": {},
            "profile_id": "01920000-0000-7000-8000-000000000000",
        },
    ],
)
def test_a_request_says_one_thing_of_each(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="one of"):
        msgspec.convert(said, schemas.MatchRequest)


@pytest.mark.parametrize(
    ("need", "profile", "pointer"),
    [
        ({"scenes": ["quality", "nowhere"]}, None, "#/need/scenes/1"),
        ({"categories": ["nothing"]}, None, "#/need/categories/0"),
        ({"deployment": ["nowhere"]}, None, "#/need/deployment/0"),
        ({"region": "990000"}, None, "#/need/region"),
        ({"must": {"field": "x"}}, None, "#/need/must"),
        ({"prefer": [{"all": []}]}, None, "#/need/prefer/0"),
        (
            {"must": {"field": "offering.attested", "op": "gte", "value": 1}},
            None,
            "#/need/must/op",
        ),
        ({}, {"industries": ["Z9"]}, "#/profile/industries/0"),
        ({}, {"region": "990000"}, "#/profile/region"),
        ({}, {"systems": ["nothing"]}, "#/profile/systems/0"),
        ({}, {"scenes": {"nowhere": 1}}, "#/profile/scenes/nowhere"),
        ({}, {"goals": {"nothing": 0.5}}, "#/profile/goals/nothing"),
        ({}, {"chain_role": "nobody"}, "#/profile/chain_role"),
        ({}, {"must": {"field": "offering.x", "op": "exists"}}, "#/profile/must/field"),
    ],
)
def test_what_does_not_exist_is_named_where_it_stands(
    matcher: Matcher, need: dict[str, Any], profile: dict[str, Any] | None, pointer: str
) -> None:
    assert [fault.pointer for fault in faults(matcher, need, profile)] == [pointer]


def test_every_fault_is_told_at_once(matcher: Matcher) -> None:
    found = faults(matcher, {"scenes": ["x"], "must": {}}, {"industries": ["y"]})

    assert len(found) == 3


def test_the_scale_of_a_firm_is_a_fact_that_rules_read(matcher: Matcher) -> None:
    query = matcher.query(request({}, FIRM), ANYONE)

    assert query.scale == 1
    assert query.facts["profile.scale"] == "small"
    assert query.facts["profile.scenes.quality"] == 1
    assert query.facts["profile.revenue.amount"] == 3_200_000_000


def test_a_scale_that_was_only_declared_counts_where_the_figures_do_not_suffice(
    matcher: Matcher,
) -> None:
    assert matcher.query(request({}, {"scale": "large"}), ANYONE).scale == 3
    assert matcher.query(request({}, {}), ANYONE).scale is None


def test_a_text_becomes_tokens_and_a_need_without_one_has_none(matcher: Matcher) -> None:
    assert matcher.query(request({"text": "质量 quality"}), ANYONE).plain
    assert matcher.query(request({}), ANYONE).plain is None


def test_without_a_budget_prices_are_in_the_portals_currency(matcher: Matcher) -> None:
    dollars = {"budget": {"amount": 1, "currency": "USD"}}

    assert matcher.query(request({}), ANYONE).currency == "CNY"
    assert matcher.query(request(dollars), ANYONE).currency == "USD"


def test_before_anything_is_published_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotReady):
        IndexHolder(tmp_path / "nowhere").current()


def test_a_holder_keeps_its_index_until_current_moves_on(tmp_path: Path) -> None:
    matcher = demo.publish(tmp_path)
    first = matcher.holder.current()
    assert matcher.holder.current() is first

    demo.publish(tmp_path)
    second = matcher.holder.current()
    assert second is not first
    demo.publish(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("v*")) == ["v000002", "v000003"]


def test_a_folder_that_is_not_complete_is_not_read(matcher: Matcher, folder: Path) -> None:
    matcher.holder.current()
    broken = folder.parent / "broken"
    shutil.copytree(folder / "v000001", broken)
    (broken / "versions.json").unlink()

    with pytest.raises(UnreadableIndex):
        read(broken)


def test_an_index_that_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("matchmaker.ranking.storage.save", fails)
    with pytest.raises(OSError, match="disk full"):
        demo.publish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_phrase_with_a_stop_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taxonomy").mkdir()
    glossary = yaml.safe_load((SEEDS / GLOSSARY).read_text(encoding="utf-8"))
    glossary["concepts"][0]["zh"] = ["的"]
    (tmp_path / GLOSSARY).write_text(yaml.safe_dump(glossary), encoding="utf-8")
    shutil.copy(SEEDS / STOP_WORDS, tmp_path / STOP_WORDS)

    with pytest.raises(ValueError, match="holds a stop character"):
        load_words(tmp_path)


def test_a_feature_without_phrases_is_refused(tmp_path: Path) -> None:
    book = yaml.safe_load((SEEDS / PHRASES).read_text(encoding="utf-8"))
    del book["features"]["price"]
    path = tmp_path / "phrases.yaml"
    path.write_text(yaml.safe_dump(book), encoding="utf-8")

    with pytest.raises(ValueError, match=r"no phrases for \['price'\]"):
        phrases.load(path)


def test_speaking_of_pairs_and_curations(matcher: Matcher) -> None:
    run, found = matcher.run(request({"text": "质量"}, FIRM), ANYONE)
    said: dict[Language, tuple[str, str]] = {
        "zh": ("企业规模与首年价格的搭配", "由策展规则“c1”排除"),
        "en": ("firm size together with first-year price", "Left out by the curation 'c1'"),
    }
    for language, (label, sentence) in said.items():
        speaker = matcher.speaker(found, language)
        assert speaker.label("scale x price") == label
        assert speaker.phrase(run.answer.items[0], "scale x price") == label
        assert speaker.rule("curation.c1") == sentence
