"""What keeping callers to their limits and replies for a week costs a worker.

``python -m tests.benchmark.cost [--offerings 10000] [--requests 400]``: seconds on a processor for
each inline match at one connection, in turn, seven times each: without an account and with a key,
on the product as it is served and on the same product without the two layers. ``stored`` is a match
that is kept, with an Idempotency-Key and without: what a key costs is told and not judged, for it
is asked for. The last line is one JSON object.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from uuid import uuid4

from litestar import Litestar
from litestar.types import ASGIApp
from tests.benchmark import world
from tests.benchmark.http import MOST_SECONDS, NEEDS, cpu_us
from tests.benchmark.loading import drive, request
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.serving import MATCH, Service, match_bodies, served
from tests.identities import Holder, holder

from matchmaker import app
from matchmaker.core import db, once
from matchmaker.core.settings import Settings

ANONYMOUS: Final = Bound(at_most=1.15)
KEYED: Final = Bound(at_most=1.5)
REPEATS: Final = 7
APP: Final = "tests.benchmark.cost:layered"
BARE_APP: Final = "tests.benchmark.cost:bare"
PLENTY: Final = "anonymous_match=1000000/60,match=1000000/60"
"""Nobody is refused: what counting costs is the same."""


def layered() -> Litestar:
    """The product as it is served."""
    return app.served()


class _Nothing(once.Once):
    def __call__(self, app: ASGIApp) -> ASGIApp:
        return app


def bare() -> Litestar:
    """The product without the layer that claims keys; the one of limits is off by its setting."""
    once.Once = _Nothing  # type: ignore[misc]
    return app.served()


async def _caller(url: str) -> Holder:
    engine = db.create_engine(url, Settings())
    made = await holder(engine)
    await engine.dispose()
    return made


def carrying(requests: Sequence[bytes], *lines: str) -> list[bytes]:
    """The requests with more lines in their heads; ``{}`` is something new in each."""
    head = "".join(f"\r\n{line}" for line in lines)
    return [each.replace(b"\r\n", f"{head.format(uuid4())}\r\n".encode(), 1) for each in requests]


def stored_us(service: Service, bodies: Sequence[bytes], lines: Sequence[str], count: int) -> float:
    """Microseconds on a processor for each match that is kept."""
    persisted = [body[:-1] + b', "persist": true}' for body in bodies]
    asked = [request(MATCH, persisted[n % len(persisted)]) for n in range(count)]
    before = service.cpu_s()
    requests = carrying(asked, *lines)
    driven = drive(service.port, requests, connections=1, seconds=MOST_SECONDS, at_most=count)
    return round((service.cpu_s() - before) / len(driven.latencies) * 1e6, 1)


def run(offerings: int, count: int) -> int:
    """The benchmark; 0 where its figures were reached."""
    before = load()
    directory = world.data(offerings)
    bodies = match_bodies(NEEDS, is_selective=True)
    with contextlib.ExitStack() as running:
        url = running.enter_context(world.database())
        caller = asyncio.run(_caller(url))
        credential = f"Authorization: {caller.headers['Authorization']}"
        settings = {"DATABASE_URL": url, "MATCHMAKER_LIMITS": PLENTY}
        ours = running.enter_context(served(APP, settings, directory))
        off = {**settings, "MATCHMAKER_LIMITS": "off"}
        without = running.enter_context(served(BARE_APP, off, directory))
        asked = [request(MATCH, body) for body in bodies]
        known = carrying(asked, credential)
        keyed = (credential, "Idempotency-Key: {}")
        ways: dict[str, Callable[[], float]] = {
            "anonymous": partial(cpu_us, ours, asked, count),
            "anonymous, bare": partial(cpu_us, without, asked, count),
            "keyed": partial(cpu_us, ours, known, count),
            "keyed, bare": partial(cpu_us, without, known, count),
            "stored": partial(stored_us, ours, bodies, keyed, count // 4),
            "stored, without": partial(stored_us, ours, bodies, (credential,), count // 4),
        }
        for way in ways.values():
            _ = way()
        found = interleaved(ways, REPEATS)
    middle = medians(found, 1)
    return conclude(
        "cost",
        {
            "anonymous_times_bare": (middle["anonymous"] / middle["anonymous, bare"], ANONYMOUS),
            "keyed_times_bare": (middle["keyed"] / middle["keyed, bare"], KEYED),
        },
        {
            "offerings": offerings,
            "requests": count,
            "cpu_us": found,
            "median_cpu_us": middle,
            "idempotency_key_us": round(middle["stored"] - middle["stored, without"], 1),
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=10_000, requests=400)
    return run(asked.offerings, asked.requests)


if __name__ == "__main__":
    sys.exit(main())
