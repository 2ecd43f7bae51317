"""Feedback and judgements: who may say them, and of what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationId
from matchmaker.matching import runs
from matchmaker.matching.errors import NotInRun, RunNotFound
from matchmaker.matching.feedback import queries, schemas
from matchmaker.matching.feedback.errors import OwnOffering
from matchmaker.matching.feedback.models import Action, Feedback, Judgement
from matchmaker.matching.queries import find_match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.access import Principal
    from matchmaker.matching.models import MatchRow
    from matchmaker.matching.queries import FoundRun


class Shown(NamedTuple):
    """What is said something of: the run, its row of the offering, and who provides that."""

    found: FoundRun
    match: MatchRow
    provider_id: OrganisationId

    @property
    def impression(self) -> schemas.Impression:
        """How the run showed it."""
        match, body = self.match, self.found.run.body
        of_item = next(each for each in body["items"] if each["rank"] == match.rank)
        return schemas.Impression(
            rank=match.rank,
            version=of_item["version"],
            package=match.package,
            model=body["versions"]["model"],
            propensity=match.propensity,
        )


async def say(
    session: Session, draft: schemas.FeedbackDraft, principal: Principal
) -> schemas.Feedback:
    """What the firm says of what it was shown; said again, what it said first.

    Raises:
        RunNotFound: there is no such run of theirs.
        ProfileErased: the profile it read was erased.
        NotInRun: the run did not show the offering.
        OwnOffering: the firm, or who acts for it, provides the offering.
        InvalidContent: a reason without a dismissal, or a dismissal without one.
    """
    if (draft.action is Action.DISMISSED) != (draft.reason is not None):
        said = Bilingual(zh="仅在放弃时说明原因", en="goes with a dismissal, and with nothing else")
        raise InvalidContent(errors=[FieldFault("#/reason", "reason_of_a_dismissal", said)])
    shown = await _shown(session, draft, principal)
    run = shown.found.run
    if run.organisation_id != principal.organisation_id:
        raise RunNotFound
    row = Feedback(
        organisation_id=run.organisation_id,
        said_by=principal.acting_id,
        run_id=run.id,
        offering_id=shown.match.offering_id,
        provider_id=shown.provider_id,
        action=draft.action,
        reason=draft.reason,
    )
    if await queries.insert_feedback(session, row):
        told = {"action": row.action.value, "reason": row.reason and row.reason.value}
        await events.append(session, _event("feedback.given", shown, principal, told))
    kept = await queries.find_feedback(session, run.id, row.offering_id, row.action)
    assert kept is not None  # noqa: S101  (it was added, or was there)
    return schemas.Feedback(
        id=kept.id,
        organisation_id=kept.organisation_id,
        run_id=kept.run_id,
        offering_id=kept.offering_id,
        action=kept.action,
        reason=kept.reason,
        impression=shown.impression,
        created_at=kept.created_at,
    )


async def judge(
    session: Session, draft: schemas.JudgementDraft, principal: Principal
) -> schemas.Judgement:
    """The expert's judgement of what a run showed.

    Raises:
        RunNotFound: there is no such run, or it is not for them.
        ProfileErased: the profile it read was erased.
        NotInRun: the run did not show the offering.
        OwnOffering: the judge, or who acts for it, provides the offering.
    """
    shown = await _shown(session, draft, principal)
    judgement = Judgement(
        organisation_id=principal.organisation_id,
        said_by=principal.acting_id,
        run_id=shown.found.run.id,
        offering_id=shown.match.offering_id,
        provider_id=shown.provider_id,
        grade=draft.grade,
    )
    await queries.insert_judgement(session, judgement)
    told = {"grade": draft.grade}
    await events.append(session, _event("judgement.given", shown, principal, told))
    return schemas.Judgement(
        id=judgement.id,
        organisation_id=judgement.organisation_id,
        run_id=judgement.run_id,
        offering_id=judgement.offering_id,
        grade=judgement.grade,
        impression=shown.impression,
        created_at=judgement.created_at,
    )


async def _shown(
    session: ReadSession,
    draft: schemas.FeedbackDraft | schemas.JudgementDraft,
    principal: Principal,
) -> Shown:
    """The impression that ``draft`` is about, which is not of the caller's own offering.

    Raises:
        RunNotFound, ProfileErased, NotInRun, OwnOffering: as `say` and `judge`.
    """
    found = await runs.find(session, draft.run_id, principal)
    match = await find_match(session, draft.run_id, OfferingId(draft.offering_id))
    if match is None:
        said = Bilingual(zh="该匹配没有展示这个产品", en="the run did not show it")
        raise NotInRun(errors=[FieldFault("#/offering_id", "not_shown", said)])
    provider = _provider(found, draft.offering_id)
    if provider in {principal.organisation_id, principal.acting_id}:
        raise OwnOffering
    return Shown(found, match, provider)


def _provider(found: FoundRun, offering_id: UUID) -> OrganisationId:
    """Who provided the offering when the run showed it."""
    items = runs.answer_of(found, "en").items
    item = next(each for each in items if each.offering_id == str(offering_id))
    return OrganisationId(UUID(item.provider.id))


def _event(
    kind: str, shown: Shown, principal: Principal, told: Mapping[str, object]
) -> events.Event:
    run, match = shown.found.run, shown.match
    return events.Event(
        kind=kind,
        subject_type="match_run",
        subject_id=run.id,
        organisation_id=run.organisation_id,
        actor=event_actor(principal),
        data={"offering_id": str(match.offering_id), "rank": match.rank, **told},
    )
