"""`matchmaker serve` and its children: they work, come back when killed, and end with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import release
from tests.clusters import migrated_files, reachable_directory
from tests.e2e.test_serve import environment, free_port, wait_until_ready

from matchmaker.cli import pool
from matchmaker.cli.session import Database
from matchmaker.core import jobs
from matchmaker.core.jobs import JobId, queries
from matchmaker.core.jobs.housekeeping import PRUNE
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import INDEX, Settings
from matchmaker.matching.index import IndexHolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def until(what: Callable[[], bool], seconds: float = 30.0, *, pause: float = 0.05) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if what():
            return True
        time.sleep(pause)
    return False


def children(parent: int) -> dict[str, int]:
    """The living children of a process by the word that tells them apart."""
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, ppid = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().decode().split("\0")
            if int(ppid) == parent and state != "Z":
                # Without folders: where this is checked out may be called like one of them.
                plain = " ".join(part.rpartition("/")[2] for part in command)
                words = [w for w in ("worker", "index", "spawn", "postgres") if w in plain]
                found[words[0] if words else command[0]] = int(entry.name)
    return found


def maps(pid: int) -> str:
    """The files that are mapped into a process."""
    return Path(f"/proc/{pid}/maps").read_text()


@contextlib.contextmanager
def serving(data: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "matchmaker", "serve", "--port", str(port), *options],
        env=environment(data),
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with reachable_directory() as made:
        migrated_files(made)
        yield made


def attached(data: Path) -> Database:
    """The database of the running server, as another process sees it."""
    server = Embedded(data).start()
    return Database(server.url("mm_app"), Settings(data=str(data)))


@contextlib.contextmanager
def importing(module: str) -> Iterator[int]:
    """A process that has loaded ``module``, until the end."""
    said = f"import sys, {module}; print('loaded', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", said], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"loaded\n"
        yield process.pid
        process.communicate(timeout=10)


def do_a_job(database: Database) -> bool:
    """Whether a job that is added now is done by somebody."""

    async def add() -> JobId:
        async with database.transaction() as session:
            return await jobs.enqueue(session, jobs.Job(kind=PRUNE, queue="e2e"))

    async def done() -> int:
        async with database.transaction() as session:
            return {q.queue: q.done for q in await queries.queues(session)}.get("e2e", 0)

    before = asyncio.run(done())
    asyncio.run(add())
    return until(lambda: asyncio.run(done()) == before + 1, pause=0.5)


def test_the_children_work_come_back_and_end_with_a_killed_server(data: Path) -> None:
    with serving(data, "--workers", "2") as process:
        database = attached(data)
        assert do_a_job(database)
        first = children(process.pid)
        assert first.keys() >= {"worker", "index", "postgres"}
        os.kill(first["worker"], signal.SIGKILL)
        assert do_a_job(database)
        assert children(process.pid)["worker"] != first["worker"]
        holder = IndexHolder(data / INDEX)
        assert holder.current().index.offerings == 0
        released = release.released()
        asyncio.run(pool.import_all(database, released, pool.demo_files()))
        assert until(lambda: holder.current().index.offerings > 0)
        all_of_it = children(process.pid)
        # Who answers matches has the tables, not the library that they are held against.
        assert "sklearn" not in maps(all_of_it["spawn"])
        with importing("sklearn.ensemble") as control:
            assert "sklearn" in maps(control), "the control: who has it is seen to"
        process.kill()
        process.wait()
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in all_of_it.values()))


def test_with_sigterm_everything_ends(data: Path) -> None:
    with serving(data) as process:
        assert until(lambda: {"worker", "index"} <= children(process.pid).keys())
        all_of_it = children(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not any(Path(f"/proc/{pid}").exists() for pid in all_of_it.values())


def test_the_api_alone_has_no_such_children(data: Path) -> None:
    with serving(data, "--api-only") as process:
        assert not {"worker", "index"} & children(process.pid).keys()
