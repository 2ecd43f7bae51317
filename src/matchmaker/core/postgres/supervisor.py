"""Starts, finds and stops the embedded server of one data directory."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import asyncpg
from sqlalchemy import URL

from matchmaker.core.children import Child
from matchmaker.core.postgres import child as process
from matchmaker.core.postgres import places
from matchmaker.core.postgres.places import EmbeddedUnavailable, User

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from matchmaker.core.db import Role

T = TypeVar("T")

DATABASE = "matchmaker"
ROLES: tuple[Role, ...] = ("mm_owner", "mm_app", "mm_worker")
PATIENCE = 60.0
"""Seconds for a start, crash recovery included."""
_PORT_TRIES = 5
_LARGEST_LOG = 10 * 1024 * 1024


class Server:
    """A running server; leaving the context stops it, unless another process owns it."""

    def __init__(self, port: int, passwords: Mapping[str, str], stop: contextlib.ExitStack) -> None:
        """Note where the server is; ``stop`` is empty for an attached one."""
        self.port = port
        self._passwords = passwords
        self._stop = stop

    def url(self, role: Role) -> str:
        """The login of ``role`` on the product's database."""
        return URL.create(
            "postgresql+asyncpg",
            username=role,
            password=self._passwords[role],
            host="127.0.0.1",
            port=self.port,
            database=DATABASE,
        ).render_as_string(hide_password=False)

    def stop(self) -> None:
        """End the server if this process owns it; nothing otherwise."""
        self._stop.close()

    def __enter__(self) -> Self:
        """Use the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop using it."""
        self.stop()


class Embedded:
    """The embedded server of one data directory; ``options`` are settings (``-c name=value``)."""

    def __init__(self, data_directory: Path, options: Mapping[str, str] | None = None) -> None:
        """Name the place; nothing is touched before ``start``."""
        self._home = data_directory.absolute() / "postgres"
        self._options = dict(options or {})

    def start(self) -> Server:
        """The server: started by this process, or attached to when another one has it.

        Raises:
            EmbeddedUnavailable: one line that names what is missing.
        """
        user = places.server_user()
        try:
            # Searchable for the server's user, readable only for us.
            self._home.mkdir(parents=True, exist_ok=True, mode=0o711 if user else 0o700)
            give_up = time.monotonic() + PATIENCE
            while True:
                if lock := _try_lock(self._home / "lock"):
                    return self._own(lock, user)
                if server := self._attach():
                    return server
                if time.monotonic() > give_up:
                    raise EmbeddedUnavailable(
                        f"{self._home} is in use but its server does not answer"
                    )
                time.sleep(0.1)
        except OSError as error:
            raise EmbeddedUnavailable(f"the data directory cannot be used: {error}") from error

    def _own(self, lock: contextlib.ExitStack, user: User | None) -> Server:
        with lock:
            bin_directory = places.programs(user)
            place = places.data_place(self._home, user)
            if place != self._home:
                lock.enter_context(_lock_store(place))
            passwords = self._load_passwords()
            pgdata = place / f"pgdata-{places.version(bin_directory, user)}"
            if not (pgdata / "PG_VERSION").exists():
                self._initialise(bin_directory, pgdata, user, passwords["postgres"])
            process.end_orphan(pgdata)
            child, port = self._launch(bin_directory, pgdata, user, passwords["postgres"])
            lock.callback(child.stop)
            _run(_provision(port, passwords))
            note = self._home / "server.json"
            _write_private(note, json.dumps({"port": port, "pid": child.pid}))
            lock.callback(note.unlink, missing_ok=True)
            return Server(port, passwords, lock.pop_all())

    def _attach(self) -> Server | None:
        try:
            port = int(json.loads((self._home / "server.json").read_text())["port"])
            passwords = json.loads((self._home / "passwords.json").read_text())
        except (FileNotFoundError, ValueError, KeyError):
            return None
        if not _run(_answers(port, "mm_app", passwords["mm_app"], DATABASE)):
            return None
        return Server(port, passwords, contextlib.ExitStack())

    def _load_passwords(self) -> dict[str, str]:
        path = self._home / "passwords.json"
        try:
            found: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            found = {name: secrets.token_urlsafe(24) for name in ("postgres", *ROLES)}
            _write_private(path, json.dumps(found))
        return found

    def _initialise(
        self, bin_directory: Path, pgdata: Path, user: User | None, password: str
    ) -> None:
        """A new cluster, in place only once it is complete."""
        fresh, secret = pgdata.with_suffix(".new"), pgdata.with_suffix(".password")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _write_private(secret, password)
        if user:
            os.chown(fresh, user.uid, user.gid)
            os.chown(secret, user.uid, user.gid)
        arguments: list[str | Path] = [bin_directory / "initdb", "--pgdata", fresh]
        arguments += ["--username", "postgres", "--pwfile", secret, "--auth", "scram-sha-256"]
        arguments += ["--data-checksums", "--encoding", "UTF8", "--locale", "C"]
        arguments += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        if self._options.get("fsync") == "off":
            arguments.append("--no-sync")
        try:
            done = places.run_as(user, arguments, timeout=120)
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise EmbeddedUnavailable(f"initdb failed: {_last_line(done.stderr)}")
        fresh.rename(pgdata)

    def _launch(
        self, bin_directory: Path, pgdata: Path, user: User | None, password: str
    ) -> tuple[Child, int]:
        log = self._home / "server.log"
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.unlink()
        give_up = time.monotonic() + PATIENCE
        for _ in range(_PORT_TRIES):
            port = _port(self._home / "port")
            start = log.stat().st_size if log.exists() else 0
            child = process.start(self._arguments(bin_directory, pgdata, port), user, log)
            while child.is_running and time.monotonic() < give_up:
                if _run(_answers(port, "postgres", password, "postgres")):
                    return child, port
                time.sleep(0.02)
            child.stop()
            said = log.read_bytes()[start:].decode(errors="replace")
            if "could not bind" not in said and "still in use" not in said:
                raise EmbeddedUnavailable(f"the server does not start: {_last_line(said)} ({log})")
            (self._home / "port").unlink(missing_ok=True)
            time.sleep(0.2)
        raise EmbeddedUnavailable("no free port on 127.0.0.1")

    def _arguments(self, bin_directory: Path, pgdata: Path, port: int) -> list[str | Path]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "log_line_prefix": "%m [%p] ",
            **self._options,
        }
        arguments: list[str | Path] = [bin_directory / "postgres", "-D", pgdata]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        return arguments


