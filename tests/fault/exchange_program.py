"""A worker process: ``python -m tests.fault.exchange_program URL [--lease S] [--apart]``."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import signal
from typing import Any

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import SEEDS

from matchmaker.core import db
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs import Backoff, Context, Handler, Options, Worker
from matchmaker.core.settings import Settings
from matchmaker.exchange import service
from matchmaker.released import Released
from matchmaker.working import handlers


def apart(engine: AsyncEngine, done: Handler) -> Handler:
    """The naive form: what is written commits by itself, and the job is done a little later."""

    async def do(context: Context, payload: dict[str, Any]) -> dict[str, Any] | None:
        async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
            mine = Context(
                session=Session(ReadSession(made)),
                job_id=context.job_id,
                kind=context.kind,
                attempt=context.attempt,
                organisation_id=context.organisation_id,
                tell=context.tell,
            )
            result = await done(mine, payload)
        await asyncio.sleep(60)
        return result

    return do


async def work(arguments: argparse.Namespace) -> None:
    """A worker until it is told to end."""
    engine = db.create_engine(arguments.url, Settings(), acting=db.INSTALLATION)
    made = dict(handlers(Released(SEEDS), engine, Settings()))
    if arguments.apart:
        made[service.IMPORT] = apart(engine, made[service.IMPORT])
    lease = dt.timedelta(seconds=arguments.lease)
    options = Options(lease=lease, poll=0.2, backoff=Backoff(base=0.2, cap=1.0))
    worker = Worker(arguments.url, Settings(), made, options=options)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--lease", type=float, default=10)
    parser.add_argument("--apart", action="store_true")
    uvloop.run(work(parser.parse_args()))
