"""The part of a stored run in the experiment that ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.matching.experiments import queries
from matchmaker.matching.experiments.models import ExperimentId, ExperimentRun

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.matching.matcher import Part
    from matchmaker.matching.models import MatchRunRow
    from matchmaker.matching.run import MatchRun

NOBODY: Final = "-"


async def note(session: Session, part: Part, run: MatchRun, row: MatchRunRow) -> None:
    """Note what ``part`` the run has, stored as ``row``: its arm, or whose each item is."""
    drafted = (item.drafted for item in run.answer.items)
    teams = [NOBODY if each is None else each.team.value for each in drafted]
    noted = ExperimentRun(
        run_id=row.id,
        organisation_id=row.organisation_id,
        experiment_id=ExperimentId(part.experiment_id),
        arm=part.arm,
        teams=teams if part.arm is None else None,
    )
    await queries.insert_run(session, noted)
