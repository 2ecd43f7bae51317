"""A worker process for the trials: ``python -m tests.fault.jobs_program URL [options]``.

As `matchmaker worker` it works in a fork; each fork says its process id in a line of its own. The
handlers leave one row in ``trial.effect`` for each time they run, and nothing stops a second.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvloop
from sqlalchemy import ARRAY, BigInteger, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from matchmaker.core import db
from matchmaker.core.children import go_on_in_a_fork
from matchmaker.core.db import Session
from matchmaker.core.jobs import Backoff, Context, Handler, Options, Worker
from matchmaker.core.jobs.working import queries
from matchmaker.core.jobs.working.queries import Claimed
from matchmaker.core.jobs.working.watch import Watch
from matchmaker.core.settings import Settings

LEAVE = text("insert into trial.effect (n) values (:n)").bindparams(
    bindparam("n", type_=BigInteger())
)
UNFENCED = text(
    "update mm.job set state = 'done', leased_until = null, finished_at = now() where id = :id"
)

UNCOUNT = text("update mm.job set attempt = attempt - 1 where id = any(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)
CLAIMS = {name: getattr(queries, name) for name in ("claim", "claim_unlimited")}
ROUND = Worker._round


async def effect(context: Context, payload: dict[str, Any]) -> dict[str, Any] | None:
    """One row, after or before ``seconds``."""
    if "after" in payload:
        await asyncio.sleep(payload["after"])
    await context.session.execute(LEAVE, {"n": payload["n"]})
    if "before" in payload:
        await asyncio.sleep(payload["before"])
    return {"n": payload["n"]}


async def poison(_: Context, __: dict[str, Any]) -> None:
    """The end of the process."""
    os.kill(os.getpid(), signal.SIGKILL)


def effect_apart(url: str) -> Handler:
    """The naive form: the effect commits by itself, and the job is done a little later."""
    engine = db.create_engine(url, Settings(), acting=db.INSTALLATION)

    async def leave(_: Context, payload: dict[str, Any]) -> None:
        async with engine.begin() as connection:
            await connection.execute(LEAVE, {"n": payload["n"]})
        await asyncio.sleep(0.1)

    return leave


async def complete_unfenced(session: Session, job: Claimed, _: dict[str, Any] | None) -> bool:
    """The naive form: whoever has done the job says so, whosever it is by now."""
    await session.execute(UNFENCED, {"id": job.id})
    return True


def uncounted(claim: Callable[..., Awaitable[list[Claimed]]]) -> Callable[..., Any]:
    """The naive form: an attempt counts when it is over, and one that ends the process never is."""

    async def claim_uncounted(
        connection: AsyncConnection,
        *asked: Any,  # noqa: ANN401
        **more: Any,  # noqa: ANN401
    ) -> list[Claimed]:
        taken = await claim(connection, *asked, **more)
        await connection.execute(UNCOUNT, {"ids": [job.id for job in taken]})
        return [job._replace(attempt=job.attempt - 1) for job in taken]

    return claim_uncounted


async def round_or_end(worker: Worker) -> bool:
    """The naive form: what goes wrong in the outer loop ends it."""
    try:
        return await ROUND(worker)
    except Exception:  # noqa: BLE001  (whatever it was)
        os._exit(3)


async def work(arguments: argparse.Namespace) -> None:
    """A worker until it is told to end."""
    options = Options(
        concurrency=arguments.concurrency,
        lease=dt.timedelta(seconds=arguments.lease),
        poll=arguments.poll,
        backoff=Backoff(base=arguments.backoff, cap=5.0),
    )
    if arguments.unfenced:
        setattr(queries, "complete", complete_unfenced)  # noqa: B010  (the control)
    if arguments.uncounted:
        for name, claim in CLAIMS.items():
            setattr(queries, name, uncounted(claim))  # the control
    if arguments.mortal:
        setattr(Worker, "_round", round_or_end)  # noqa: B010  (the control)
    if arguments.blind:
        setattr(Watch, "hold", lambda *_: None)  # noqa: B010  (so that only the fence is tried)
    made = effect_apart(arguments.url) if arguments.apart else effect
    handlers: dict[str, Handler] = {"effect": made, "poison": poison}
    worker = Worker(arguments.url, Settings(), handlers, options=options)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--poll", type=float, default=0.3)
    parser.add_argument("--backoff", type=float, default=0.2)
    for control in ("--unfenced", "--blind", "--apart", "--uncounted", "--mortal"):
        parser.add_argument(control, action="store_true")
    asked = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    go_on_in_a_fork()
    print(os.getpid(), flush=True)  # noqa: T201
    uvloop.run(work(asked))
