"""A worker process that fans out and sends: ``python -m tests.fault.hooks_program URL``."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import signal

import msgspec
import uvloop
from tests.hooks import RELEASED, SECRET, means

from matchmaker.core import db
from matchmaker.core.children import end_with_parent
from matchmaker.core.jobs import Backoff, Options, Worker
from matchmaker.core.settings import Settings
from matchmaker.feed.webhooks.working import jobs as working
from matchmaker.feed.webhooks.working.fanning import FanOut

IMPATIENT = msgspec.structs.replace(
    RELEASED, pauses=(0,) + (0.2,) * 30, seconds=3.0, batch=100, disable_after_days=1000
)
"""Pauses of a test, and as many as a sink that fails at random needs."""


async def work(url: str, concurrency: int) -> None:
    """A worker until it is told to end."""
    engine = db.create_engine(url, Settings(), acting=db.INSTALLATION)
    worker = Worker(
        url,
        Settings(secret=SECRET),
        working.senders(means(IMPATIENT), db.reading(engine)),
        options=Options(
            concurrency=concurrency,
            lease=dt.timedelta(seconds=2),
            poll=0.3,
            backoff=Backoff(base=0.2, cap=2.0),
        ),
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    fan_out = asyncio.create_task(FanOut(url, Settings(), {}, IMPATIENT.batch).run())
    await worker.run()
    fan_out.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--concurrency", type=int, default=16)
    asked = parser.parse_args()
    end_with_parent(os.getppid())
    uvloop.run(work(asked.url, asked.concurrency))
