"""`matchmaker demo` as somebody runs it first: in both languages, on a fresh data directory.

And what it leaves there: rows, versions and events, as the database has them.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from rich.console import Console
from tests import release
from tests.chains import superuser_of
from tests.clusters import reachable_directory

from matchmaker.cli import firms, sample, texts
from matchmaker.cli.prose import Prose, breaks
from matchmaker.cli.session import Database
from matchmaker.cli.show import HALF, PLAIN, Page, bar
from matchmaker.cli.walk import explained
from matchmaker.core.clock import utc_now
from matchmaker.core.postgres import Embedded, Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.core.wire import Money
from matchmaker.demand import service as demand
from matchmaker.demand.machine import NeedState
from matchmaker.identity.service import Outcome
from matchmaker.matching import schemas

HAN = re.compile("[\u3400-\u9fff]")
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TRAIL = re.compile(
    rf"^ +([0-9]+) +[0-9:]{{8}}  .*?\b([a-z_]+\.[a-z_]+)\b.*\n.*?({UUID})", re.MULTILINE
)
"""Position, kind and subject of each event that was told."""
WHOLE = (
    "organisation.registered",
    "profile.stated",
    "need.created",
    "need.opened",
    "match_run.stored",
    "shortlist.created",
    "shortlist.frozen",
)
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


@pytest.fixture(scope="module")
def again(data: Path, chinese: Told) -> Told:
    assert chinese.code == 0
    return run(data, "--language", "en")


@pytest.fixture(scope="module")
def running(data: Path, again: Told) -> Iterator[Server]:
    """The server that all runs have written to."""
    assert again.code == 0
    with Embedded(data).start() as server:
        yield server


@pytest.fixture(scope="module")
def database(data: Path, running: Server) -> Database:
    return Database(running.url("mm_app"), Settings(data=str(data)))


def rows(database: Database, sql: str, **values: object) -> Sequence[Mapping[str, Any]]:
    async def read() -> Sequence[Mapping[str, Any]]:
        async with database.transaction() as session:
            found = await session.execute(sa.text(sql), values)
            return [dict(row) for row in found.mappings()]

    return asyncio.run(read())


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


def test_the_lesson_is_gated_ranks_better_and_is_undone(told: Told, database: Database) -> None:
    """What it learned from earlier needs orders later ones better; nothing of it is left."""
    (said,) = [line for line in told.out.splitlines() if "DCG@10" in line]
    before, after = map(float, re.findall(r"0\.\d{3}", said))
    assert after > before
    assert any(word in told.out for word in ("promoted by the rules", "已按规则启用"))
    assert rows(database, "select id from mm.model union all select id from mm.evaluation") == []


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
    for known in (
        *(r"/docs", r"sha256:[0-9a-f]{64}", r"card-[\d.]+", r"\+[0-9a-f]{12}", r"\S+Z *\n"),
        *(r"\b(?:sme|need)-[a-z-]+", r"\b[a-z_]+\.[a-z]+\b", UUID, r"matchmaker audit verify"),
    ):
        told, count = re.subn(known, "", told)
        assert count, known
    assert english_words(told) == []
    assert english_words(told + "Not confirmed"), "the control must be caught"
    assert len(HAN.findall(told)) > 800


class TestStored:
    """The stored path, and that what is told of it is what is there."""

    def test_the_first_run_goes_the_whole_way(self, english: Told) -> None:
        assert tuple(kind for _, kind, _ in TRAIL.findall(english.out)) == WHOLE

    def test_a_second_run_states_nothing_again(self, again: Told, database: Database) -> None:
        """Each language has a need of its own; neither is written twice, nor the profile."""
        kinds = [kind for _, kind, _ in TRAIL.findall(again.out)]
        assert kinds == ["match_run.stored", "shortlist.created", "shortlist.frozen"]
        versions = """
            select 'profile' as of, count(*) from mm.profile_version group by organisation_id
            union all select n.external_id, count(*) from mm.need_version v
            join mm.need n on n.id = v.need_id group by n.external_id
        """
        found = {row["of"]: row["count"] for row in rows(database, versions)}
        assert found == {"profile": 1, sample.NEED: 1, sample.NEED_IN_ENGLISH: 1}

    def test_the_trail_is_what_the_chain_has(
        self, english: Told, chinese: Told, again: Told, database: Database
    ) -> None:
        told = [
            (int(position), kind, subject)
            for each in (english, chinese, again)
            for position, kind, subject in TRAIL.findall(each.out)
        ]
        written = """
            select position, kind, subject_id, actor from mm.event
            where organisation_id is distinct from (
                select id from mm.organisation where external_id = 'demo-agency'
            ) order by position
        """
        # The agency of the demo is there before, as the pool is.
        chain = rows(database, written)
        stored = [event for event in chain if not event["kind"].startswith("catalog.")]
        assert told == [(e["position"], e["kind"], str(e["subject_id"])) for e in stored]
        assert {event["actor"]["type"] for event in stored} == {"cli"}
        firm = next(e["subject_id"] for e in stored if e["kind"] == WHOLE[0])
        whose = {event["actor"]["organisation_id"] for event in stored[1:]}
        assert whose == {str(firm)}
        assert f"The chain is whole to position {chain[-1]['position']}:" in again.out

    def test_every_run_is_stored_as_it_was_told(
        self, english: Told, chinese: Told, again: Told, database: Database
    ) -> None:
        runs = rows(
            database,
            """select r.id, r.digest, r.answers, p.number as profile, v.number as need,
                      n.state, n.external_id, array_agg(m.rank order by m.rank) as ranks
               from mm.match_run r
               join mm.profile_version p on p.id = r.profile_version_id
               join mm.need_version v on v.id = r.need_version_id
               join mm.need n on n.id = r.need_id
               join mm.match m on m.run_id = r.id
               group by r.id, p.number, v.number, n.id order by r.id""",
        )
        assert len(runs) == 3
        names = [sample.NEED_IN_ENGLISH, sample.NEED, sample.NEED_IN_ENGLISH]
        for each, found, name in zip((english, chinese, again), runs, names, strict=True):
            assert str(found["id"]) in each.out
            assert found["digest"] in each.out
            assert (found["profile"], found["need"], found["external_id"]) == (1, 1, name)
            assert found["state"] == "open"
            assert found["ranks"] == list(range(1, 11))
            language = "zh" if each is chinese else "en"
            first = found["answers"][language]["items"][0]
            assert first["title"] in each.out
            assert f"{first['score']:.6f}" in each.out

    def test_the_first_three_are_frozen_in_the_version_they_were_shown_in(
        self, english: Told, chinese: Told, again: Told, database: Database
    ) -> None:
        found = rows(
            database,
            """select s.id, s.state, array_agg(m.rank order by e.position) as ranks,
                      bool_and(m.version_id = o.published_version_id) as is_current
               from mm.shortlist s
               join mm.shortlist_entry e on e.shortlist_id = s.id
               join mm.match m on m.run_id = e.run_id and m.offering_id = e.offering_id
               join mm.offering o on o.id = e.offering_id
               group by s.id order by s.id""",
        )
        for each, shortlist in zip((english, chinese, again), found, strict=True):
            assert str(shortlist["id"]) in each.out
            assert (shortlist["state"], shortlist["ranks"]) == ("frozen", [1, 2, 3])
            assert shortlist["is_current"]


class TestSeeding:
    """What `matchmaker seed` stores beside the pool, on the database that the demo left."""

    released = release.released()

    def test_every_firm_and_need_is_stored_once(self, database: Database) -> None:
        first = asyncio.run(firms.store_all(database, self.released))
        assert first == {
            sample.SMES: Counter({Outcome.NEW: 11, Outcome.UNCHANGED: 1}),
            sample.NEEDS: Counter({Outcome.NEW: 23, Outcome.UNCHANGED: 1}),
        }
        before = rows(database, "select count(*) from mm.event")
        second = asyncio.run(firms.store_all(database, self.released))
        assert second == {
            sample.SMES: Counter({Outcome.UNCHANGED: 12}),
            sample.NEEDS: Counter({Outcome.UNCHANGED: 24}),
        }
        assert rows(database, "select count(*) from mm.event") == before
        kept = """select n.state, count(*) from mm.need n
                  join mm.organisation o on o.id = n.organisation_id and 'sme' = any (o.roles)
                  group by n.state"""
        # The demo's English need is of nobody's file.
        assert [tuple(row.values()) for row in rows(database, kept)] == [("open", 25)]

    def test_what_the_file_says_anew_is_a_new_version(self, database: Database) -> None:
        told = sample.load("zh", utc_now().date())
        facts = msgspec.structs.replace(told.need.need, categories=["mes"], ready_by=None)
        changed = msgspec.structs.replace(told.need, need=facts)

        async def written() -> list[firms.WrittenNeed]:
            async with database.transactions() as begin:
                desk = firms.Desk(begin, self.released)
                by = (await desk.settle(told.firm)).principal
                return [await desk.write_need(line, by) for line in (changed, changed, told.need)]

        found = asyncio.run(written())
        assert [each.outcome for each in found] == [
            Outcome.CHANGED,
            Outcome.UNCHANGED,
            Outcome.CHANGED,
        ]
        assert [each.found.version.number for each in found] == [2, 2, 3]
        assert {each.found.need.state for each in found} == {NeedState.OPEN}

    def test_a_need_that_has_gone_further_is_left_alone(self, database: Database) -> None:
        """`seed` does not touch it; the demo tells another one of the same words."""
        told = sample.load("zh", utc_now().date())

        async def walked() -> tuple[firms.WrittenNeed, firms.WrittenNeed, firms.WrittenNeed]:
            async with database.transactions() as begin:
                desk = firms.Desk(begin, self.released)
                by = (await desk.settle(told.firm)).principal
                need = (await desk.open_need(told.need, by)).found.need
                async with begin() as session:
                    asked = TransitionRequest(transition="withdraw")
                    await demand.take_step(session, need.id, asked, principal=by, now=utc_now())
                return (
                    await desk.write_need(told.need, by),
                    await desk.open_need(told.need, by),
                    await desk.open_need(told.need, by),
                )

        left, other, same = asyncio.run(walked())
        assert (left.outcome, left.found.need.state) == (Outcome.UNCHANGED, NeedState.WITHDRAWN)
        assert other.found.need.external_id == f"{sample.NEED}-2"
        assert (other.outcome, other.found.need.state) == (Outcome.NEW, NeedState.OPEN)
        assert (same.outcome, same.found.need.id) == (Outcome.UNCHANGED, other.found.need.id)


def test_no_need_of_the_demo_is_ever_too_late_to_be_opened() -> None:
    for today in (dt.date(2026, 11, 23), dt.date(2031, 2, 28)):
        dates = [line.need.ready_by for line in sample.needs(today)]
        assert min(date for date in dates if date) >= today
    as_written = [line.need.ready_by for line in sample.needs(dt.date(2020, 1, 1))]
    assert sample.load("zh", dt.date(2026, 11, 23)).need.need.ready_by in as_written


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


def test_a_chain_that_was_tampered_with_is_told_and_fails_the_demo(
    data: Path, running: Server
) -> None:
    async def tamper() -> None:
        async with superuser_of(running) as connection:
            await connection.execute(sa.text("set session_replication_role = replica"))
            statement = "update mm.event set data = data || '{\"version\": 9}' where position = 2"
            await connection.execute(sa.text(statement))
            await connection.commit()

    asyncio.run(tamper())
    told = run(data, "--language", "en")
    assert told.code == 1
    assert "the chain of events breaks at position 2" in told.err
    assert "the chain of events breaks at position 2" in told.out
    assert "The chain is whole" not in told.out
