"""What keeping callers to their limits and replies for a week costs a worker.

``python -m tests.benchmark.cost [--offerings 10000] [--requests 400]``: seconds on a processor for
each inline match at one connection, in turn, seven times each: without an account and with a key,
on the product as it is served and on the same product without the two layers. The last line is one
JSON object.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from litestar import Litestar
from litestar.types import ASGIApp
from tests.benchmark import world
from tests.benchmark.http import NEEDS, cpu_us
from tests.benchmark.loading import request
from tests.benchmark.measuring import Bound, conclude, interleaved, load, medians, sizes
from tests.benchmark.serving import MATCH, match_bodies, served
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
    engine = db.create_engine(url, Settings(), acting=db.INSTALLATION)
    made = await holder(engine)
    await engine.dispose()
    return made


def carrying(requests: Sequence[bytes], line: str) -> list[bytes]:
    """The requests with one more line in their heads."""
    return [each.replace(b"\r\n", f"\r\n{line}\r\n".encode(), 1) for each in requests]


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
        ways: dict[str, Callable[[], float]] = {
            "anonymous": partial(cpu_us, ours, asked, count),
            "anonymous, bare": partial(cpu_us, without, asked, count),
            "keyed": partial(cpu_us, ours, known, count),
            "keyed, bare": partial(cpu_us, without, known, count),
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
        },
        load_before=before,
    )


def main() -> int:
    """0 when the figures were reached."""
    asked = sizes(__doc__, offerings=10_000, requests=400)
    return run(asked.offerings, asked.requests)


if __name__ == "__main__":
    sys.exit(main())
