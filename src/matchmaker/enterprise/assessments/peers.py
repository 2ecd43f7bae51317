"""Peers: figures of firms that are alike, told so that no single firm can be made out.

A figure is a sum over batches, and a batch is formed of at least so many firms, once, and never
split. Whatever is subtracted from whatever, of any time, what is left is a sum over whole batches:
hiding small cells alone would not do, for a cell less its neighbours, or less itself of yesterday,
can be one firm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matchmaker.enterprise.assessments.models import AssessmentId
    from matchmaker.enterprise.assessments.policy import Patience, Policy

FIRMS: Final = "firms"
_STAGE: Final = "stage"
_LEVELS: Final = "levels"
_KNOWN: Final = "known"


class Cell(NamedTuple):
    """Whom a firm is compared with; null = of any, and for a firm: unknown."""

    division: str | None = None
    scale: str | None = None
    province: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A firm's result that no batch has counted yet."""

    id: AssessmentId
    cell: Cell
    since: dt.datetime
    stage: str
    scenes: Mapping[str, int]


class Batch(NamedTuple):
    """Firms that are counted together, as what."""

    cell: Cell
    members: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is told of peers: how many by stage, and the mean level of each scene."""

    firms: int
    stages: Mapping[str, int]
    scenes: Mapping[str, float]


def cells_of(cell: Cell) -> tuple[Cell | None, ...]:
    """The cells that hold a firm, the narrowest first; None where it is not known in which."""
    division, scale, _ = cell
    return (
        None if None in cell else cell,
        Cell(division, scale) if division is not None and scale is not None else None,
        Cell(division) if division is not None else None,
        Cell(),
    )


def batches(waiting: Iterable[Waiting], policy: Policy, now: dt.datetime) -> Iterator[Batch]:
    """The batches to be formed now: of firms as alike as possible, wider the longer they wait."""
    left = {each.id: each for each in waiting}
    for depth, days in enumerate(_days(policy.patience)):
        alike: dict[Cell, list[Waiting]] = defaultdict(list)
        for each in left.values():
            cell = cells_of(each.cell)[depth]
            if cell is not None and (now - each.since).days >= days:
                alike[cell].append(each)
        for cell, members in alike.items():
            if len(members) >= policy.batch:
                yield Batch(cell, tuple(members))
                for each in members:
                    del left[each.id]


def sums_of(members: Sequence[Waiting], least: int) -> dict[str, int]:
    """The sums of a batch; a scene that fewer than ``least`` of its firms know is left out."""
    sums = Counter({FIRMS: len(members)})
    sums.update(f"{_STAGE}.{each.stage}" for each in members)
    for scene in sorted({scene for each in members for scene in each.scenes}):
        known = [each.scenes[scene] for each in members if scene in each.scenes]
        if len(known) >= least:
            sums[f"{_LEVELS}.{scene}"] = sum(known)
            sums[f"{_KNOWN}.{scene}"] = len(known)
    return dict(sums)


def figures(sums: Mapping[str, int]) -> Figures | None:
    """What the sums over some batches say; None where there is no batch."""
    if not sums.get(FIRMS):
        return None
    named = [(*name.partition(".")[::2], total) for name, total in sums.items()]
    known = {scene: total for kind, scene, total in named if kind == _KNOWN}
    return Figures(
        firms=sums[FIRMS],
        stages={stage: total for kind, stage, total in named if kind == _STAGE},
        scenes={
            scene: round(total / known[scene], 2) for kind, scene, total in named if kind == _LEVELS
        },
    )


def _days(patience: Patience) -> tuple[int, ...]:
    return patience.region, patience.scale, patience.industry, patience.all
