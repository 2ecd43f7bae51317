"""Every statement about what became of stored matches."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import exists, or_, select

from matchmaker.identity.models import Organisation, OrganisationState
from matchmaker.matching.feedback.models import Feedback, Judgement
from matchmaker.matching.models import MatchRow, MatchRunRow

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession
    from matchmaker.matching.feedback.models import Action


class SaidRun(NamedTuple):
    """A stored run of which something was said."""

    id: UUID
    firm: UUID
    need_id: UUID | None
    as_of: dt.datetime
    input: Mapping[str, Any]
    body: Mapping[str, Any]
    is_vouched: bool
    """Whether the firm is verified: only then what it says counts."""


class Said(NamedTuple):
    """What was said of one run, by offering."""

    propensity: Mapping[UUID, float]
    actions: Mapping[UUID, Sequence[Action]]
    grades: Mapping[UUID, Mapping[UUID, int]]
    """The latest grade of each judge."""


async def said_runs(session: ReadSession) -> list[SaidRun]:
    """The runs of which something was said and that were not erased, the earliest first."""
    rows = await session.execute(
        select(
            MatchRunRow.id,
            MatchRunRow.organisation_id,
            MatchRunRow.need_id,
            MatchRunRow.as_of,
            MatchRunRow.input,
            MatchRunRow.body,
            Organisation.state == OrganisationState.VERIFIED,
        )
        .join(Organisation, Organisation.id == MatchRunRow.organisation_id)
        .where(
            MatchRunRow.erased_at.is_(None),
            or_(
                exists().where(Feedback.run_id == MatchRunRow.id),
                exists().where(Judgement.run_id == MatchRunRow.id),
            ),
        )
        .order_by(MatchRunRow.as_of, MatchRunRow.id)
    )
    return [SaidRun(*row) for row in rows]


async def said_of(session: ReadSession, run_ids: Sequence[UUID]) -> dict[UUID, Said]:
    """What was said of each of the runs."""
    shown = await session.execute(
        select(MatchRow.run_id, MatchRow.offering_id, MatchRow.propensity).where(
            MatchRow.run_id.in_(run_ids)
        )
    )
    propensities: dict[UUID, dict[UUID, float]] = defaultdict(dict)
    for run_id, offering_id, propensity in shown:
        propensities[run_id][offering_id] = propensity
    actions: dict[UUID, dict[UUID, list[Action]]] = defaultdict(lambda: defaultdict(list))
    for said in await session.scalars(
        select(Feedback).where(Feedback.run_id.in_(run_ids)).order_by(Feedback.id)
    ):
        actions[said.run_id][said.offering_id].append(said.action)
    grades: dict[UUID, dict[UUID, dict[UUID, int]]] = defaultdict(lambda: defaultdict(dict))
    for each in await session.scalars(
        select(Judgement).where(Judgement.run_id.in_(run_ids)).order_by(Judgement.id)
    ):
        grades[each.run_id][each.offering_id][each.organisation_id] = each.grade
    return {
        run_id: Said(propensities[run_id], actions[run_id], grades[run_id]) for run_id in run_ids
    }
