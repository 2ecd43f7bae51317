"""Receipts that were given while everything was edited, replayed from the database alone."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text
from tests import release
from tests.clusters import migrated_server, reachable_directory
from tests.factories import SEEDS

from matchmaker.catalog.admissions import service as admissions
from matchmaker.catalog.life import service as life
from matchmaker.catalog.life.applying import CONSOLE
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.terms import Terms
from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core.clock import utc_now
from matchmaker.core.db import Session
from matchmaker.core.language import LANGUAGES
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.core.wire import Text
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise import service as enterprise
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity import organisations
from matchmaker.identity import queries as directory
from matchmaker.identity import schemas as identity
from matchmaker.identity.access import Principal, at_console, event_actor
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.matching import runs, schemas
from matchmaker.matching.publisher import Publisher
from matchmaker.matching.query import Caller
from matchmaker.matching.registry import CARD, GLOSSARY
from matchmaker.released import Released

Json = dict[str, Any]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def running() -> Iterator[Database]:
    with reachable_directory() as place, migrated_server(place) as server:
        yield Database(server.url("mm_app"), Settings(data=str(place / "data"), secret="s" * 32))


@dataclass
class Market:
    """A marketplace that is edited between answers."""

    running: Database
    place: Path
    seeds: Path
    released: Released
    firm: Principal
    agency: Principal
    operator: Principal
    random: random.Random
    publisher: Publisher
    """What it has read it brings forward; whoever replays reads all of it."""
    gone: set[str] = field(default_factory=set)
    pools: frozenset[str] = frozenset()

    async def work(self, done: Callable[[Session], Awaitable[Any]]) -> Any:  # noqa: ANN401
        async with self.running.transaction() as session:
            return await done(session)

    def lines(self, kind: str) -> list[Json]:
        return [
            json.loads(line)
            for file in sorted((SEEDS / "demo").glob(f"{kind}*.jsonl"))
            for line in file.read_text().splitlines()
        ]

    async def imported(self, *lines: Json) -> None:
        file = self.place / f"{uuid4().hex}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        ((_, report),) = await pool.import_all(self.running, self.released, [file])
        assert report.is_written, report.faults

    def offering(self) -> Json:
        """A line of an offering that may be imported again."""
        lines = [line for line in self.lines("offerings") if line["external_id"] not in self.gone]
        found: Json = self.random.choice(lines)
        return found

    async def offering_id(self, external_id: str) -> OfferingId:
        statement = text("select id from mm.offering where external_id = :e")
        found = await self.work(lambda session: session.scalar(statement, {"e": external_id}))
        return OfferingId(found)

    # What is edited, one after the other.

    async def edit_offering(self) -> None:
        line = self.offering()
        title = {
            language: f"{said} ({uuid4().hex[:4]} quality)"
            for language, said in line["title"].items()
        }
        await self.imported({**line, "title": title, "attested": "2026-11-01"})

    async def edit_package(self) -> None:
        line = self.offering()
        package = {**line["packages"][0], "code": f"k-{uuid4().hex[:6]}", "weeks": [1, 2]}
        await self.imported({**line, "packages": [package, *line["packages"]]})

    async def edit_provider(self) -> None:
        line = self.random.choice(self.lines("providers"))
        await self.imported({**line, "name": {"zh": "新名", "en": f"New {uuid4().hex[:4]}"}})

    async def edit_suspend_provider(self) -> None:
        name = self.random.choice(self.lines("providers"))["external_id"]

        async def suspend(session: Session) -> None:
            found = await directory.organisation_named(session, name)
            assert found is not None
            if found.state is OrganisationState.VERIFIED:
                step = TransitionRequest(transition="suspend")
                await organisations.move(session, found.id, step, by=self.operator)

        await self.work(suspend)

    async def edit_suspend_offering(self) -> None:
        name = self.offering()["external_id"]
        self.gone.add(name)
        offering_id = await self.offering_id(name)
        await self.work(
            lambda session: life.take_step(
                session, offering_id, "suspend", by=CONSOLE, today=utc_now().date()
            )
        )

    async def edit_pool(self) -> None:
        """A new pool of the agency with one offering that was admitted by exception."""
        code = f"p-{uuid4().hex[:8]}"
        terms = msgspec.convert({"name": {"en": "P"}, "rule": {"all": []}, "tiers": []}, Terms)
        offering_id = await self.offering_id(self.offering()["external_id"])
        fields, today = self.released.reader.fields, utc_now().date()

        async def admit(session: Session) -> None:
            owner = await session.scalar(
                text("select organisation_id from mm.offering where id = :id"), {"id": offering_id}
            )
            made = await pools.create(
                session, self.agency, code, terms, checker=self.released.checker
            )
            provider = await directory.organisation(session, owner)
            assert provider is not None
            found = await admissions.apply(
                session,
                at_console(provider),
                made.pool.id,
                offering_id,
                fields=fields,
                today=today,
            )
            self.admission = found.admission.id

        await self.work(admit)
        step = TransitionRequest(transition="admit")
        await self.work(
            lambda session: admissions.take_step(
                session, self.agency, self.admission, step, fields=fields, today=today
            )
        )
        self.pools |= {code}

    async def edit_card(self) -> None:
        self.release(
            CARD,
            "weight: 400000, reference: 512, grid: {none",
            "weight: 700000, reference: 512, grid: {none",
        )

    async def edit_glossary(self) -> None:
        self.release(GLOSSARY, '"quality check"', '"quality check", "pinhole"')

    async def edit_label(self) -> None:
        self.release("taxonomy/vocabularies.yaml", "en: Micro,", "en: Very small,")

    async def edit_curation(self) -> None:
        self.release(
            CARD, "slate: {version: 1, of_provider: 2", "slate: {version: 2, of_provider: 1"
        )

    def release(self, name: str, before: str, after: str) -> None:
        """Seeds with one edit more, released from now on."""
        seeds = self.place / f"seeds-{uuid4().hex[:6]}"
        shutil.copytree(self.seeds, seeds)
        said = (seeds / name).read_text()
        assert before in said
        (seeds / name).write_text(said.replace(before, after))
        self.seeds, self.released = seeds, Released(seeds)
        self.publisher = Publisher(self.running.settings.index_folder, self.released.edition)

    async def edit_profile(self) -> None:
        stored = await self.work(
            lambda session: enterprise.get_facts(session, self.firm.organisation_id)
        )
        facts = msgspec.structs.replace(stored.facts, employees=self.random.randint(20, 900))
        await self.state_profile(facts, expected=stored.number)

    async def state_profile(self, facts: ProfileFacts, expected: int | None = None) -> None:
        await self.work(
            lambda session: enterprise.state_profile(
                session,
                self.released.checker,
                self.firm.organisation_id,
                facts,
                expected=expected,
                by=event_actor(self.firm),
            )
        )

    async def store(self) -> str:
        """A stored run of the firm, by its profile as it stands."""
        matcher = self.released.matcher(self.running.settings.index_folder)

        async def run(session: Session) -> str:
            asked = await runs.resolve(
                session,
                schemas.MatchRequest(
                    need=msgspec.convert(self.lines("needs")[0]["need"], NeedFacts),
                    profile_id=self.firm.organisation_id,
                    persist=True,
                ),
                self.firm,
                self.released.taxonomy,
            )
            made, scoring = matcher.run(asked.input, await runs.caller_of(session, self.firm))
            told = matcher.told(made, scoring)
            return str(await runs.store(session, asked, made, answers=told, principal=self.firm))

        found: str = await self.work(run)
        return found


TURNS: tuple[str, ...] = (
    *("offering", "package", "provider", "card", "pool", "profile", "label", "package"),
    *("suspend_provider", "glossary", "pool", "profile", "offering", "curation", "provider"),
    *("suspend_offering", "pool", "package", "profile", "offering", "provider", "package"),
)
"""What is edited before each index; an offering is with every one, so that each has a position."""


async def market(running: Database, place: Path) -> Market:
    released = release.released()
    for _, report in await pool.import_all(running, released, pool.demo_files()):
        assert report.is_written
    people: list[Principal] = []
    for role in (OrganisationRole.SME, OrganisationRole.AGENCY, OrganisationRole.OPERATOR):
        name = Text(en=role.value)
        draft = identity.OrganisationDraft(name=name, roles=(role,), region="210200")
        async with running.transaction() as session:
            made = await organisations.register(
                session, released.taxonomy, draft, by=None, state=OrganisationState.VERIFIED
            )
            people.append(at_console(made))
    firm, agency, operator = people
    found = Market(
        running=running,
        place=place,
        seeds=SEEDS,
        released=released,
        firm=firm,
        agency=agency,
        operator=operator,
        random=random.Random(7),  # noqa: S311 - no secret
        publisher=Publisher(running.settings.index_folder, released.edition),
    )
    await found.state_profile(msgspec.convert(found.lines("smes")[0]["profile"], ProfileFacts))
    return found


async def answered(market: Market, count: int) -> list[Json]:
    """So many answers on the index of now, one of them stored, in both languages."""
    matcher = market.released.matcher(market.running.settings.index_folder)
    needs, firms = market.lines("needs"), market.lines("smes")
    agency = Caller(str(market.agency.organisation_id), market.pools)
    found: list[Json] = [{"run_id": await market.store()}]
    while len(found) < count:
        need = market.random.choice(needs)["need"]
        asked = msgspec.convert(
            {
                "need": {name: said for name, said in need.items() if said is not None},
                "profile": market.random.choice([None, *(firm["profile"] for firm in firms)]),
                "limit": market.random.randint(1, 20),
            },
            schemas.MatchInput,
        )
        if market.pools and market.random.random() < 0.2:
            asked = msgspec.structs.replace(asked, pools=sorted(market.pools)[:2])
        by = market.random.choice([Caller(), Caller(), agency])
        language = LANGUAGES[len(found) % len(LANGUAGES)]
        answer = matcher.match(asked, by, language)
        found.append(msgspec.to_builtins({"asked": asked, "receipt": answer.receipt}))
    return found


@pytest.mark.parametrize("receipts", [220, pytest.param(1000, marks=pytest.mark.soak)])
async def test_receipts_are_replayed_after_everything_was_edited(
    running: Database, tmp_path: Path, receipts: int
) -> None:
    world = await market(running, tmp_path)
    given: list[Json] = []
    for turn, edit in enumerate(TURNS):
        await world.edit_offering()
        await getattr(world, f"edit_{edit}")()
        await pool.publish(running, world.released, world.publisher)
        given += await answered(world, receipts * (turn + 1) // len(TURNS) - len(given))
    for edit in ("offering", "package", "provider", "profile", "pool"):
        await getattr(world, f"edit_{edit}")()
    assert len(given) == receipts
    positions = {json.dumps(line["receipt"]["versions"]) for line in given if "receipt" in line}
    assert len(positions) == len(TURNS) >= 20
    deltas = {bool(json.loads(versions)["index"]["delta"]) for versions in positions}
    assert deltas == {False, True}
    # A byte that is flipped, and a few asked for again when others have taken their places.
    flipped = json.loads(json.dumps(given[1]))
    flipped["receipt"]["digest"] = _flipped(flipped["receipt"]["digest"])
    again = [given[1], given[receipts // 2 + 1]]
    shutil.rmtree(running.settings.index_folder)

    counts = replayed_elsewhere(world, [*given, flipped, *again])

    assert counts["reproduced"] == receipts + len(again)
    assert counts["differ"] == 1
    assert counts["rebuilt"] >= len(TURNS) - 1
    assert counts["other_today"] >= receipts // 100, "the control: nothing was really edited"


def _flipped(digest: str) -> str:
    return digest[:-1] + ("0" if digest[-1] != "0" else "1")


def replayed_elsewhere(world: Market, given: list[Json]) -> dict[str, int]:
    """What a second process makes of them, whose hashes of texts are others."""
    file = world.place / "receipts.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in given))
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.integration.matching.replay_program"),
            *(world.running.url, world.running.settings.data, str(world.seeds), str(file)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counts
