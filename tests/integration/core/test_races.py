"""Of several callers who change the state of one thing at once, exactly one wins: on every edge.

What `rows.move` says to the database is taken down once an edge and raced as it is: the session's
own work in between would cost ten times as much, and would part the racers.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.machines import MACHINES
from tests.objects import ELSEWHERE, OBJECTS

from matchmaker.core import db, rows
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.machine import Machine, Step
from matchmaker.core.rows import Revised

OBJECTS_AN_EDGE = 200
CONTROLS_AN_EDGE = 5
RACERS = 8

Racing = Sequence[asyncpg.Connection]
Attempt = Callable[[asyncpg.Connection, UUID], Awaitable[bool]]


@pytest_asyncio.fixture(loop_scope="session")
async def racing(engine: AsyncEngine) -> AsyncIterator[Racing]:
    """A connection for each racer, as the application has them."""
    async with contextlib.AsyncExitStack() as stack:
        found: list[asyncpg.Connection] = []
        for _ in range(RACERS):
            connection = await stack.enter_async_context(engine.connect())
            raw = await connection.get_raw_connection()
            found.append(cast("asyncpg.Connection", raw.driver_connection))
        # Nothing here begins a transaction, with which it is said who acts.
        for racer in found:
            await racer.execute(f"set {db.ACTING} = '{db.INSTALLATION}'")
        yield found
        for racer in found:
            await racer.execute(f"reset {db.ACTING}")


def test_every_machine_is_raced() -> None:
    assert {machine.noun for machine in MACHINES} == OBJECTS.keys() | ELSEWHERE
    assert not OBJECTS.keys() & ELSEWHERE


@pytest.mark.parametrize(
    "machine",
    [machine for machine in MACHINES if machine.noun in OBJECTS],
    ids=lambda machine: machine.noun,
)
class TestEveryMachine:
    @pytest.mark.asvs("V2.3.4")
    async def test_of_eight_racers_one_takes_each_step(
        self, engine: AsyncEngine, racing: Racing, machine: Machine[Any]
    ) -> None:
        model, _ = OBJECTS[machine.noun]
        for source, step in machine.edges():
            ids = await made(engine, machine.noun, source, OBJECTS_AN_EDGE)
            attempt = await moving(engine, model, source, step)
            assert await winners(racing, ids, attempt) == dict.fromkeys(ids, 1), step.name
            assert await standing(racing[0], model, ids) == {(step.target.value, 2)}, step.name

    async def test_control_look_then_change_has_several_winners(
        self, engine: AsyncEngine, racing: Racing, machine: Machine[Any]
    ) -> None:
        model, _ = OBJECTS[machine.noun]
        for source, step in machine.edges():
            ids = await made(engine, machine.noun, source, CONTROLS_AN_EDGE)
            attempt = looking(model, source, step)
            assert await winners(racing, ids, attempt) == dict.fromkeys(ids, RACERS), step.name


async def made(engine: AsyncEngine, noun: str, state: enum.StrEnum, count: int) -> list[UUID]:
    """Things of their own for one edge, committed."""
    async with engine.begin() as connection:
        return await OBJECTS[noun][1](connection, state, count)


async def moving(
    engine: AsyncEngine, model: type[Revised], source: enum.StrEnum, step: Step[Any]
) -> Attempt:
    """What one racer does: the statement of `rows.move`, in a transaction of its own."""
    said: list[tuple[str, Sequence[object]]] = []

    def take_down(*call: object) -> None:
        said.append(cast("tuple[str, Sequence[object]]", call[2:4]))

    somebody = uuid4()
    event.listen(engine.sync_engine, "before_cursor_execute", take_down)
    try:
        async with AsyncSession(engine) as made_session, made_session.begin():
            session = Session(ReadSession(made_session))
            assert await rows.move(session, model, somebody, source=source, step=step) is None
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", take_down)
    ((statement, values),) = said

    async def attempt(connection: asyncpg.Connection, id_: UUID) -> bool:
        own = [id_ if value == somebody else value for value in values]
        return await connection.fetchval(statement, *own) is not None

    return attempt


def looking(model: type[Revised], source: enum.StrEnum, step: Step[Any]) -> Attempt:
    """What a racer does who looks first and then changes what is there; all look together."""
    looked = asyncio.Barrier(RACERS)
    table = f"mm.{model.__tablename__}"  # type: ignore[attr-defined]
    look = f"select state from {table} where id = $1"  # noqa: S608  (a name of ours)
    change = f"update {table} set state = $2 where id = $1"  # noqa: S608

    async def attempt(connection: asyncpg.Connection, id_: UUID) -> bool:
        async with connection.transaction():
            if await connection.fetchval(look, id_) != source.value:
                return False
            await looked.wait()
            await connection.execute(change, id_, step.target.value)
            return True

    return attempt


async def winners(racing: Racing, ids: Sequence[UUID], attempt: Attempt) -> dict[UUID, int]:
    """How many racers won each thing; all go through them in the same order at the same time."""

    async def race(connection: asyncpg.Connection) -> list[UUID]:
        return [id_ for id_ in ids if await attempt(connection, id_)]

    won = Counter(id_ for each in await asyncio.gather(*map(race, racing)) for id_ in each)
    return {id_: won[id_] for id_ in ids}


async def standing(
    connection: asyncpg.Connection, model: type[Revised], ids: Sequence[UUID]
) -> set[tuple[str, int]]:
    """Every pair of state and revision among the things."""
    table = f"mm.{model.__tablename__}"  # type: ignore[attr-defined]
    found = await connection.fetch(
        f"select distinct state, revision from {table} where id = any($1)",  # noqa: S608
        list(ids),
    )
    return {(row["state"], row["revision"]) for row in found}
