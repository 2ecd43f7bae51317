"""Keyed requests while the database is killed, replies are lost and duplicates come at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.clusters import migrated_files, reachable_directory
from tests.fault.trial import ROOT, connect, environment
from tests.identities import Holder, holder

from matchmaker.core import db
from matchmaker.core.postgres import Embedded, Server
from matchmaker.core.settings import Settings

CLIENTS: Final = 8
RETRIES: Final = 30
PAUSE: Final = 0.2
"""Seconds between requests while nothing is answered."""


@dataclass
class Ledger:
    """What was answered under each key, written down by the clients as it came."""

    octets: dict[int, set[bytes]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def note(self, number: int, answer: httpx.Response) -> bool:
        """Whether the request is known to be done."""
        self.met[str(answer.status_code)] += 1
        self.met["replayed"] += "idempotency-replayed" in answer.headers
        if answer.is_success:
            self.octets.setdefault(number, set()).add(answer.content)
        return answer.is_success


@dataclass(frozen=True)
class Outcome:
    """What came of so many requests."""

    lost: int
    doubled: int
    unequal: int


@dataclass
class Trial:
    """A server, its database, and the clients."""

    api: httpx.AsyncClient
    firm: Holder
    place: Path
    server: Server
    ledger: Ledger = field(default_factory=Ledger)
    begun: int = 0

    async def send(self, number: int, *, timeout: float = 20.0) -> bool:  # noqa: ASYNC109
        """Whether the request is known to be done; the reply may be lost on its way."""
        path = f"/v1/organisations/{self.firm.organisation_id}/members"
        person = {"name": "A", "email": f"n{number}@example.com", "role": "viewer"}
        headers = {**self.firm.headers, "Idempotency-Key": f"n{number}"}
        try:
            answer = await self.api.post(path, json=person, headers=headers, timeout=timeout)
        except httpx.TransportError:
            self.ledger.met["lost"] += 1
            return False
        return self.ledger.note(number, answer)

    async def client(self, numbers: list[int], draw: random.Random) -> None:
        """Send each request, a fifth of them several times at once, some without an ear for it."""
        for number in numbers:
            times = draw.choice([1] * 8 + [2, 3])
            patience = draw.choice([20.0] * 6 + [0.004, 0.01])
            self.begun += 1
            sent = (self.send(number, timeout=patience) for _ in range(times))
            if not any(await asyncio.gather(*sent)):
                # As one who is told to come again: else an outage uses up all that is to be sent.
                await asyncio.sleep(PAUSE)

    async def kill(self) -> None:
        """Kill the database; it is up again a second later."""
        note = json.loads((self.place / "postgres" / "server.json").read_text())
        os.kill(note["pid"], signal.SIGKILL)
        await asyncio.to_thread(self.server.stop)
        await asyncio.sleep(0.5)
        self.server = await asyncio.to_thread(Embedded(self.place).start)

    async def run(self, requests: int, kills: int) -> Outcome:
        """What came of ``requests`` while the database was killed, evenly over the work."""
        draw = random.Random(1)  # noqa: S311  (the same trial every time)
        numbers = list(range(requests))
        parts = [numbers[part::CLIENTS] for part in range(CLIENTS)]
        clients = [asyncio.create_task(self.client(part, draw)) for part in parts]
        for kill in range(kills):
            # By what was begun, which always goes on; what is known might never come so far.
            while self.begun < (kill + 0.5) * requests / (kills + 0.5):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await self.kill()
        await asyncio.gather(*clients)
        self.ledger.met["known before repeating"] = len(self.ledger.octets)
        # Everybody repeats what they are not sure of, and what they are sure of too.
        await asyncio.gather(*(self.repeat(part) for part in parts))
        return await self.outcome(requests)

    async def repeat(self, numbers: list[int]) -> None:
        for number in numbers:
            for _ in range(RETRIES):
                if await self.send(number) or self.ledger.met["500"] > RETRIES:
                    break
                await asyncio.sleep(0.1)

    async def outcome(self, requests: int) -> Outcome:
        owner = await connect(self.server)
        counting = "select email, count(*) from mm.member group by email"
        found = {row["email"]: row["count"] for row in await owner.fetch(counting)}
        await owner.close()
        times = [found.get(f"n{number}@example.com", 0) for number in range(requests)]
        told = [self.ledger.octets.get(number, set()) for number in range(requests)]
        lost = sum(time == 0 or not octets for time, octets in zip(times, told, strict=True))
        doubled = sum(time > 1 for time in times)
        return Outcome(lost, doubled, sum(len(octets) > 1 for octets in told))


@contextlib.asynccontextmanager
async def trial(*, apart: bool = False) -> AsyncIterator[Trial]:
    """A server on a database that may be killed; what it acknowledges is on the disk."""
    with reachable_directory() as place, socket.create_server(("127.0.0.1", 0)) as listening:
        migrated_files(place)
        server = Embedded(place).start()
        settings = Settings()
        engine = db.create_engine(server.url("mm_app"), settings, acting=db.INSTALLATION)
        firm = await holder(engine)
        await engine.dispose()
        program = ("-m", "uvicorn", "tests.fault.once_program:served", "--factory")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program, "--fd", str(listening.fileno()), "--no-access-log"),
            cwd=ROOT,
            env={
                **environment(),
                "DATABASE_URL": server.url("mm_app"),
                "MATCHMAKER_SECRET": "s" * 32,
                "ONCE_APART": "yes" if apart else "",
            },
            pass_fds=[listening.fileno()],
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, timeout=60) as api:
            assert (await api.get("/livez")).is_success
            made = Trial(api, firm, place, server)
            try:
                yield made
            finally:
                process.terminate()
                await process.wait()
                made.server.stop()


@pytest.mark.parametrize(
    ("requests", "kills"), [(160, 1), pytest.param(1_000, 5, marks=pytest.mark.soak)]
)
async def test_every_request_has_one_effect_and_one_answer(requests: int, kills: int) -> None:
    async with trial() as made:
        found = await made.run(requests, kills)
    print(f"\n{found} {made.ledger.met}")  # noqa: T201
    assert found == Outcome(lost=0, doubled=0, unequal=0)
    met = made.ledger.met
    assert met["replayed"] > requests / 10
    assert met["503"] + met["lost"] > 0, "nobody noticed that the database was killed"
    assert met["500"] == 0


async def test_control_a_claim_of_its_own_outlives_an_effect_that_was_lost() -> None:
    async with trial(apart=True) as made:
        found = await made.run(80, 1)
    assert found.lost + found.doubled > 0, found
