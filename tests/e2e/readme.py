"""The walk by curl in README.md: its commands as a shell runs them, its answers as patterns."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8000/v1"
"""Where README.md says the server is."""
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ENDS = "\x1e"
_CHANGING = {
    r'(?<="score":)[0-9.\\]+': "[0-9.]+",
    r'(?<="fit":)[0-9]+': "[0-9]+",
    r"01a2": "[0-9a-f]{4}",
    r"[0-9]*2026(?=\\-)": "[0-9]+",
}
"""What time changes: scores as facts grow old, ids, years and the positions before them."""
CURL = '''#!{python}
"""As much of curl as README.md asks for, where there is none."""
import sys
import httpx

words, headers, method, body, url = iter(sys.argv[1:]), {{}}, None, None, ""
for word in words:
    if word == "-H":
        name, _, value = next(words).partition(": ")
        headers[name] = value
    elif word == "-X":
        method = next(words)
    elif word == "-d":
        body = next(words)
    elif word != "-s":
        url = word
method = method or ("GET" if body is None else "POST")
print(httpx.request(method, url, headers=headers, content=body, timeout=30).text, end="")
'''


def section() -> str:
    """The part of README.md that walks."""
    page = (ROOT / "README.md").read_text()
    return page.partition("\n## The same, kept\n")[2].partition("\n## ")[0]


def blocks() -> list[tuple[str, str]]:
    """Each block of commands with the answer that README.md shows below it."""
    found = _BLOCK.findall(section())
    kinds = [kind for kind, _ in found]
    assert kinds == ["sh", "text"] * (len(found) // 2), kinds
    said = [text for _, text in found]
    return list(zip(said[::2], said[1::2], strict=True))


def run(place: Path, api: str, environment: Mapping[str, str]) -> list[str]:
    """What each block of commands printed, one after the other in one shell below ``place``."""
    _install(place)
    commands = [sh for sh, _ in blocks()]
    script = f"printf '{_ENDS}'\n".join(commands)
    assert script.count(ADDRESS) == 1
    path = f"{place / 'bin'}:{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-eu"],
        input=script.replace(ADDRESS, api),
        cwd=place,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(_ENDS)


def pattern(shown: str) -> re.Pattern[str]:
    """What README.md shows, as a pattern: ... is anything, and blanks do not count."""
    parts = [re.escape(_bare(part)) for part in shown.split("...")]
    whole = ".*".join(parts)
    for what, instead in _CHANGING.items():
        whole = re.sub(what, instead, whole)
    return re.compile(whole)


def answers(output: str, shown: str) -> bool:
    """Whether ``output`` is what README.md shows, but for what it leaves out."""
    return pattern(shown).fullmatch(_bare(output)) is not None


def _bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def _install(place: Path) -> None:
    """A checkout as README.md means it: .venv, the tests, and curl even if there is none."""
    own = place / ".venv" / "bin"
    own.mkdir(parents=True)
    (place / "tests").symlink_to(ROOT / "tests")
    _program(own / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    _program(own / "matchmaker", f'#!/bin/sh\nexec "{sys.executable}" -m matchmaker "$@"\n')
    (place / "bin").mkdir()
    if shutil.which("curl") is None:
        curl(place / "bin" / "curl")


def curl(path: Path) -> Path:
    """The program that stands in for curl, now at ``path``."""
    return _program(path, CURL.format(python=sys.executable))


def _program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
