"""The server process: bound to this process's life and reaped by it; a dead one is seen as dead."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from matchmaker.core.postgres.places import EmbeddedUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matchmaker.core.postgres.places import User

_PR_SET_PDEATHSIG = 1
_STOP_STEPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


def _bind_to_parent() -> Callable[[], None] | None:
    """What the child runs before it becomes the server: die with the parent (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    # Resolved here: nothing may be loaded between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return bind


class Child:
    """One server process.

    It is started and waited for by a thread of its own: Linux sends the parent-death signal when
    the *thread* that forked ends, and a caller's thread may be short-lived.
    """

    def __init__(self, arguments: Sequence[str | Path], user: User | None, log: Path) -> None:
        """Start ``arguments`` as ``user``, output appended to ``log``."""
        self._arguments = list(arguments)
        self._user = user
        self._log = log
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="postgres", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise EmbeddedUnavailable(f"the server cannot be started: {self._failure}")

    def _run(self) -> None:
        identity = (
            {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
            if self._user
            else {}
        )
        try:
            with self._log.open("ab") as output:
                self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                    self._arguments,
                    **identity,
                    env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # A Ctrl-C in the terminal is for the application, which then stops the server.
                    start_new_session=True,
                    preexec_fn=_bind_to_parent(),  # noqa: PLW1509
                )
        except OSError as failure:
            self._failure = failure
        self._started.set()
        if self._process is not None:
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the server: a fast shutdown, harder only when it does not come."""
        for how, patience in _STOP_STEPS:
            if not self.is_running:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, how)
            self._thread.join(patience)


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
