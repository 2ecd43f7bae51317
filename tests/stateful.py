"""Lives: state machines of hypothesis against a model, on a database that is theirs alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import asyncpg
import hypothesis
import uvloop
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from tests.databases import own_database
from tests.drawing import is_soak
from tests.objects import organisations

from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transient import meaning
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import (
    ApiKeyId,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)

T = TypeVar("T")


def length() -> hypothesis.settings:
    """50 lives of 30 steps, the same every time; 500 of 50 at random under the profile ``soak``."""
    return hypothesis.settings(
        max_examples=500 if is_soak() else 50,
        stateful_step_count=50 if is_soak() else 30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


class Transactions:
    """Runs one coroutine after another, each in a transaction that is committed or undone.

    There are two connections, kept for all lives: one writes, one sees what is committed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, writing: AsyncConnection, reading: asyncpg.Connection
    ) -> None:
        self._loop = loop
        self._writing = writing
        self._reading = reading

    def __call__(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """What ``work`` gives; what it raises undoes it."""

        async def whole() -> T:
            async with AsyncSession(self._writing, expire_on_commit=False) as made, made.begin():
                return await work(Session(ReadSession(made)))

        return self._loop.run_until_complete(whole())

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What is committed, read past everything of the product's."""
        return [
            tuple(row)
            for row in self._loop.run_until_complete(self._reading.fetch(statement, *values))
        ]


@contextlib.contextmanager
def transactions(server: Server, settings: Settings) -> Iterator[Transactions]:
    """Transactions as mm_app on a new database, in an event loop of their own."""
    with (
        own_database(server) as url,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        held = contextlib.AsyncExitStack()
        try:
            yield Transactions(runner.get_loop(), *runner.run(_connected(url, settings, held)))
        finally:
            runner.run(held.__aexit__(None, None, None))


async def _connected(
    url: str, settings: Settings, held: contextlib.AsyncExitStack
) -> tuple[AsyncConnection, asyncpg.Connection]:
    engine = db.create_engine(url, settings, acting=db.INSTALLATION)
    held.push_async_callback(engine.dispose)
    writing = await held.enter_async_context(engine.connect())
    login = make_url(url).set(drivername="postgresql")
    reading = await asyncpg.connect(
        login.render_as_string(hide_password=False),
        server_settings={db.ACTING: str(db.INSTALLATION)},
    )
    held.push_async_callback(reading.close)
    for name in ("json", "jsonb"):
        await reading.set_type_codec(
            name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
    return writing, reading


def principal(organisation_id: OrganisationId, *roles: OrganisationRole) -> Principal:
    """A verified organisation in ``roles``, with a key for everything."""
    return Principal(
        organisation_id=organisation_id,
        roles=frozenset(roles),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


class Life(RuleBasedStateMachine):
    """What happens to things of one noun; a subclass holds the model and the rules."""

    run: ClassVar[Transactions]
    met: ClassVar[Counter[str]]
    """How often each outcome was met."""
    people: ClassVar[list[OrganisationId]]
    """Verified organisations that all lives share."""

    @classmethod
    def settle(cls) -> None:
        """Make what all lives share beside the people: what is made once is not made 50 times."""

    def outcome(self, work: Callable[[Session], Awaitable[object]]) -> str | None:
        """The slug of the failure of ``work``; None where it is done."""
        try:
            self.run(work)
        except MatchmakerError as failure:
            slug = failure.slug
        except DBAPIError as refused:
            said = meaning(refused)
            if said is None:
                raise
            slug = said.slug
        else:
            self.met["done"] += 1
            return None
        self.met[slug] += 1
        return slug

    def told(self, subject_id: UUID) -> list[str]:
        """The kinds of events that tell of the subject, in order."""
        found = self.run(lambda session: events.after(session, 0, 1000, subject_id=subject_id))
        return [each.event.kind for each in found]


def live(life: type[Life], run: Transactions, *, lives: int | None = None) -> Counter[str]:
    """How often each outcome was met in so many lives; what diverges from the model raises.

    ``lives``: fewer than usual, outside of the soak.
    """
    _prepare(life, run)
    usual = length()
    few = usual if lives is None or is_soak() else hypothesis.settings(usual, max_examples=lives)
    run_state_machine_as_test(life, settings=few)
    return life.met


def live_once(life: type[Life], run: Transactions) -> None:
    """As `live`, up to the first divergence and without making it small: for controls."""
    _prepare(life, run)
    once = hypothesis.settings(
        length(), phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    run_state_machine_as_test(life, settings=once)


def _prepare(life: type[Life], run: Transactions) -> None:
    life.run, life.met = run, Counter()
    life.people = run(_people)
    life.settle()


async def _people(session: Session) -> list[OrganisationId]:
    return list(map(OrganisationId, await organisations(await session.connection(), count=5)))
