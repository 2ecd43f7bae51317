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
from matchmaker.cli.ending import on_end
from matchmaker.core import db, jobs, log
from matchmaker.core.children import Kept, Program, go_on_in_a_fork
from matchmaker.fast.turning import turn_on
from matchmaker.feed.webhooks.working.fanning import FanOut
from matchmaker.working import crons, handlers, senders, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.cli.session import Database
    from matchmaker.released import Released

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
    turn_on(found.kernel_folder)
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
