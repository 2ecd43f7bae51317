"""The server process, a child of this one; a dead one is seen as dead."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from matchmaker.core.children import Child, Program
from matchmaker.core.postgres.places import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.postgres.places import User

_STOPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""A fast shutdown, harder only when it does not come."""


def start(arguments: Sequence[str | Path], user: User | None, log: Path) -> Child:
    """The server ``arguments`` as ``user``, output appended to ``log``.

    Raises:
        EmbeddedUnavailable: it cannot be started.
    """
    try:
        with log.open("ab") as output:
            return Child(
                Program(
                    name="postgres",
                    arguments=list(arguments),
                    environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
                    stops=_STOPS,
                    identity=(user.uid, user.gid) if user else None,
                    directory="/",
                    output=output,
                )
            )
    except OSError as failure:
        raise EmbeddedUnavailable(f"the server cannot be started: {failure}") from failure


def end_orphan(pgdata: Path, *, patience: float = 20.0) -> None:
    """End a server that outlived its owner on ``pgdata``, and remove the file it left.

    Only called under the data directory's lock, so no living owner can exist.

    Raises:
        EmbeddedUnavailable: the server does not end.
    """
    note = pgdata / "postmaster.pid"
    try:
        pid = int(note.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        note.unlink(missing_ok=True)
        return
    give_up = time.monotonic() + patience
    how = signal.SIGINT
    while _serves(pid, pgdata):
        if time.monotonic() > give_up:
            raise EmbeddedUnavailable(f"the server with process id {pid} on {pgdata} does not stop")
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, how)
        time.sleep(0.1)
        if time.monotonic() > give_up - patience / 2:
            how = signal.SIGQUIT
    note.unlink(missing_ok=True)


def _serves(pid: int, pgdata: Path) -> bool:
    """Whether ``pid`` is a living server on ``pgdata``: no zombie, no reused process id."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            state = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
            command = (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, IndexError):
            return False
    else:
        said = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "stat=,command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        state, _, command = said.strip().partition(" ")
    return not state.startswith("Z") and str(pgdata) in command
