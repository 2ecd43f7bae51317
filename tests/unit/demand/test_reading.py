"""Free text and its draft: sixty texts by hand, and that nothing comes from anywhere else."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import release

from matchmaker.core import shipped
from matchmaker.demand.declaration import MOST_BUDGET, Budget
from matchmaker.demand.reading import Reader, book, wording
from matchmaker.demand.reading.amounts import numeral

TODAY = dt.date(2026, 11, 30)
VECTORS = Path(__file__).parents[2] / "vectors/needs_parse.yaml"
CASES: list[dict[str, Any]] = msgspec.yaml.decode(VECTORS.read_bytes())
CODES = ("scenes", "categories", "deployment")
READER = release.released().need_reader
BOOK = book.load(shipped.folder("seeds"))


def read(text: str, today: dt.date = TODAY) -> dict[str, Any]:
    found = wording.reading(text, READER.read(text, today), READER.version)
    told: dict[str, Any] = msgspec.to_builtins(found)
    return told


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:24] for case in CASES])
class TestVectors:
    def test_the_draft_is_as_written(self, case: dict[str, Any]) -> None:
        draft = read(case["text"])["draft"]
        assert draft["text"] == case["text"]
        assert draft["kind"] == case.get("kind")
        for field in CODES:
            assert sorted(draft[field] or []) == sorted(case.get(field, [])), field
        budget = draft["budget"] and [draft["budget"]["amount"], draft["budget"]["currency"]]
        assert budget == case.get("budget")
        assert draft["ready_by"] == (str(case["ready_by"]) if "ready_by" in case else None)

    def test_every_part_was_read_from_the_text(self, case: dict[str, Any]) -> None:
        told = read(case["text"])
        for span in [*told["spans"], *told["unread"]]:
            assert case["text"][span["start"] : span["end"]] == span["quote"] != ""
        for field, quote in case.get("quotes", {}).items():
            assert quote in [span["quote"] for span in told["spans"] if span["field"] == field]

    def test_without_those_characters_nothing_is_read(self, case: dict[str, Any]) -> None:
        told = read(case["text"])
        text = list(case["text"])
        for span in told["spans"]:
            text[span["start"] : span["end"]] = "□" * (span["end"] - span["start"])
        again = read("".join(text))["spans"]
        fields = {span["field"] for span in told["spans"]}
        assert [span for span in again if span["field"] in fields] == []


def test_there_are_thirty_of_each_language() -> None:
    chinese = [any("\u4e00" <= c <= "\u9fff" for c in case["text"]) for case in CASES]
    assert (sum(chinese), len(chinese)) == (30, 60)


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("Budget 200k for a robot.", "budget", "currency_missing"),
        ("预算$30,000。", "budget", "ambiguous_currency"),
        ("有30万元。", "budget", "no_budget_word"),
        ("预算20000亿元。", "budget", "out_of_range"),
        ("预算20万元，预算30万元。", "budget", "another"),
        ("不要MES。", "categories", "denied"),
        ("已有MES。", "categories", "held"),
        ("2025年3月前上线。", "ready_by", "past"),
        ("Ready by 30 February 2027.", "ready_by", "no_such_day"),
        ("贷款买软件", "kind", "several_kinds"),
    ],
)
def test_what_is_not_taken_says_why(text: str, field: str, reason: str) -> None:
    told = read(text)
    assert (field, reason) in [(each["field"], each["reason"]) for each in told["unread"]]
    if reason != "another":
        assert told["draft"][field] is None


@pytest.mark.parametrize(
    ("written", "number"),
    [("二十五", 25), ("三百二十", 320), ("十", 10), ("一万五千", 15_000), ("两千", 2_000)],
)
def test_chinese_numerals(written: str, number: int) -> None:
    assert numeral(written, BOOK.money.digits, BOOK.money.multiples) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("上线3月底前", "2027-03-31"),
        ("12月前上线", "2026-11-30"),
        ("今年底前上线", "2026-12-31"),
        ("两周内上线", "2026-12-14"),
        ("ready by q1 2027", "2027-03-31"),
        ("ready within a month", "2026-12-30"),
        ("ready before 1 May 2027", "2027-05-01"),
        ("ready by May 3rd", "2027-05-03"),
        ("ready by end of next year", "2027-12-31"),
    ],
)
def test_days(text: str, day: str) -> None:
    assert read(text)["draft"]["ready_by"] == day


def test_no_word_is_found_inside_another() -> None:
    assert read("Samesy erpeton captains")["spans"] == []


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    told = READER.read(text, TODAY)
    for span in told.spans:
        assert 0 <= span.part.start < span.part.end <= len(text)
        assert not isinstance(span.value, Budget) or span.value.amount > 0


PIECES = [
    "预算",
    "20",
    "万",
    "元",
    "2027年",
    "3月",
    "底前",
    "MES",
    "budget ",
    "by ",
    "May ",
    "-",
    "€",
    "半",
    "年内",
    "q4 ",
    "99",
    "日",
    ",",
    "。",
    "end of ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_pieces_can_be_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    told = wording.reading(text, READER.read(text, TODAY), READER.version)
    for span in told.spans:
        assert text[span.start : span.end] == span.quote


@pytest.mark.parametrize(
    "piece", ["九亿", "20万", "5月", "已有MES ", "May ", " ", "9", "1,", "预算", "budget 5 ", "no "]
)
def test_the_longest_text_holds_nobody_up(piece: str) -> None:
    """A tenth of a second; read again from each mention, most of these took 3 to 60."""
    text = (piece * 8000)[:8000]
    started = time.process_time()
    told = READER.read(text, TODAY)
    assert time.process_time() - started < 2.0
    wording.reading(text, told, READER.version)


@pytest.mark.parametrize(
    "text",
    [
        "预算٣万元",
        "预算" + "9" * 7000 + "元",
        "预算" + "千" * 7000 + "元",
        "budget ²³ eur",
        "٣月内上线",
    ],
)
def test_numbers_that_are_none_of_ours_are_no_fault(text: str) -> None:
    draft = read(text)["draft"]
    assert draft["ready_by"] is None
    assert draft["budget"] is None or draft["budget"]["amount"] <= MOST_BUDGET


def test_a_book_that_names_what_there_is_not_is_refused() -> None:
    released = release.released()
    broken = msgspec.structs.replace(BOOK, scenes={**BOOK.scenes, "quality": ("no_such_concept",)})
    with pytest.raises(ValueError, match="no_such_concept"):
        Reader(broken, released.taxonomy, {})
