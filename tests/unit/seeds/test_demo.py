"""The demo pool is large, varied, original and true to the product's own types."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import io
import json
import re
from collections import Counter
from functools import cache
from typing import Any

import msgspec
import pytest
from tests import release
from tests.factories import taxonomy
from tests.unit.seeds.demo_pool import (
    LANGUAGES,
    Line,
    Originality,
    alike,
    han,
    lines,
    text_of,
    words,
)

from matchmaker.catalog.codes import known_codes
from matchmaker.catalog.importing.reading import read_file
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching.query import Caller
from matchmaker.taxonomy.errors import UnusableInput

MOST_SHARED = 0.4
MOST_ECHOED = 0.15
KINDS = ("solution", "advisory", "research", "talent", "finance")
AS_OF = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
TRADES = {
    "textiles and garments": ("C17", "C18"),
    "food": ("C13", "C14"),
    "furniture": ("C20", "C21"),
    "printing and packaging": ("C22", "C23"),
    "chemicals": ("C26",),
    "plastics": ("C29",),
    "castings": ("C339",),
    "machine building": ("C34", "C35"),
    "car parts": ("C36",),
    "electronics": ("C39",),
}
"""The trades the pool has to serve by name, each with its classes."""


@cache
def providers() -> list[Line]:
    return lines("providers-*.jsonl")


@cache
def offerings() -> list[Line]:
    return lines("offerings-*.jsonl")


@cache
def smes() -> list[Line]:
    return lines("smes.jsonl")


@cache
def needs() -> list[Line]:
    return lines("needs.jsonl")


@cache
def originality() -> Originality:
    return Originality(taxonomy(), providers())


def is_chinese(text: str) -> bool:
    return len(han(text)) > len(words(text))


def packages() -> list[tuple[Line, Line]]:
    return [(offering, package) for offering in offerings() for package in offering["packages"]]


class TestSize:
    def test_every_kind_of_provider_is_there(self) -> None:
        assert len(providers()) >= 40
        missing = taxonomy().codes("provider_kind") - {p["provider_kind"] for p in providers()}
        assert not missing

    def test_a_hundred_and_sixty_offerings_and_no_provider_without_one(self) -> None:
        assert len(offerings()) >= 160
        assert {o["provider"] for o in offerings()} == {p["external_id"] for p in providers()}

    def test_each_kind_has_enough_offerings_to_be_ranked(self) -> None:
        found = Counter(o["kind"] for o in offerings() if o["visibility"] == "public")
        assert {kind for kind in KINDS if found[kind] >= 12} == set(KINDS), found

    def test_twelve_firms_of_different_trades_and_places(self) -> None:
        assert len(smes()) == 12
        profiles = [sme["profile"] for sme in smes()]
        assert len({profile["industries"][0][:3] for profile in profiles}) == 12
        assert len({profile["region"] for profile in profiles}) == 12

    def test_twenty_four_needs_half_chinese_half_english(self) -> None:
        told = Counter(is_chinese(need["need"]["text"]) for need in needs())
        assert told == {True: 12, False: 12}
        assert {need["profile"] for need in needs()} == {sme["external_id"] for sme in smes()}
        kinds = Counter(need["need"]["kind"] for need in needs())
        assert {kind for kind in KINDS if kinds[kind] >= 2} == set(KINDS), kinds

    def test_ids_are_unique(self) -> None:
        for made in (providers(), smes(), needs()):
            assert len({line["external_id"] for line in made}) == len(made)
        assert len({(o["provider"], o["external_id"]) for o in offerings()}) == len(offerings())
        assert len({o["external_id"] for o in offerings()}) == len(offerings())

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_title_stands_twice(self, language: str) -> None:
        titles = Counter(o["title"][language].casefold() for o in offerings())
        assert max(titles.values()) == 1
        names = Counter(p["name"][language].casefold() for p in (*providers(), *smes()))
        assert max(names.values()) == 1


class TestVariety:
    def test_scenes_meet_kinds(self) -> None:
        """Every scene and every kind occurs; `pytest -s` prints where they meet."""
        table = Counter(
            (scene, offering["kind"])
            for offering in offerings()
            for scene in {s for p in offering["packages"] for s in p["levels"] or {}}
        )
        scenes = list(taxonomy().scheme("sme_scene").entries)
        rows = [f"{'':22}" + "".join(f"{kind:>10}" for kind in KINDS)]
        rows += [
            f"{scene:22}" + "".join(f"{table[scene, kind]:>10}" for kind in KINDS)
            for scene in scenes
        ]
        print("\n" + "\n".join(rows))  # noqa: T201  (the table is the point of `-s`)
        assert {scene for scene, _ in table} == set(scenes)
        assert {o["kind"] for o in offerings()} == set(KINDS)

    def test_every_scale_and_every_level_occurs(self) -> None:
        assert {s for _, p in packages() for s in p["scales"] or ()} == taxonomy().codes("scale")
        spans = [span for _, p in packages() for span in (p["levels"] or {}).values() if span]
        assert {level for span in spans for level in span} == {0, 1, 2, 3, 4}

    def test_every_stage_begins_or_ends_a_package(self) -> None:
        ends = {stage for _, package in packages() for stage in package["stages"] or ()}
        assert ends == taxonomy().codes("stage")

    @pytest.mark.parametrize("trade", TRADES)
    def test_every_trade_is_served_by_name(self, trade: str) -> None:
        named = [o for o in offerings() if trade in trades_of(o["industries"])]
        assert len(named) >= 5
        assert len({o["kind"] for o in named}) >= 3

    def test_offerings_come_from_many_provinces_and_some_go_everywhere(self) -> None:
        served = [region for o in offerings() for region in o["regions"] or ()]
        assert len({region[:2] for region in served if region != "all"}) >= 20
        assert served.count("all") >= 20

    def test_what_a_ranking_has_to_cope_with_occurs(self) -> None:
        """Unknown and spanned amounts, prices by unit, claims, conditions, dates and pools."""
        parts = [part for _, p in packages() for part in (p["price"] or {}).get("parts", ())]
        cases = [case["state"] for o in offerings() for case in o["cases"]]
        assert all(1 <= len(o["packages"]) <= 4 for o in offerings())
        assert sum(p["price"] is None for _, p in packages()) >= 10
        assert sum(part.get("amount") is None and "from" not in part for part in parts) >= 10
        assert sum("from" in part for part in parts) >= 10
        assert {part.get("per") for part in parts} >= {"users", "machines", "sites", "employees"}
        assert Counter(cases)["verified"] > Counter(cases)["claimed"] >= 20
        assert sum(o["must"] is not None for o in offerings()) >= 15
        assert sum(o["valid_from"] is not None for o in offerings()) >= 3
        assert sum(o["valid_to"] is not None for o in offerings()) >= 5
        assert Counter(o["visibility"] for o in offerings())["pool"] >= 5

    def test_firms_differ_in_what_they_know_of_themselves(self) -> None:
        profiles = [sme["profile"] for sme in smes()]
        unknown = [sum(value is None for value in profile.values()) for profile in profiles]
        assert min(unknown) <= 3
        assert max(unknown) >= 7
        stages = {profile["stage"] for profile in profiles}
        assert stages >= {None, "not_started", "tool_assisted", "standardised", "integrated"}


class TestTexts:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_text_is_short(self, language: str) -> None:
        count, least = (han, 80) if language == "zh" else (words, 50)
        short = {
            o["external_id"]: len(count(text_of(o, language)))
            for o in offerings()
            if len(count(text_of(o, language))) < least
        }
        assert not short

    def test_no_two_offerings_share_their_text(self) -> None:
        assert not alike(offerings(), originality(), MOST_SHARED)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_copy_with_other_words_filled_in_is_caught(self, language: str) -> None:
        """The control: one text is another's, with names, numbers and vocabulary exchanged."""
        doctored = copy.deepcopy(offerings()[:12])
        original, forged = doctored[2], doctored[9]
        forged["summary"][language] = filled_in(original["summary"][language], language)
        found = alike(doctored, originality(), MOST_SHARED)
        assert [(each[0], each[1], each[2]) for each in found] == [
            (language, original["external_id"], forged["external_id"])
        ]

    def test_no_need_is_written_from_an_offering(self) -> None:
        """A firm tells its trouble in its own words, not in those of what is on offer."""
        assert not echoes(needs())

    def test_a_need_made_of_an_offering_is_caught(self) -> None:
        """The control: a firm that asks for exactly what one offering says it does."""
        offering = next(o for o in offerings() if o["external_id"] == "a-plum-rain-drawer")
        for language in LANGUAGES:
            told = {"external_id": language, "need": {"text": offering["summary"][language]}}
            assert echoes([told]) == [(language, offering["external_id"])]


