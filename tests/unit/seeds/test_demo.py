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
from tests.factories import SEEDS, taxonomy
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
from matchmaker.matching.registry import load_reader, load_words
from matchmaker.taxonomy.errors import UnusableInput

MOST_SHARED = 0.4
KINDS = ("solution", "advisory", "research", "talent", "finance")
AS_OF = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


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
        assert len(providers()) >= 30
        missing = taxonomy().codes("provider_kind") - {p["provider_kind"] for p in providers()}
        assert not missing

    def test_a_hundred_offerings_and_no_provider_without_one(self) -> None:
        assert len(offerings()) >= 100
        assert {o["provider"] for o in offerings()} == {p["external_id"] for p in providers()}

    def test_eight_firms_of_different_trades_and_places(self) -> None:
        assert len(smes()) == 8
        profiles = [sme["profile"] for sme in smes()]
        assert len({profile["industries"][0][:3] for profile in profiles}) == 8
        assert len({profile["region"] for profile in profiles}) == 8

    def test_sixteen_needs_half_chinese_half_english(self) -> None:
        told = Counter(is_chinese(need["need"]["text"]) for need in needs())
        assert told == {True: 8, False: 8}
        assert {need["profile"] for need in needs()} == {sme["external_id"] for sme in smes()}
        assert {need["need"]["kind"] for need in needs()} == set(KINDS)

    def test_ids_are_unique(self) -> None:
        for made in (providers(), smes(), needs()):
            assert len({line["external_id"] for line in made}) == len(made)
        assert len({(o["provider"], o["external_id"]) for o in offerings()}) == len(offerings())
        assert len({o["external_id"] for o in offerings()}) == len(offerings())


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


def filled_in(text: str, language: str) -> str:
    """``text`` as a template would give it again: other numbers, another maker, another trade."""
    opening = {"zh": "晚风纸鸢云制造执行2031版。", "en": "Evening Kite Cloud MES 2031. "}[language]
    middle = {"zh": "，质量管理12套，", "en": ", 12 quality management, "}[language]
    changed = re.sub(r"\d+", "77", text)
    return opening + re.sub(r"[，,]\s*", middle, changed, count=2)


class TestTruth:
    def test_the_import_takes_every_line(self) -> None:
        raw = "\n".join(json.dumps(line) for line in (*providers(), *offerings()))
        words_ = load_words(SEEDS)
        read = asyncio.run(
            read_file(io.BytesIO(raw.encode()), known_codes(taxonomy()), words_.tokenizer)
        )
        read.spool.close()
        assert not read.faults.found, read.faults.listed()
        assert not read.awaited
        assert len(read.offerings) == len(offerings())

    def test_every_need_can_be_asked(self) -> None:
        reader = load_reader(taxonomy(), load_words(SEEDS))
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
        reader = load_reader(taxonomy(), load_words(SEEDS))
        need = decoded({**needs()[0]["need"], "scenes": ["alchemy"]}, NeedFacts)
        with pytest.raises(UnusableInput):
            reader.build(None, need, pools=None, caller=Caller(), as_of=AS_OF)


def decoded(value: dict[str, Any], target: type[Any]) -> Any:  # noqa: ANN401  (of type ``target``)
    """As the wire reads it: JSON text, no coercion."""
    return msgspec.json.decode(json.dumps(value), type=target)
