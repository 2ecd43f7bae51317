"""Migrated servers of their own for tests: one is made, the others start on copies of its files."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.databases import keep_pristine

from matchmaker.core import migrate
from matchmaker.core.postgres import Embedded, Server

# Power loss is not what these tests are about.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

MEMORY = Path("/dev/shm")  # noqa: S108  (a directory of one's own is made in it)
ROOM = 8 << 30
"""Bytes there must be: a server takes up to a hundred megabytes, and few run at a time."""


@contextlib.contextmanager
def reachable_directory() -> Iterator[Path]:
    """A directory the server's own user can reach; pytest's tmp_path is closed to other users.

    In memory, where there is plenty: each server is a copy of a thousand files, soon removed.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    path = Path(tempfile.mkdtemp(prefix="matchmaker-test-", dir=MEMORY if has_room else None))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def migrated_server(place: Path, options: Mapping[str, str] = FAST) -> Iterator[Server]:
    """A server below ``place``, an empty directory, with every migration applied."""
    with copied_server(_template(), place, options) as server:
        yield server


@contextlib.contextmanager
def copied_server(
    template: Path, place: Path, options: Mapping[str, str] = FAST
) -> Iterator[Server]:
    """A server below ``place``, an empty directory, that goes on from the files of ``template``."""
    _copy(template, place)
    with Embedded(place, options).start() as server:
        yield server


def migrated_files(place: Path) -> None:
    """The files of a migrated server below ``place``, an empty directory, for who starts one."""
    _copy(_template(), place)


def _copy(template: Path, place: Path) -> None:
    # cp keeps owners and modes, which the server insists on; Python's copies do not.
    subprocess.run(["cp", "-a", f"{template}/.", place], check=True)
    # Each copy looks for a port of its own.
    (place / "postgres" / "port").unlink(missing_ok=True)


def kept_directory() -> Path:
    """A directory for files that other servers start from, removed when the tests are over."""
    held = contextlib.ExitStack()
    atexit.register(held.close)
    return held.enter_context(reachable_directory())


@functools.cache
def _template() -> Path:
    """The files of a server that was migrated and stopped; making them takes seconds."""
    place = kept_directory()
    with Embedded(place, FAST).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        keep_pristine(server)
    return place
