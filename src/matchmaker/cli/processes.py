"""`matchmaker worker`, and the processes that `matchmaker serve` keeps beside the API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click
import uvloop

from matchmaker.cli import session
from matchmaker.core import db, jobs, log
from matchmaker.core.children import Kept, Program, go_on_in_a_fork
from matchmaker.feed.webhooks.working.fanning import FanOut
from matchmaker.working import crons, handlers, senders, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from matchmaker.cli.session import Database
    from matchmaker.released import Released

_TOLD_AGAIN = 0.5
"""Seconds."""
PUBLISH_EVERY = 5
"""Seconds between looks at what is published."""


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=None, help="Jobs at once (default 4)."
)
def worker(concurrency: int | None) -> None:
    """Do the jobs that requests and the clock leave behind.

    A process that is killed is followed by another at once.
    """
    found = session.settings()
    log.configure(found)
    released = session.released()
    go_on_in_a_fork()
    with session.database(found) as running:
        uvloop.run(_work(running, released, concurrency or found.job_concurrency))


async def _work(running: Database, released: Released, concurrency: int) -> None:
    """Two workers of one process: whoever waits for others' servers keeps no other job waiting."""
    url, settings = running.url, running.settings
    engine = db.create_engine(url, settings, acting=db.INSTALLATION)
    both = [
        jobs.Worker(
            url,
            settings,
            handlers(released, engine, settings),
            crons=crons(),
            options=jobs.Options(concurrency=concurrency),
        ),
        jobs.Worker(
            url,
            settings,
            senders(settings, released, engine),
            options=jobs.Options(concurrency=settings.webhook_concurrency),
        ),
    ]

    def stop() -> None:
        for each in both:
            each.stop()

    on_end(stop)
    fan_out = FanOut(url, settings, shared(), released.webhooks.batch)
    fanning = asyncio.create_task(fan_out.run())
    try:
        await asyncio.gather(*(each.run() for each in both))
    finally:
        fanning.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fanning
        await engine.dispose()


async def until_end(work: Coroutine[object, object, None]) -> None:
    """Do ``work`` until it is over or the process is told to end.

    It is told again and again: where a connection breaks at the same moment, its failure takes the
    place of the cancellation, and what outlives failures would go on for ever.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not task.done():
            task.cancel()
            loop.call_later(_TOLD_AGAIN, stop)

    on_end(stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def on_end(stop: Callable[[], object]) -> None:
    """Call ``stop`` when this process is told to end, instead of ending."""
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop)


@contextlib.contextmanager
def kept(url: str) -> Iterator[None]:
    """The worker and the publisher run as children, restarted when they end.

    SIGTERM leaves the context, so that they are told to end before anything else is.
    """
    signal.signal(signal.SIGTERM, _leave)
    # Whoever does jobs has no need of the login that changes the schema.
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL_OWNER"}
    environment["DATABASE_URL"] = url
    running = [
        Kept(
            Program(
                name=arguments[0],
                arguments=[sys.executable, "-m", "matchmaker", *arguments],
                environment=environment,
            )
        )
        for arguments in (("worker",), ("index", "--watch", str(PUBLISH_EVERY)))
    ]
    try:
        yield
    finally:
        for each in running:
            each.stop()


def _leave(told: int, _: object) -> NoReturn:
    raise SystemExit(128 + told)
