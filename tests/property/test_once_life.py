"""Requests with an Idempotency-Key, sent again and at the same time, against a model of keys."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import asyncpg
import httpx
import hypothesis
import pytest
import uvloop
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from litestar.types import ASGIApp, Receive, Scope
from sqlalchemy import make_url
from tests.conftest import client_of
from tests.databases import own_database
from tests.drawing import is_soak
from tests.fault.once_program import Apart
from tests.identities import Holder, holder

from matchmaker.app import create_app
from matchmaker.core import db, once
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import layer, queries
from matchmaker.core.once.declaring import Keeping
from matchmaker.core.once.queries import Claim
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.people.controllers import OrganisationMemberController

KEYS = ("a", "b", "c")
TAKEN = "taken@example.com"
_lives = itertools.count()


def length() -> hypothesis.settings:
    """50 lives of 20 steps, the same every time; 200 of 50 at random under the profile ``soak``."""
    return hypothesis.settings(
        max_examples=200 if is_soak() else 50,
        stateful_step_count=50 if is_soak() else 20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@dataclass
class Known:
    """What a key stands for: the body, and the octets of the answer once somebody has read them."""

    said: str
    octets: bytes | None


@dataclass
class Firm:
    """An organisation, what its keys stand for, and how many people it has added."""

    held: Holder
    known: dict[str, Known] = field(default_factory=dict)
    people: int = 1


@dataclass
class World:
    """The API on a database of its own."""

    runner: asyncio.Runner
    api: httpx.AsyncClient
    reading: asyncpg.Connection
    firms: list[Holder]

    def send(self, firm: Holder, key: str, *said: str) -> list[httpx.Response]:
        """The answers to requests that are sent at the same time."""
        path = f"/v1/organisations/{firm.organisation_id}/members"
        headers = {**firm.headers, "Idempotency-Key": key}

        async def all_of_them() -> list[httpx.Response]:
            sent = (self.api.post(path, json=body(each), headers=headers) for each in said)
            return list(await asyncio.gather(*sent))

        return self.runner.run(all_of_them())

    def people(self, firm: Holder) -> int:
        counting = "select count(*) from mm.member where organisation_id = $1"
        return int(self.runner.run(self.reading.fetchval(counting, firm.organisation_id)))

    def expire(self, firm: Holder, key: str) -> None:
        """Let the week of a key be over."""
        removing = "delete from mm.kept_reply where organisation_id = $1 and key = $2"
        self.runner.run(self.reading.execute(removing, firm.organisation_id, key))


def body(said: str) -> dict[str, Any]:
    """A person to add: a new one, one who is there already, or none."""
    person = {"name": "A", "email": said, "role": "viewer"}
    return {**person, "role": "none"} if said == "invalid" else person


@contextlib.contextmanager
def world(server: Server, settings: Settings) -> Iterator[World]:
    with (
        own_database(server) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        held = contextlib.AsyncExitStack()
        try:
            yield runner.run(_world(url, settings, held, runner))
        finally:
            runner.run(held.aclose())


async def _world(
    url: str, settings: Settings, held: contextlib.AsyncExitStack, runner: asyncio.Runner
) -> World:
    engine = db.create_engine(url, settings, acting=db.INSTALLATION)
    held.push_async_callback(engine.dispose)
    app = create_app(settings, engine, controllers=[OrganisationMemberController])
    api = await held.enter_async_context(client_of(app))
    login = make_url(url).set(drivername="postgresql")
    reading = await asyncpg.connect(
        login.render_as_string(hide_password=False),
        server_settings={db.ACTING: str(db.INSTALLATION)},
    )
    held.push_async_callback(reading.close)
    made = World(runner, api, reading, [await holder(engine) for _ in range(2)])
    for firm in made.firms:
        path = f"/v1/organisations/{firm.organisation_id}/members"
        assert (await api.post(path, json=body(TAKEN), headers=firm.headers)).is_success
    return made


class OnceLife(RuleBasedStateMachine):
    """Two firms, and what they send under three keys each."""

    world: ClassVar[World]
    met: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.life = next(_lives)
        self.firms = [Firm(held, people=self.world.people(held)) for held in self.world.firms]
        self.fresh = itertools.count()

    def spell(self, key: str) -> str:
        return f"{self.life}-{key}"

    def said(self, choice: str, firm: Firm, key: str) -> str:
        """What is sent: as before under the key, something new, or something that is refused."""
        if choice == "same":
            known = firm.known.get(key)
            return known.said if known else self.said("new", firm, key)
        return {
            "new": f"{self.life}-{next(self.fresh)}@example.com",
            "taken": TAKEN,
            "invalid": "invalid",
        }[choice]

    @rule(
        which=st.sampled_from([0, 0, 1]),
        key=st.sampled_from(KEYS),
        choices=st.sampled_from(["same"] * 5 + ["new", "taken", "invalid"]),
        times=st.sampled_from([1] * 8 + [2, 3]),
        is_lost=st.sampled_from([False] * 4 + [True]),
    )
    def send(self, which: int, key: str, choices: str, times: int, *, is_lost: bool) -> None:
        """Send the same request so many times at once; nobody may be there to read the answer."""
        firm = self.firms[which]
        said = self.said(choices, firm, key)
        answers = self.world.send(firm.held, self.spell(key), *[said] * times)
        known = firm.known.get(key)
        if known is None and said not in {TAKEN, "invalid"}:
            firm.people += 1
            firm.known[key] = known = Known(said, None)
        self.agrees(firm, known, said, answers, is_lost=is_lost)

    @rule(which=st.sampled_from([0, 0, 1]), key=st.sampled_from(KEYS))
    def send_two_under_one_key(self, which: int, key: str) -> None:
        """At the same time: one of them has the key, the other is told so."""
        firm = self.firms[which]
        if key in firm.known:
            return
        both = [self.said("new", firm, key) for _ in range(2)]
        answers = self.world.send(firm.held, self.spell(key), *both)
        assert sorted(answer.status_code for answer in answers) == [201, 422]
        self.met["two under one key"] += 1
        firm.people += 1
        for said, answer in zip(both, answers, strict=True):
            if answer.is_success:
                firm.known[key] = Known(said, answer.content)

    @rule(which=st.sampled_from([0, 0, 1]), key=st.sampled_from(KEYS))
    def expire(self, which: int, key: str) -> None:
        firm = self.firms[which]
        self.world.expire(firm.held, self.spell(key))
        firm.known.pop(key, None)

    def agrees(
        self,
        firm: Firm,
        known: Known | None,
        said: str,
        answers: list[httpx.Response],
        *,
        is_lost: bool,
    ) -> None:
        assert self.world.people(firm.held) == firm.people, "an effect was doubled or lost"
        for answer in () if is_lost else answers:
            if known is None:
                expected = 422 if said == "invalid" else 409
                assert answer.status_code == expected, answer.text
            elif known.said == said:
                known.octets = known.octets or answer.content
                assert (answer.status_code, answer.content) == (201, known.octets)
            else:
                assert answer.json()["code"] == "idempotency_key_reused"
            self.met[answer.json().get("code", "done")] += 1
            self.met["replayed"] += "idempotency-replayed" in answer.headers


def live(found: World) -> Counter[str]:
    OnceLife.world, OnceLife.met = found, Counter()
    run_state_machine_as_test(OnceLife, settings=length())
    return OnceLife.met


def live_once(found: World) -> None:
    """As `live`, up to the first divergence and without making it small: for controls."""
    OnceLife.world, OnceLife.met = found, Counter()
    settings = hypothesis.settings(
        length(), phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    run_state_machine_as_test(OnceLife, settings=settings)


def test_every_life_agrees_with_the_model(server: Server, settings: Settings) -> None:
    with world(server, settings) as found:
        met = live(found)
    expected = ("done", "replayed", "idempotency_key_reused", "invalid_content")
    assert all(met[outcome] > 10 for outcome in (*expected, "two under one key")), met


class _Late(once.Once):
    """The other naive form: whether there is an answer is looked up before, and claimed after."""

    async def _carry_out(
        self,
        wanted: Claim,
        keeping: Keeping,
        answer: layer._Answer,
        call: tuple[Scope, Receive, ASGIApp],
    ) -> None:
        scope, receive, next_app = call
        async with self._write() as made:
            found = await queries.claim(Session(ReadSession(made)), wanted)
        if found is not None:
            answer.repeat(layer._reply(found, wanted))
            return
        await next_app(scope, receive, answer.take)
        async with self._write.begin() as made:
            session = Session(ReadSession(made))
            await queries.claim(session, wanted)
            await queries.keep(session, wanted, answer.reply(scope, keeping))


@pytest.mark.parametrize("naive", [Apart, _Late])
def test_control_a_claim_apart_from_its_effect_diverges(
    server: Server,
    settings: Settings,
    naive: type[once.Once],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(once, "Once", naive)
    with world(server, settings) as found, pytest.raises(AssertionError):
        live_once(found)
