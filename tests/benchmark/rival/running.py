"""The rival set up: its database filled, its model trained, its service started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark import serving, synthetic
from tests.benchmark.rival import app, model, queries
from tests.benchmark.serving import Service
from tests.clusters import reachable_directory

from matchmaker.core.postgres import Embedded

APP = "tests.benchmark.rival.app:served"


@dataclass(frozen=True)
class Rival:
    """Where its parts are."""

    directory: Path
    url: str

    @contextlib.contextmanager
    def served(self, *, answer: int, workers: int = 1) -> Iterator[Service]:
        """Its service, whose answers have so many octets."""
        variables = {
            app.DATABASE: self.url,
            app.MODEL: str(self.directory / "model.txt"),
            app.ANSWER: str(answer),
        }
        with serving.served(APP, variables, self.directory, workers=workers) as service:
            yield service


@contextlib.contextmanager
def database(offerings: int) -> Iterator[str]:
    """Its database with the pool."""
    with reachable_directory() as place, Embedded(place, queries.OPTIONS).start() as server:
        url = server.url("mm_owner").replace("+asyncpg", "")
        lines = (synthetic.offering_line(row) for row in range(offerings))
        asyncio.run(queries.fill(url, lines))
        yield url


@contextlib.contextmanager
def rival(offerings: int) -> Iterator[Rival]:
    """The whole of it on the pool."""
    with reachable_directory() as directory, database(offerings) as url:
        model.train(directory / "model.txt", offerings)
        yield Rival(directory, url)
