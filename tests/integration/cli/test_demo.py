"""`matchmaker demo` as somebody runs it first: in both languages, on a fresh data directory."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from tests.conftest import reachable_directory

from matchmaker.cli import texts
from matchmaker.cli.prose import Prose, breaks
from matchmaker.cli.show import HALF, PLAIN, Page, bar
from matchmaker.cli.walk import explained
from matchmaker.core.wire import Money
from matchmaker.matching import schemas

HAN = re.compile("[\u3400-\u9fff]")
SERVE = "matchmaker serve"


@dataclass(frozen=True)
class Told:
    """What one run printed, and the published indexes after it."""

    code: int
    out: str
    err: str
    indexes: dict[str, int]


def run(data: Path, *arguments: str, **environment: str) -> Told:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MATCHMAKER_", "DATABASE_"))},
        "MATCHMAKER_DATA": str(data),
        "PYTHONUTF8": "1",
        "COLUMNS": "80",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-m", "matchmaker", "demo", *arguments],
        env=environment,
        capture_output=True,
        timeout=180,
        check=False,
        encoding="utf-8",
    )
    files = (data / "index").rglob("*") if (data / "index").is_dir() else ()
    stamps = {str(file): file.stat().st_mtime_ns for file in files}
    return Told(done.returncode, done.stdout, done.stderr, stamps)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with reachable_directory() as place:
        yield place


@pytest.fixture(scope="module")
def english(data: Path) -> Told:
    return run(data, "--language", "en")


@pytest.fixture(scope="module")
def chinese(data: Path, english: Told) -> Told:
    assert english.code == 0
    return run(data, "--language", "zh")


@pytest.fixture(params=["en", "zh"])
def told(request: pytest.FixtureRequest, english: Told, chinese: Told) -> Told:
    return english if request.param == "en" else chinese


def test_it_ends_with_the_command_that_serves(told: Told) -> None:
    assert (told.code, told.err) == (0, "")
    last = told.out.rstrip().splitlines()[-6:]
    assert any(SERVE in line for line in last), last
    assert any("curl" in line and "/v1/match" in line for line in last), last


def test_a_pipe_gets_no_escape_codes_and_no_line_over_80_columns(told: Told) -> None:
    assert "\x1b" not in told.out
    wide = Console(width=200)
    assert [line for line in told.out.splitlines() if wide.measure(line).maximum > 80] == []


def test_every_shown_sum_adds_up_to_its_score(told: Told) -> None:
    blocks = re.findall(r"((?:^.*\d\.\d{6} *\n){3,})", told.out, re.MULTILINE)
    assert len(blocks) >= 2
    for block in blocks:
        base, *parts, score = (Decimal(line.split()[-1]) for line in block.splitlines())
        assert len(parts) >= 10
        assert base + sum(parts) == score


def test_the_walk_shows_what_its_firm_was_chosen_for(told: Told) -> None:
    """Something to confirm, a question that settles an offering, one left out by the need."""
    assert re.search(r" \d+\? *$", told.out, re.MULTILINE), "no unconfirmed item is listed"
    for text in (texts.UNCONFIRMED, texts.DECIDES, texts.NEAREST, texts.EXCLUDED_BY):
        assert text.zh in told.out or text.en in told.out, text.en
    assert texts.NO_QUESTIONS.zh not in told.out
    assert texts.NO_QUESTIONS.en not in told.out


def test_the_closed_books_add_up(told: Told) -> None:
    books = re.search(r"^(\d+) = ([\d +]+)$", told.out.replace(" \n", "\n"), re.MULTILINE)
    assert books is not None
    parts = [int(part) for part in books[2].split("+")]
    assert len(parts) >= 3
    assert int(books[1]) == sum(parts)


def test_the_english_walk_has_no_chinese(english: Told) -> None:
    assert HAN.findall(english.out) == []


def english_words(text: str) -> list[str]:
    """Words of Latin letters, short names such as CAD and MES apart."""
    return [word for word in re.findall(r"[A-Za-z]{2,}", text) if not word.isupper()]


def test_the_chinese_walk_has_no_english_but_codes_and_commands(chinese: Told) -> None:
    told = chinese.out[: chinese.out.index("make serve")]
    for known in (r"/docs", r"sha256:[0-9a-f]{64}", r"card-[\d.]+", r"\+[0-9a-f]{12}", r"\S+Z\n"):
        told, count = re.subn(known, "", told)
        assert count, known
    assert english_words(told) == []
    assert english_words(told + "Not confirmed"), "the control must be caught"
    assert len(HAN.findall(told)) > 800


def test_a_second_run_changes_nothing(english: Told, chinese: Told) -> None:
    assert english.indexes
    assert chinese.indexes == english.indexes


def test_a_broken_setting_is_one_line_and_no_traceback(data: Path) -> None:
    told = run(data, MATCHMAKER_PORT="twelve")
    assert told.code == 2
    assert "MATCHMAKER_" in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_a_database_that_does_not_answer_is_one_line(data: Path) -> None:
    told = run(data, DATABASE_URL="postgresql+asyncpg://nobody@127.0.0.1:9/none")
    assert told.code == 1
    assert len(told.err.splitlines()) == 1, told.err
    assert "Traceback" not in told.out + told.err


def item(rank: int, adds: list[float], unconfirmed: list[str] | None = None) -> schemas.MatchedItem:
    return schemas.MatchedItem(
        rank=rank,
        offering_id=str(rank),
        version=1,
        package="light",
        package_title="Light",
        title="Quality traceability",
        provider=schemas.NamedProvider(id="p", name="Pine Heron"),
        score=round(2.5 + sum(adds), 6),
        fit=70,
        base=2.5,
        contributions=[
            schemas.Contribution(feature=f"f{n}", label=f"f{n}", value=0.5, adds=each, phrase="")
            for n, each in enumerate(adds)
        ],
        curation=[],
        price=Money(amount=1, currency="CNY"),
        price_3_years=None,
        alternatives=[],
        slate=[],
        reasons=[],
        cautions=[],
        unconfirmed=unconfirmed or [],
        programmes=[],
    )


def test_a_shown_sum_adds_up_to_the_score() -> None:
    out = io.StringIO()
    page = Page(Console(width=80, file=out), "en")
    page.sum_of(item(1, [0.303711, -0.467773, 0.0]), 0.467773)
    amounts = [line.split()[-1] for line in out.getvalue().splitlines()]
    base, *parts, score = map(Decimal, amounts)
    assert parts == [Decimal("0.303711"), Decimal("-0.467773"), Decimal(0)]
    assert base + sum(parts) == score


def test_bars_stand_left_or_right_of_one_zero_line() -> None:
    assert bar(1.0, 1.0, PLAIN) == " " * HALF + "|" + "#" * HALF
    assert bar(-1.0, 1.0, PLAIN) == "#" * HALF + "|" + " " * HALF
    assert bar(0.0, 1.0, PLAIN) == " " * HALF + "|" + " " * HALF
    assert bar(0.000001, 1.0, PLAIN).rstrip() == " " * HALF + "|#"
    assert {len(bar(n / 7, 1.0)) for n in range(-7, 8)} == {2 * HALF + 1}
    assert bar(0.0, 0.0, PLAIN).strip() == "|"


def test_the_item_with_something_to_confirm_is_explained_too() -> None:
    items = [item(1, []), item(2, []), item(3, []), item(4, [], ["need.must.0"])]
    ranks = [each.rank for each in explained(answer_with(items))]
    assert ranks == [1, 2, 4]
    assert [each.rank for each in explained(answer_with(items[:3]))] == [1, 2]


def answer_with(items: list[schemas.MatchedItem]) -> schemas.MatchAnswer:
    versions = schemas.UsedVersions(
        index=schemas.IndexPosition(base=1, delta=0),
        text="",
        model="",
        curation=1,
        taxonomy="",
        glossary="",
        rules=1,
        engine="1",
    )
    return schemas.MatchAnswer(
        run_id=None,
        items=items,
        questions=[],
        funnel=schemas.MatchFunnel(considered=4, excluded={}, scored=4, shown=4),
        rules={},
        unmatched_terms=[],
        as_of="",
        versions=versions,
        receipt=schemas.Receipt(as_of="", seed=None, caller="", versions=versions, digest=""),
        timings_ms={},
    )


def test_no_line_begins_with_a_closing_mark() -> None:
    text = "抄错一个数，整根型材就废了。"
    console = Console(width=11)
    lines = [line.plain for line in Prose(text).wrap(console, 10)]
    assert "".join(lines) == text
    assert lines == ["抄错一个", "数，整根型", "材就废了。"]


def test_words_stay_whole_and_what_is_too_long_is_cut() -> None:
    assert list(breaks("one two three", 8)) == [8]
    assert list(breaks("abcdefghij", 4)) == [4, 8]


def test_the_sample_request_can_be_sent() -> None:
    body = msgspec.json.decode(Path(__file__).parents[2].joinpath("e2e/match.json").read_bytes())
    assert msgspec.convert(body, schemas.MatchRequest).limit == 3
