"""A folder of the catalogue: what may be read of it, and the import file made of that.

Read of a solution: title, description, package names, prices, ``sectors``, ``all_sectors``; of a
query: ``need`` and ``sector``. ``categories`` are read apart, for the control run and for naming
glossary entries that equal one; the grades were made from them. An agency's, a group's or a
provider's name is never read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmark.psg.sectors import classes_of

from matchmaker.core.wire import LARGEST

LONGEST: Final = 8000
"""Characters of a text that the import takes."""
NOTHING: Final = "-"
"""Stands for a text that the import demands and the catalogue has not; it holds no token."""
CURRENCY: Final = "SGD"
_QRELS_FIELDS: Final = 4
_REFUSED: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")
"""What no text of an import may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package's name and its whole price in cents, None where none is given."""

    name: str
    price: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """One solution; ``categories`` are for the control run alone."""

    id: str
    provider: str
    title: str
    description: str
    sectors: tuple[str, ...]
    is_for_all: bool
    packages: tuple[Package, ...]
    categories: tuple[str, ...]

    @property
    def industries(self) -> tuple[str, ...]:
        """The sectors as classes, and ``all`` where it is declared; empty = unknown."""
        named = (code for sector in self.sectors for code in classes_of(sector))
        return tuple(dict.fromkeys((*(["all"] if self.is_for_all else []), *named)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One query."""

    id: str
    text: str
    sector: str | None

    @property
    def industries(self) -> tuple[str, ...]:
        """The classes of the sector; empty = unknown."""
        return classes_of(self.sector) if self.sector else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Solutions, needs, the grades of each need by solution, and every category's name."""

    solutions: tuple[Solution, ...]
    needs: tuple[Need, ...]
    grades: Mapping[str, Mapping[str, int]]
    categories: frozenset[str]
    shortened: int
    """Texts cut to what the import takes."""
    repeated: int
    """Solutions left out because an earlier one has their id."""

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Sectors that no class is known for."""
        named = {sector for solution in self.solutions for sector in solution.sectors}
        named |= {need.sector for need in self.needs if need.sector}
        return tuple(sorted(sector for sector in named if not classes_of(sector)))


class _Reader:
    """Cleans texts and counts those it had to cut."""

    def __init__(self) -> None:
        self.shortened = 0

    def text(self, value: object) -> str:
        """The text without refused characters, at most `LONGEST`; anything else is empty."""
        if not isinstance(value, str):
            return ""
        clean = _REFUSED.sub(" ", value).strip()
        self.shortened += len(clean) > LONGEST
        return clean[:LONGEST]

    def solution(self, row: Mapping[str, Any]) -> Solution:
        name = str(row["solution_id"])
        return Solution(
            id=name,
            provider=str(row.get("provider_id") or f"of {name}"),
            title=self.text(row.get("title")),
            description=self.text(row.get("description")),
            sectors=_names(row.get("sectors")),
            is_for_all=row.get("all_sectors") is True,
            packages=tuple(
                Package(name=self.text(each.get("name")), price=_cents(each.get("total_cost")))
                for each in row.get("packages") or ()
            ),
            categories=_names(row.get("categories")),
        )


def read(folder: Path) -> Catalogue:
    """The catalogue in ``folder``; without qrels.txt no query has a grade.

    Raises:
        FileNotFoundError: there is no solutions.jsonl or no queries.jsonl.
        KeyError: a solution has no ``solution_id``, or a query no ``query_id``.
    """
    reader = _Reader()
    rows = _rows(folder / "solutions.jsonl")
    solutions: dict[str, Solution] = {}
    for row in rows:
        solution = reader.solution(row)
        solutions.setdefault(solution.id, solution)
    needs = tuple(
        Need(
            id=str(row["query_id"]),
            text=reader.text(row.get("need")),
            sector=reader.text(row.get("sector")) or None,
        )
        for row in _rows(folder / "queries.jsonl")
    )
    listed = folder / "categories.jsonl"
    names = {str(row.get("category")) for row in (_rows(listed) if listed.is_file() else ())}
    names.update(name for solution in solutions.values() for name in solution.categories)
    return Catalogue(
        solutions=tuple(solutions.values()),
        needs=needs,
        grades=_grades(folder / "qrels.txt"),
        categories=frozenset(names),
        shortened=reader.shortened,
        repeated=len(rows) - len(solutions),
    )


def import_lines(
    solutions: tuple[Solution, ...], leaked: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """The import file: the providers, then ``o<place>`` for each solution.

    ``leaked`` gives the code of each category's name: the control run states them, and says them in
    the summary.
    """
    providers = {name: f"p{place}" for place, name in enumerate(_providers(solutions))}
    for name in providers.values():
        yield {"type": "provider", "external_id": name, "name": {"en": name}}
    for place, solution in enumerate(solutions):
        said = [solution.description, *(solution.categories if leaked else ())]
        summary = ". ".join(filter(None, said))[:LONGEST]
        yield {
            "type": "offering",
            "external_id": f"o{place}",
            "provider": providers[solution.provider],
            "kind": "solution",
            "title": {"en": solution.title or NOTHING},
            "summary": {"en": summary} if summary else None,
            "industries": list(solution.industries) or None,
            "categories": [leaked[name] for name in solution.categories] if leaked else None,
            "packages": [
                _package_line(f"k{number}", package)
                for number, package in enumerate(
                    solution.packages or (Package(name="", price=None),)
                )
            ],
        }


def _package_line(code: str, package: Package) -> dict[str, Any]:
    price = {"currency": CURRENCY, "parts": [{"part": "upfront", "amount": package.price}]}
    return {
        "code": code,
        "title": {"en": package.name or NOTHING},
        "price": None if package.price is None else price,
    }


def _providers(solutions: tuple[Solution, ...]) -> dict[str, None]:
    return dict.fromkeys(solution.provider for solution in solutions)


def _rows(path: Path) -> list[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    clean = (_REFUSED.sub(" ", name).strip() for name in value if isinstance(name, str))
    return tuple(dict.fromkeys(filter(None, clean)))


def _cents(dollars: object) -> int | None:
    """A price in cents; None for what is no amount."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float):
        return None
    if not math.isfinite(dollars) or not 0 <= dollars * 100 <= LARGEST:
        return None
    return round(dollars * 100)


def _grades(path: Path) -> dict[str, dict[str, int]]:
    """Grades by query and solution, of lines ``query 0 solution grade``."""
    found: dict[str, dict[str, int]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            fields = line.split()
            if len(fields) == _QRELS_FIELDS:
                query, _, solution, grade = fields
                found.setdefault(query, {})[solution] = int(grade)
    return found
