"""What moved between two ways of one firm."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.pathway.computing import Step, Way


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is new, gone, done, in another phase or of another cost."""

    kind: str
    """added, dropped, done, phase or cost."""
    scene: str
    start: int
    end: int
    before: int | None
    """Phase or cost before."""
    after: int | None


class _At(NamedTuple):
    phase: int
    step: Step


def moved(before: Way, after: Way, levels: dict[str, int]) -> list[Shift]:
    """Every difference of the steps; ``levels`` are those that ``after`` started from."""
    return list(_shifts(_steps(before), _steps(after), levels))


def _shifts(
    old: dict[tuple[str, int, int], _At],
    new: dict[tuple[str, int, int], _At],
    levels: dict[str, int],
) -> Iterator[Shift]:
    for (scene, start, end), was in old.items():
        if (scene, start, end) not in new:
            kind = "done" if levels.get(scene, 0) >= end else "dropped"
            yield Shift(kind=kind, scene=scene, start=start, end=end, before=was.phase, after=None)
    for (scene, start, end), now in new.items():
        found = old.get((scene, start, end))
        if found is None:
            yield Shift(
                kind="added", scene=scene, start=start, end=end, before=None, after=now.phase
            )
            continue
        for kind, earlier, later in (
            ("phase", found.phase, now.phase),
            ("cost", found.step.cost, now.step.cost),
        ):
            if earlier != later:
                yield Shift(
                    kind=kind, scene=scene, start=start, end=end, before=earlier, after=later
                )


def _steps(way: Way) -> dict[tuple[str, int, int], _At]:
    return {
        (step.scene, step.start, step.end): _At(phase.number, step)
        for phase in way.phases
        for step in phase.steps
    }
