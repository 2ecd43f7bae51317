"""`matchmaker serve`: the API on this machine, with a database of its own unless one is given."""

from __future__ import annotations

import asyncio
import contextlib
import os

import click
import uvicorn

from matchmaker.cli import pool, processes, session
from matchmaker.core import log
from matchmaker.core.limits import policies
from matchmaker.core.limits.addresses import networks


@click.command()
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Default 8000.")
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Default 1.")
@click.option(
    "--api-only",
    is_flag=True,
    help="Without the processes that do jobs and publish the index: they run elsewhere.",
)
def serve(host: str | None, port: int | None, workers: int | None, *, api_only: bool) -> None:
    """Serve the API and its docs page (/docs); do jobs and publish the index beside it."""
    found = session.settings()
    log.configure(found)
    # What cannot be is told here and not by each worker.
    released = session.released()
    policies(found.limits, released.limits)
    networks(found.trusted_proxies)
    with contextlib.ExitStack() as running_with:
        running = running_with.enter_context(session.database(found))
        asyncio.run(pool.ensure_index(running, released))
        # Each worker reads its settings from its environment.
        os.environ["DATABASE_URL"] = running.url
        os.environ["OMP_NUM_THREADS"] = "1"
        address, number = host or found.host, found.port if port is None else port
        if not api_only:
            running_with.enter_context(processes.kept(running.url))
        click.echo(f"http://{address}:{number}/docs")
        uvicorn.run(
            "matchmaker.app:served",
            factory=True,
            host=address,
            port=number,
            workers=workers or found.workers,
            loop="uvloop",
            http="httptools",
            log_config=None,
            server_header=False,
            # Whose word is taken for an address, `core.limits` decides.
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        )