def echoes(asked: list[Line]) -> list[tuple[str, str]]:
    """Every need with an offering that holds too much of its wording."""
    found = []
    for line in asked:
        language = "zh" if is_chinese(line["need"]["text"]) else "en"
        told = originality().trigrams(
            {"title": {}, "summary": {language: line["need"]["text"]}}, language
        )
        for offering in offerings():
            shared = told & originality().trigrams(offering, language)
            if len(shared) >= MOST_ECHOED * len(told):
                found.append((line["external_id"], offering["external_id"]))
    return found


def trades_of(industries: list[str] | None) -> list[str]:
    """The trades that classes of industry belong to; a whole section belongs to none."""
    named = industries or ()
    return [
        trade
        for trade, classes in TRADES.items()
        if any(code.startswith(classes) for code in named)
    ]


def filled_in(text: str, language: str) -> str:
    """``text`` as a template would give it again: other numbers, another maker, another trade."""
    opening = {"zh": "晚风纸鸢云制造执行2031版。", "en": "Evening Kite Cloud MES 2031. "}[language]
    middle = {"zh": "，质量管理12套，", "en": ", 12 quality management, "}[language]
    changed = re.sub(r"\d+", "77", text)
    return opening + re.sub(r"[，,]\s*", middle, changed, count=2)


