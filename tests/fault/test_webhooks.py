"""Webhooks while workers die and the receiver fails, with controls that must fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from standardwebhooks import Webhook as Signature
from tests.databases import own_database
from tests.fault.trial import ROOT, environment
from tests.hooks import SECRET, happened, record
from tests.identities import Holder, holder
from tests.sinks import Received, Sink, sink

from matchmaker.core import db, events
from matchmaker.core.postgres import Server
from matchmaker.core.sealing import Sealer
from matchmaker.core.settings import Settings
from matchmaker.feed.events.telling import told
from matchmaker.feed.webhooks import messages
from matchmaker.feed.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryState,
    DisabledReason,
    Webhook,
    WebhookId,
    new_webhook_id,
)
from matchmaker.feed.webhooks.sending import Sender
from matchmaker.feed.webhooks.working.delivering import SECRETS

FAILURES = ("/status/500", "/status/429", "/status/302", "/hang", "/garbage", "/cut")
GONE = "/status/410"
"""Where a second endpoint of the firm is, whose server wants no more."""
SHARE = 0.1
"""How much of what it receives the sink fails at."""
CHUNK = 100
"""Events of one transaction."""


class Undone(Exception):
    """The transaction is to leave nothing."""


@dataclass
class Trial:
    """A firm with an endpoint, the sink behind it, and the processes that send there."""

    url: str
    engine: AsyncEngine
    firm: Holder
    sink: Sink
    webhook_id: WebhookId
    gone_id: WebhookId
    secret: bytes
    committed: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    arrived: list[tuple[Received, dict[str, Any]]] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)

    async def start(self) -> None:
        self.workers.append(
            await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.fault.hooks_program", self.url),
                cwd=ROOT,
                env=environment(),
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
        )

    async def kill(self) -> None:
        worker = self.workers.pop(0)
        worker.kill()
        await worker.wait()

    async def write(self, number: int) -> None:
        """So many events, and as many in transactions that are rolled back."""
        for start in range(0, number, CHUNK):
            subjects = [uuid4() for _ in range(min(CHUNK, number - start))]
            await record(self.engine, *(happened(self.firm, each) for each in subjects))
            self.committed |= set(map(str, subjects))
            await self.roll_back(uuid4())

    async def roll_back(self, subject: UUID) -> None:
        self.undone.add(str(subject))
        with contextlib.suppress(Undone):
            async with async_sessionmaker(self.engine).begin() as session:
                await events.append(
                    db.Session(db.ReadSession(session)), happened(self.firm, subject)
                )
                raise Undone

    async def open(self) -> int:
        """How many events have not arrived yet, by the log; one without a delivery is open too."""
        async with async_sessionmaker(self.engine).begin() as session:
            states = await session.scalars(
                select(Delivery.state).where(Delivery.webhook_id == self.webhook_id)
            )
            return len(self.committed) - states.all().count(DeliveryState.DELIVERED)

    async def until(self, left: float, seconds: float = 300.0) -> None:
        async with asyncio.timeout(seconds):
            while await self.open() > left:  # noqa: ASYNC110  (other processes)
                await asyncio.sleep(0.2)

    def take(self, request: Received) -> None:
        """Verify what arrives as it does: minutes later a signature is too old.

        Raises:
            WebhookVerificationError: it has no valid one.
        """
        body = Signature(self.secret).verify(request.body, request.headers)
        self.arrived.append((request, body))


@pytest_asyncio.fixture(loop_scope="session")
async def trial(server: Server) -> AsyncIterator[Trial]:
    with own_database(server) as url:
        engine = db.create_engine(url, Settings(), acting=db.INSTALLATION)
        async with sink() as receiver:
            firm = await holder(engine)
            gone_id, _ = await endpoint(engine, firm, receiver.url(GONE))
            sound = await endpoint(engine, firm, receiver.url())
            made = Trial(url, engine, firm, receiver, sound[0], gone_id, sound[1])
            try:
                yield made
            finally:
                for _ in list(made.workers):
                    await made.kill()
                await engine.dispose()


async def endpoint(engine: AsyncEngine, firm: Holder, url: str) -> tuple[WebhookId, bytes]:
    """An endpoint of the firm, and its secret."""
    webhook_id, secret = new_webhook_id(), messages.mint()
    async with async_sessionmaker(engine).begin() as session:
        session.add(
            Webhook(
                id=webhook_id,
                organisation_id=firm.organisation_id,
                url=url,
                # Not that the other endpoint was switched off.
                kinds=["thing.made"],
                since=0,
                secret=Sealer(SECRET.encode(), SECRETS).seal(secret, row=webhook_id.bytes),
            )
        )
    return webhook_id, secret


@pytest.fixture
def unsteady(trial: Trial) -> Iterator[Trial]:
    """A sink that fails at some of what it receives, each time in another way."""
    draw = random.Random(7)  # noqa: S311  (the same trial every time)

    def answered(request: Received) -> str:
        if request.path == GONE:
            return GONE
        trial.take(request)
        return draw.choice(FAILURES) if draw.random() < SHARE else "/ok"

    trial.sink.answered = answered
    yield trial
    trial.sink.answered = None


@pytest.mark.parametrize(
    ("number", "kills"), [(300, 4), pytest.param(10_000, 25, marks=pytest.mark.soak)]
)
async def test_each_event_arrives_whoever_is_killed(
    unsteady: Trial, number: int, kills: int
) -> None:
    trial, started = unsteady, perf_counter()
    for _ in range(2):
        await trial.start()
    writing = asyncio.create_task(trial.write(number))
    for kill in range(kills):
        # Evenly over the work, each in the middle of something.
        if kill >= kills // 4:
            await writing
            await trial.until(number * (kills - kill) / kills, seconds=900)
        else:
            await asyncio.sleep(1.0)
        await trial.start()
        await trial.kill()
    await writing
    await trial.until(0, seconds=900)
    arrived = trial.arrived
    sent = [each for each in trial.sink.received if each.path != GONE]
    assert len(arrived) == len(sent), "each has a valid signature"
    ids: dict[str, set[str]] = {}
    for received, body in arrived:
        subject = body["data"]["subject_id"]
        ids.setdefault(subject, set()).add(received.headers["webhook-id"])
    spent = perf_counter() - started
    again = len(arrived) - len(ids)
    print(  # noqa: T201
        f"\n{number} events, {kills} kills, {len(arrived)} attempts arrived, {again} more than"
        f" once: {spent:.0f} s, {len(arrived) / spent:.0f}/s, load {os.getloadavg()[0]:.1f}"
    )
    assert ids.keys() == trial.committed
    assert not ids.keys() & trial.undone
    assert {len(each) for each in ids.values()} == {1}, "one event, one id"
    assert len({each for found in ids.values() for each in found}) == number
    assert {received.path for received in trial.sink.received} == {"/ok", GONE}
    await log_agrees(trial, number)
    await who_is_gone_is_left_alone(trial)


async def log_agrees(trial: Trial, number: int) -> None:
    """Each event has one delivery, none open, and no turn was written down twice."""
    async with async_sessionmaker(trial.engine).begin() as session:
        deliveries = (
            await session.scalars(select(Delivery).where(Delivery.webhook_id == trial.webhook_id))
        ).all()
        turns = Counter((await session.scalars(select(Attempt.delivery_id))).all())
        assert len(deliveries) == len({each.position for each in deliveries}) == number
        assert {each.state for each in deliveries} == {DeliveryState.DELIVERED}
        assert all(turns[each.id] == each.turn for each in deliveries)


async def who_is_gone_is_left_alone(trial: Trial) -> None:
    """Its endpoint is off, what was made for it until then is over, and nothing waits."""
    async with asyncio.timeout(60):
        while await waiting_for(trial, trial.gone_id):  # noqa: ASYNC110  (other processes)
            await asyncio.sleep(0.2)
    async with async_sessionmaker(trial.engine).begin() as session:
        webhook = await session.get_one(Webhook, trial.gone_id)
        states = await session.scalars(
            select(Delivery.state).where(Delivery.webhook_id == trial.gone_id)
        )
        assert webhook.disabled is DisabledReason.GONE
        assert set(states) == {DeliveryState.DEAD}


async def waiting_for(trial: Trial, webhook_id: WebhookId) -> int:
    """How many of its deliveries wait for an attempt."""
    async with async_sessionmaker(trial.engine).begin() as session:
        states = await session.scalars(
            select(Delivery.state).where(Delivery.webhook_id == webhook_id)
        )
        return states.all().count(DeliveryState.PENDING)


async def test_control_who_sends_before_the_commit_tells_of_what_never_was(trial: Trial) -> None:
    """The naive fan-out: the message leaves from inside the transaction of the event."""
    subject = uuid4()
    with contextlib.suppress(Undone):
        async with async_sessionmaker(trial.engine).begin() as session:
            position = await events.append(
                db.Session(db.ReadSession(session)), happened(trial.firm, subject)
            )
            row = await session.get_one(events.EventRow, position)
            body = messages.body_of(told(row))
            await Sender(is_open=True).post(trial.sink.url(), {}, body, seconds=5)
            raise Undone
    assert [str(subject).encode() in each.body for each in trial.sink.received] == [True]
    async with async_sessionmaker(trial.engine).begin() as session:
        assert await events.head(db.ReadSession(session)) == 0
