"""Servers under measurement: uvicorn as the product runs it, what it costs, and its end."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmark import synthetic
from tests.benchmark.loading import request
from tests.benchmark.world import Product
from tests.e2e.test_serve import children_of, end, environment, free_port, wait_until_ready

APP: Final = "matchmaker.app:served"
MATCH: Final = "/v1/match"
LIMIT: Final = 10


@dataclass(frozen=True)
class Service:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        spawned = [pid for pid in children_of(self.process.pid) if "spawn_main" in _command(pid)]
        return spawned or [self.process.pid]

    def cpu_s(self) -> float:
        """Seconds that the workers have run on a processor, all their threads together."""
        tasks = (task for pid in self.workers for task in Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self) -> dict[str, int]:
        """Octets of the workers together: resident, proportional, and private of each."""
        sums = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
        for pid in self.workers:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
                name, value = line.split()[:2]
                if (key := name.rstrip(":")) in sums:
                    sums[key] += 1024 * int(value)
        return sums


@contextlib.contextmanager
def served(
    application: str, variables: Mapping[str, str], directory: Path, *, workers: int = 1
) -> Iterator[Service]:
    """The ``application`` of a factory, with the options that `matchmaker serve` gives uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--factory", "--port", str(port)]
    command += ["--workers", str(workers), "--loop", "uvloop", "--http", "httptools"]
    command += ["--no-access-log", "--no-server-header", "--log-level", "warning"]
    said = directory / f"served-{port}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            command,
            env={
                **environment(directory),
                "OMP_NUM_THREADS": "1",
                "MATCHMAKER_LIMITS": "off",
                **variables,
            },
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield Service(port, process)
    finally:
        end(process)
    # Kept where something went wrong.
    said.unlink()


@contextlib.contextmanager
def product(world: Product, *, workers: int = 1, kernels: str = "off") -> Iterator[Service]:
    """The product on ``world``; numpy alone unless ``kernels`` are "auto" and numba is there."""
    variables = {"DATABASE_URL": world.url, "MATCHMAKER_KERNELS": kernels}
    with served(APP, variables, world.directory, workers=workers) as service:
        yield service


def match_bodies(count: int, *, is_selective: bool) -> list[bytes]:
    """Bodies of `POST /v1/match`: all of the pool survives, or about 3 % of it."""
    generate = synthetic.generator().need
    found = [generate(synthetic.SEED, row, selective=is_selective) for row in range(count)]
    return [
        json.dumps(
            {"profile": each["profile"], "need": each["need"], "limit": LIMIT}, ensure_ascii=False
        ).encode()
        for each in found
    ]


def match_requests(count: int, *, is_selective: bool) -> list[bytes]:
    """The same as requests."""
    return [request(MATCH, body) for body in match_bodies(count, is_selective=is_selective)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
