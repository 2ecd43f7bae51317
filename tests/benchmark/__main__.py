"""Every benchmark, one after the other: ``python -m tests.benchmark [--quick] [NAME ...]``.

Each is a process of its own and prints its figures; at the end stands what was reached. ``--quick``
takes sizes that fit into ten minutes in all: they show that everything runs and roughly where it
stands, the figures to reach are those of the full sizes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

QUICK: Final[dict[str, Sequence[str]]] = {
    "events": ("--seconds", "0.5"),
    "jobs": ("--jobs", "1000", "--kills", "0"),
    "import_offerings": ("--offerings", "5000", "--compared", "2500"),
    "exchange": ("--offerings", "2000"),
    "floor": ("--offerings", "10000"),
    "grow": ("--sizes", "1000", "10000"),
    "http": ("--offerings", "5000", "--requests", "100"),
    "cost": ("--offerings", "5000", "--requests", "100"),
    "retrieve": ("--offerings", "5000", "--needs", "30"),
    "e2e": ("--offerings", "5000", "--seconds", "0.4"),
    "noisy": ("--offerings", "5000", "--requests", "100"),
    "fresh": ("--offerings", "1000", "--publishes", "5"),
    "mem": ("--offerings", "5000", "--repeats", "1"),
    "compiled": ("--needs", "100"),
    "explain": ("--offerings", "5000", "--needs", "10"),
    "fast": ("--offerings", "5000", "--times", "2", "--needs", "3"),
    "batch": ("--firms", "500", "--offerings", "1000"),
}
"""The benchmarks in their order, with the arguments of their quick form."""


def run(name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The last line of a benchmark; nothing reached where it broke."""
    print(f"\n== {name} {' '.join(arguments)}".rstrip(), flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", f"tests.benchmark.{name}", *arguments]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line
    try:
        found: dict[str, Any] = json.loads(last)
    except ValueError:
        found = {"reached": False, "missed": [f"it ended with {process.returncode}"]}
    return {**found, "took_s": round(time.monotonic() - started)}


def main() -> int:
    """0 when every figure was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", choices=[*QUICK, []], metavar="NAME")
    asked = parser.parse_args()
    found = {
        name: run(name, QUICK[name] if asked.quick else ()) for name in asked.names or list(QUICK)
    }
    print()
    for name, each in found.items():
        said = "reached" if each["reached"] else "missed " + ", ".join(each.get("missed", ()))
        print(f"{name:18} {each['took_s']:5} s  load {each.get('load_average', '?')}  {said}")
    return 0 if all(each["reached"] for each in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
