"""The features that the rival's model reads: those of the card, by its rules of thumb."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from tests.benchmark.rival.facts import STAGES, Offering, Package, scale_of

NAMES: Final = (
    "text",
    "category",
    "industry",
    "region",
    "cases",
    "acceptance",
    "freshness",
    "scene_fit",
    "price",
    "scale",
    "stage",
    "weeks",
)
_INDUSTRY: Final = {5: 1.0, 4: 0.9, 3: 0.8, 1: 0.6}
Matrix = NDArray[np.float64]


class Asked(msgspec.Struct, frozen=True):
    """A profile and a need, as the features ask of them."""

    scenes: tuple[str, ...]
    levels: dict[str, int]
    categories: frozenset[str]
    budget: int
    industries: tuple[str, ...]
    employees: int | None
    scale: int | None
    stage: int | None
    region: str
    weeks: int
    today: int


def asked(profile: dict[str, Any], need: dict[str, Any], today: dt.date) -> Asked:
    """What the features ask of a request."""
    stage = profile.get("stage")
    return Asked(
        scenes=tuple(need.get("scenes") or ()),
        levels=profile.get("scenes") or {},
        categories=frozenset(need.get("categories") or ()),
        budget=(need.get("budget") or {"amount": 0})["amount"],
        industries=tuple(profile.get("industries") or ()),
        employees=profile.get("employees"),
        scale=scale_of(profile.get("employees")),
        stage=None if stage is None else STAGES.index(stage),
        region=profile.get("region") or "",
        weeks=(dt.date.fromisoformat(need["ready_by"]) - today).days // 7,
        today=today.toordinal(),
    )


def matrix(asked: Asked, found: Sequence[tuple[float, Offering]]) -> Matrix:
    """Of shape (packages, features): those of all ``found`` offerings, one after the other."""
    rows: list[tuple[float, ...]] = []
    for text, offering in found:
        of_offering = (text, *_of_offering(asked, offering))
        rows += [(*of_offering, *_of_package(asked, each)) for each in offering.packages]
    return np.array(rows, np.float64)


def _of_offering(asked: Asked, offering: Offering) -> tuple[float, ...]:
    groups = {code[:4] for code in asked.industries}
    cases = sum(
        industry[:4] in groups and not frozenset(scenes).isdisjoint(asked.scenes)
        for industry, scenes in offering.cases
    )
    age = 720 if offering.attested is None else asked.today - offering.attested
    return (
        float(not asked.categories.isdisjoint(offering.categories)),
        _industry(asked.industries, offering.industries),
        _region(asked.region, offering.regions),
        (cases + 1) / (cases + 4),
        (offering.accepted + 2) / (offering.projects + 4),
        min(1.0, max(0.0, (720 - age) / 540)),
    )


def _of_package(asked: Asked, package: Package) -> tuple[float, ...]:
    return (
        _scene_fit(asked, package),
        _price(asked, package),
        _scale(asked.scale, package.scales),
        _stage(asked.stage, package.stages),
        _weeks(asked.weeks, package.weeks),
    )


def _scene_fit(asked: Asked, package: Package) -> float:
    total = 0.0
    for scene in asked.scenes:
        if (stretch := package.levels.get(scene)) is None:
            continue
        low, high = stretch
        if (level := asked.levels.get(scene)) is None:
            total += 0.7
        else:
            total += 0.5 if level < low else 1.0 if level < high else 0.3
    return total / len(asked.scenes) if asked.scenes else 0.0


def _price(asked: Asked, package: Package) -> float:
    if package.price is None or not asked.budget:
        return 0.0
    per_employee = package.units.get("employees", 0) * (asked.employees or 0)
    share = (package.price + per_employee) / asked.budget
    return min(1.0, max(0.0, 1.5 - share if share < 1 else 1 - share / 2))


def _scale(firm: int | None, scales: tuple[int, ...]) -> float:
    if firm is None or not scales:
        return 0.0
    return max(0.0, 1 - 0.5 * min(abs(firm - scale) for scale in scales))


def _stage(firm: int | None, stages: tuple[int, int] | None) -> float:
    if firm is None or stages is None:
        return 0.0
    off = max(stages[0] - firm, firm - stages[1], 0)
    return max(0.0, 1 - 0.5 * off)


def _weeks(left: int, weeks: int | None) -> float:
    if weeks is None or left <= 0:
        return 0.0
    return min(1.0, max(0.0, 2 - weeks / left))


def _industry(firm: tuple[str, ...], served: tuple[str, ...]) -> float:
    best = 0.5 if "all" in served else 0.0
    for code in firm:
        for other in served:
            if code.startswith(other):
                best = max(best, _INDUSTRY.get(len(other), 0.0))
    return best


def _region(firm: str, served: frozenset[str]) -> float:
    if firm in served:
        return 1.0
    if f"{firm[:2]}0000" in served:
        return 0.8
    return 0.5 if "all" in served else 0.0
