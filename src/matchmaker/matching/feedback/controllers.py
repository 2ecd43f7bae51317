"""Feedback and judgements over HTTP."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from matchmaker.core.db import Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent
from matchmaker.enterprise.errors import ProfileErased
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.errors import NotInRun, RunNotFound
from matchmaker.matching.feedback import schemas, service
from matchmaker.matching.feedback.errors import OwnOffering

_SAID = (RunNotFound, ProfileErased, NotInRun, OwnOffering)


class FeedbackController(Controller):
    """What firms did with what stored matches showed."""

    path = "/feedback"
    tags = ("Match",)
    opt = access.needs(Scope.MATCH_RUN)

    @post(
        operation_id="giveFeedback",
        opt=creates(),
        status_code=201,
        responses=problems(*_SAID, InvalidContent),
    )
    async def say(
        self,
        *,
        data: JSONBody[schemas.FeedbackDraft],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
    ) -> schemas.Feedback:
        """Say what became of an offering that a stored match showed.

        Opened, shortlisted, contacted, quoted, contracted, or dismissed with a reason. Only whose
        match it is says it, and never of its own offering. Where and how the offering was shown is
        read from the match. What was said before is answered again.
        """
        return await service.say(session, data, principal)


class JudgementController(Controller):
    """How experts judge what stored matches showed."""

    path = "/judgements"
    tags = ("Match",)
    opt = access.needs(Scope.MATCH_RUN, roles=(OrganisationRole.AGENCY, OrganisationRole.OPERATOR))

    @post(
        operation_id="giveJudgement",
        opt=creates(),
        status_code=201,
        responses=problems(*_SAID),
    )
    async def judge(
        self,
        *,
        data: JSONBody[schemas.JudgementDraft],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
    ) -> schemas.Judgement:
        """Judge from 0 to 4 how well an offering that a stored match showed fits what was asked.

        For agencies, of their own matches, and operators, of all; never of an own offering. Of one
        judge the latest judgement of an offering counts.
        """
        return await service.judge(session, data, principal)