async def _answers(port: int, user: str, password: str, database: str) -> bool:
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user=user, password=password, database=database, timeout=2
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    finally:
        await connection.close()


async def _provision(port: int, passwords: Mapping[str, str]) -> None:
    """The three login roles and the product's database, as the private file says."""
    connection = await asyncpg.connect(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=passwords["postgres"],
        database="postgres",
    )
    try:
        for role in ROLES:
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            verb = "ALTER" if known else "CREATE"
            # Names are ours and passwords urlsafe base64: nothing here needs quoting.
            await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{passwords[role]}'")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(
                f"CREATE DATABASE {DATABASE} OWNER mm_owner TEMPLATE template0"
            )
            await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO mm_app, mm_worker")
    finally:
        await connection.close()


def _run(work: Coroutine[object, object, T]) -> T:
    """The result of ``work`` in a loop of its own, also where this thread already runs one."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _try_lock(path: Path) -> contextlib.ExitStack | None:
    held = contextlib.ExitStack()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    held.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        return None
    return held


def _lock_store(place: Path) -> contextlib.ExitStack:
    """The lock of a place that every copy of a data directory names as its own."""
    held = _try_lock(place / "lock")
    if held is None:
        raise EmbeddedUnavailable(f"the database in {place} is in use by another data directory")
    return held


def _write_private(path: Path, content: str) -> None:
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.write(content)
    fresh.replace(path)


def _port(note: Path) -> int:
    """The port of the last start where it is free, so that whoever kept the address finds it."""
    try:
        last = int(note.read_text())
    except (FileNotFoundError, ValueError):
        last = 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", last))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    note.write_text(f"{port}\n")
    return port


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    faults = [line for line in lines if "FATAL" in line or "error:" in line or "could not" in line]
    return (faults or lines or ["no output"])[-1].strip()
