"""`matchmaker serve`: the API on this machine, with a database of its own unless one is given."""

from __future__ import annotations

import asyncio
import os

import click
import uvicorn

from matchmaker.cli import pool, session


@click.command()
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Default 8000.")
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Default 1.")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API and its docs page (/docs)."""
    found = session.settings()
    with session.database(found) as running:
        asyncio.run(pool.ensure_index(running, session.released()))
        # Each worker reads its settings from its environment.
        os.environ["DATABASE_URL"] = running.url
        os.environ["OMP_NUM_THREADS"] = "1"
        address, number = host or found.host, found.port if port is None else port
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
            timeout_graceful_shutdown=10,
        )
