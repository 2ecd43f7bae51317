"""What the rival keeps of an offering, and the words it searches."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from matchmaker.ranking.facts import UNITS

UNSTATED: Final = "?"
"""Stands in a filtered set that the provider left out, so that one test finds it as well."""
_WORD: Final = re.compile(r"[^，\s]+")
_SCALES: Final = ("micro", "small", "medium", "large")
STAGES: Final = (
    "not_started",
    "tool_assisted",
    "standardised",
    "integrated",
    "data_driven",
    "leading",
)


class Package(msgspec.Struct, frozen=True, array_like=True):
    """An edition: prices in fen (``units``: yearly, for each unit), ladders as numbers."""

    code: str
    title: dict[str, str]
    price: int | None
    units: dict[str, int]
    weeks: int | None
    stages: tuple[int, int] | None
    scales: tuple[int, ...]
    levels: dict[str, tuple[int, int]]


class Offering(msgspec.Struct, frozen=True, array_like=True):
    """An offering as it is kept beside its search columns."""

    external_id: str
    provider: str
    title: dict[str, str]
    summary: dict[str, str]
    categories: frozenset[str]
    industries: tuple[str, ...]
    regions: frozenset[str]
    attested: int | None
    accepted: int
    projects: int
    cases: tuple[tuple[str, tuple[str, ...]], ...]
    packages: tuple[Package, ...]


def words(*texts: str) -> list[str]:
    """The words of texts whose words are parted: what a good segmenter would give."""
    return [word.lower() for text in texts for word in _WORD.findall(text)]


def scale_of(employees: int | None) -> int | None:
    """A firm's size by its employees alone."""
    if employees is None:
        return None
    return sum(employees >= limit for limit in (20, 300, 1000))


def offering(line: dict[str, Any], attested: int | None) -> Offering:
    """The facts of a line of an import file."""
    record = line.get("record") or {"accepted": 0, "projects": 0}
    return Offering(
        external_id=line["external_id"],
        provider=line["provider"],
        title=line["title"],
        summary=line["summary"],
        categories=frozenset(line.get("categories", ())),
        industries=tuple(line.get("industries", ())),
        regions=frozenset(line.get("regions", ())),
        attested=attested,
        accepted=record["accepted"],
        projects=record["projects"],
        cases=tuple((case["industry"], tuple(case["scenes"])) for case in line.get("cases", ())),
        packages=tuple(map(_package, line["packages"])),
    )


def body(line: dict[str, Any]) -> str:
    """The searched text of a line."""
    texts = [line["title"], line["summary"], *(each["title"] for each in line["packages"])]
    return " ".join(words(*(text for each in texts for text in each.values())))


def _package(line: dict[str, Any]) -> Package:
    stages, weeks = line.get("stages"), line.get("weeks")
    parts = line["price"]["parts"] if "price" in line else None
    return Package(
        code=line["code"],
        title=line["title"],
        price=None if parts is None else sum(p["to"] for p in parts if "per" not in p),
        units={p["per"]: p["to"] for p in parts or () if p.get("per") in UNITS},
        weeks=None if weeks is None else weeks[1],
        stages=None if stages is None else (STAGES.index(stages[0]), STAGES.index(stages[1])),
        scales=tuple(_SCALES.index(scale) for scale in line.get("scales", ())),
        levels=line.get("levels", {}),
    )