class TestTruth:
    def test_the_import_takes_every_line(self) -> None:
        raw = "\n".join(json.dumps(line) for line in (*providers(), *offerings()))
        words_ = release.released().words
        read = asyncio.run(
            read_file(io.BytesIO(raw.encode()), known_codes(taxonomy()), words_.tokenizer)
        )
        read.spool.close()
        assert not read.faults.found, read.faults.listed()
        assert not read.awaited
        assert len(read.offerings) == len(offerings())

    def test_every_need_can_be_asked(self) -> None:
        reader = release.released().reader
        profiles = {sme["external_id"]: sme["profile"] for sme in smes()}
        for line in needs():
            profile = decoded(profiles[line["profile"]], ProfileFacts)
            need = decoded(line["need"], NeedFacts)
            try:
                query = reader.build(profile, need, pools=None, caller=Caller(), as_of=AS_OF)
            except UnusableInput as error:
                pytest.fail(f"{line['external_id']}: {error.errors}")
            assert query.scale is not None, line["profile"]
            assert query.kind == line["need"]["kind"]
            assert query.plain, line["external_id"]

    def test_a_need_that_cannot_be_asked_is_caught(self) -> None:
        """The control: a scene that does not exist."""
        reader = release.released().reader
        need = decoded({**needs()[0]["need"], "scenes": ["alchemy"]}, NeedFacts)
        with pytest.raises(UnusableInput):
            reader.build(None, need, pools=None, caller=Caller(), as_of=AS_OF)


def decoded(value: dict[str, Any], target: type[Any]) -> Any:  # noqa: ANN401  (of type ``target``)
    """As the wire reads it: JSON text, no coercion."""
    return msgspec.json.decode(json.dumps(value), type=target)
