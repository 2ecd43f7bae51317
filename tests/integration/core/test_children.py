"""Children: bound to their parent's life, and started again while they are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matchmaker.core.children import Child, Kept, Program

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
NOTE = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); "
PARENT = """
import os, sys, time
from matchmaker.core import children
if sys.argv[2] == "unbound":
    children._bind_to_parent = lambda _: None
program = children.Program(
    name="child", arguments=[sys.executable, "-c", sys.argv[3], sys.argv[1]], environment=os.environ
)
kept = children.Kept(program)
time.sleep(60)
"""


def program(note: Path, then: str, *, harder: float = 5.0) -> Program:
    return Program(
        name="child",
        arguments=[sys.executable, "-c", NOTE + then, str(note)],
        environment={},
        stops=((signal.SIGTERM, harder), (signal.SIGKILL, 5.0)),
    )


def until(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if what():
            return True
        time.sleep(0.02)
    return False


def lives(note: Path) -> list[int]:
    return [int(line) for line in note.read_text().split()] if note.exists() else []


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@linux
def test_a_child_that_is_killed_is_started_again_and_a_stopped_one_is_not(tmp_path: Path) -> None:
    note = tmp_path / "lives"
    kept = Kept(program(note, "time.sleep(60)"))
    try:
        assert until(lambda: len(lives(note)) == 1)
        os.kill(lives(note)[0], signal.SIGKILL)
        assert until(lambda: len(lives(note)) == 2)
    finally:
        kept.stop()
    first, second = lives(note)
    assert not is_alive(first)
    assert not is_alive(second)
    time.sleep(1.5)
    assert len(lives(note)) == 2


def test_one_that_ends_at_once_is_started_ever_more_rarely(tmp_path: Path) -> None:
    note = tmp_path / "lives"
    kept = Kept(program(note, "sys.exit(1)"))
    time.sleep(4.0)
    kept.stop()
    # After 0, 0.5, 1.5 and 3.5 seconds and what each took to start.
    assert 2 <= len(lives(note)) <= 4


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Child(Program(name="none", arguments=[tmp_path / "none"], environment={}))
    Kept(Program(name="none", arguments=[tmp_path / "none"], environment={})).stop()


def test_one_that_will_not_end_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "lives"
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = Child(
        program(note, f"{deaf} open(sys.argv[1] + '.deaf', 'w'); time.sleep(60)", harder=0.2)
    )
    assert until(lambda: note.with_name("lives.deaf").exists())
    child.stop()
    assert child.wait() == -signal.SIGKILL


@linux
@pytest.mark.parametrize(("how", "survives"), [("bound", False), ("unbound", True)])
def test_a_child_dies_with_its_killed_parent(tmp_path: Path, how: str, *, survives: bool) -> None:
    """Unbound is the control: such a child lives on."""
    note = tmp_path / "lives"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(note), how, NOTE + "time.sleep(60)"], env=os.environ
    )
    try:
        assert until(lambda: len(lives(note)) == 1, seconds=20)
    finally:
        parent.kill()
        parent.wait()
    (child,) = lives(note)
    assert until(lambda: not is_alive(child), seconds=2.0) is not survives
    if survives:
        os.kill(child, signal.SIGKILL)


FORKING = """
import ctypes, os, signal, subprocess, sys, time
from matchmaker.core import children
if sys.argv[2] == "unbound":
    children._binding = lambda *_: None
if sys.argv[2] == "first":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: as the first of a container
children.go_on_in_a_fork()
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
"""


def forking(note: Path, then: str, how: str = "bound") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FORKING + then, str(note), how], env=os.environ)


def test_a_fork_that_is_killed_is_followed_by_another_until_told_to_end(tmp_path: Path) -> None:
    note = tmp_path / "lives"
    with forking(note, "time.sleep(60)") as parent:
        assert until(lambda: len(lives(note)) == 1)
        os.kill(lives(note)[0], signal.SIGKILL)
        assert until(lambda: len(lives(note)) == 2)
        parent.terminate()
        assert parent.wait(10) == 128 + signal.SIGTERM
    first, second = lives(note)
    assert parent.pid not in (first, second)
    assert not is_alive(first)
    assert not is_alive(second)


@pytest.mark.parametrize("code", [0, 3])
def test_one_that_ends_by_itself_has_ended(tmp_path: Path, code: int) -> None:
    note = tmp_path / "lives"
    with forking(note, f"sys.exit({code})") as parent:
        assert parent.wait(10) == code
    assert len(lives(note)) == 1


def test_short_lives_follow_ever_more_rarely(tmp_path: Path) -> None:
    note = tmp_path / "lives"
    with forking(note, "os.kill(os.getpid(), signal.SIGKILL)") as parent:
        assert until(lambda: len(lives(note)) == 2)
        time.sleep(1.2)
        # After 0, 0.5 and 1.5 seconds and what each took.
        assert len(lives(note)) <= 4
        parent.terminate()
        assert parent.wait(10) in (128 + signal.SIGTERM, 128 + signal.SIGKILL)


@linux
@pytest.mark.parametrize(("how", "survives"), [("bound", False), ("unbound", True)])
def test_a_fork_dies_with_its_killed_parent(tmp_path: Path, how: str, *, survives: bool) -> None:
    """Unbound is the control."""
    note = tmp_path / "lives"
    with forking(note, "time.sleep(60)", how) as parent:
        assert until(lambda: len(lives(note)) == 1)
        parent.kill()
    (fork,) = lives(note)
    assert until(lambda: not is_alive(fork), seconds=2.0) is not survives
    if survives:
        os.kill(fork, signal.SIGKILL)


@linux
def test_what_a_killed_fork_began_is_waited_for(tmp_path: Path) -> None:
    """Where its parent is the first process of a container, and inherits it."""
    note = tmp_path / "lives"
    begin = "subprocess.Popen(['sleep', '0.3'], start_new_session=True); time.sleep(60)"
    with forking(note, begin, "first") as parent:
        assert until(lambda: len(lives(note)) == 1)
        os.kill(lives(note)[0], signal.SIGKILL)
        assert until(lambda: len(lives(note)) == 2)
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        assert until(lambda: children.read_text().split() == [str(lives(note)[1])])
        parent.terminate()
        parent.wait(10)
