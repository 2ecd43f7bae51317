"""Processes of ours: bound to this process's life, reaped, and started again where they stay."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import BinaryIO, Final

import structlog

_PR_SET_PDEATHSIG: Final = 1
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_SETTLED: Final = 60.0
"""Seconds after which a process has shown that it can live: the pauses begin anew."""
_SHORT: Final = 1.0
"""Seconds; after a life of a fork that was no longer the next one waits."""
_ENDS: Final = (signal.SIGTERM, signal.SIGINT)
"""How a process is told to end."""

log = structlog.get_logger("matchmaker.children")


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and how to end it; where this process dies, the first of ``stops`` is sent."""

    name: str
    arguments: Sequence[str | Path]
    environment: Mapping[str, str]
    stops: Sequence[tuple[signal.Signals, float]] = (
        (signal.SIGTERM, 15.0),
        (signal.SIGKILL, 5.0),
    )
    """Signals, and the seconds each is given."""
    identity: tuple[int, int] | None = None
    """User and group to become."""
    directory: str | None = None
    output: BinaryIO | None = None
    """Where it writes; None: where this process writes."""


def end_with_parent(parent: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send ``how`` to this process when ``parent`` dies (Linux only).

    It is for a process that somebody else has started; to be called in its main thread.
    """
    if bind := _binding(parent, how):
        bind()


def _binding(parent: int, how: signal.Signals) -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    # Resolved here: nothing may be loaded between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return bind


def _bind_to_parent(how: signal.Signals) -> Callable[[], None] | None:
    """What the child runs before it becomes the program: die with the parent (Linux only)."""
    return _binding(os.getpid(), how)


class Child:
    """One process.

    It is started and waited for by a thread of its own: Linux sends the parent-death signal when
    the *thread* that forked ends, and a caller's thread may be short-lived.
    """

    def __init__(self, program: Program) -> None:
        """Start ``program``.

        Raises:
            OSError: it cannot be started.
        """
        self._program = program
        self._started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name=program.name, daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        program = self._program
        identity: dict[str, object] = {}
        if program.identity is not None:
            user, group = program.identity
            identity = {"user": user, "group": group, "extra_groups": []}
        try:
            self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                program.arguments,
                **identity,
                env=program.environment,
                cwd=program.directory,
                stdin=subprocess.DEVNULL,
                stdout=program.output,
                stderr=None if program.output is None else subprocess.STDOUT,
                # A Ctrl-C in the terminal is for the application, which then stops its children.
                start_new_session=True,
                preexec_fn=_bind_to_parent(program.stops[0][0]),  # noqa: PLW1509
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

    def wait(self) -> int | None:
        """How it ended, once it has."""
        self._thread.join()
        return self._process.returncode if self._process else None

    def stop(self) -> None:
        """End it, harder only when it does not come."""
        for how, patience in self._program.stops:
            if not self.is_running:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, how)
            self._thread.join(patience)


class Kept:
    """A program that is started again whenever it ends, after ever longer pauses, until `stop`."""

    def __init__(self, program: Program) -> None:
        """Start it and keep it."""
        self._program = program
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._thread = threading.Thread(target=self._keep, name=f"keep {program.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it for good."""
        with self._lock:
            self._stopping.set()
        if self._child is not None:
            self._child.stop()
        self._thread.join()

    def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            started = monotonic()
            ended = self._once()
            if self._stopping.is_set():
                return
            if monotonic() - started > _SETTLED:
                pause = _FIRST_PAUSE
            log.warning("child.ended", child=self._program.name, code=ended, again_in=pause)
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self) -> int | None:
        """How one life of the program ended; None where it was not begun."""
        with self._lock:
            if self._stopping.is_set():
                return None
            try:
                self._child = Child(self._program)
            except OSError as failure:
                log.warning("child.not_started", child=self._program.name, failure=str(failure))
                return None
        return self._child.wait()


def go_on_in_a_fork() -> None:
    """Return in a fork of this process, which itself forks another whenever one is killed.

    What is loaded by now is loaded once, so that the next one works at once. This process waits,
    passes on that it is told to end, and ends as a fork that ended by itself. It must not have
    begun a thread, and there must be a main thread's signals to handle.
    """
    # What is there already is never collected: its pages stay shared.
    gc.collect()
    gc.freeze()
    forks, pause = _Forks(), _FIRST_PAUSE
    while not forks.fork():
        started = monotonic()
        ended = forks.wait()
        if ended >= 0 or forks.are_told:
            raise SystemExit(ended if ended >= 0 else 128 - ended)
        log.warning("fork.killed", signal=-ended)
        if monotonic() - started > _SHORT:
            pause = _FIRST_PAUSE
        else:
            forks.rest(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


class _Forks:
    """Forks of this process, one after another; whether they are told to end."""

    def __init__(self) -> None:
        """Listen for the end."""
        self.are_told = False
        self._pid = 0
        self._before = {how: signal.signal(how, self._pass_on) for how in _ENDS}

    def fork(self) -> bool:
        """Whether this is the fork.

        Raises:
            SystemExit: they are told to end; none is made any more.
        """
        bind = _binding(os.getpid(), signal.SIGTERM)
        # Who is told from here on is told when it is known who that is.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
        try:
            if self.are_told:
                raise SystemExit(128 + signal.SIGTERM)
            self._pid = os.fork()
            if self._pid == 0:
                for how, handler in self._before.items():
                    signal.signal(how, handler)
                if bind:
                    bind()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
        return self._pid == 0

    def wait(self) -> int:
        """How the fork ended: with its code, or with the negative of the signal that killed it."""
        ended, status = os.waitpid(-1, 0)
        while ended != self._pid:
            # In a container this process inherits what a killed fork has begun.
            ended, status = os.waitpid(-1, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def rest(self, seconds: float) -> None:
        """Wait for so long, or until told."""
        over = monotonic() + seconds
        while not self.are_told and monotonic() < over:
            sleep(0.05)

    def _pass_on(self, _: int, __: object) -> None:
        self.are_told = True
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
