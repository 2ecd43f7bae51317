"""The match from the other side over HTTP."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from matchmaker.core import limits
from matchmaker.core.db import ReadSession
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.identity.access import Principal, Scope, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching import schemas, wording
from matchmaker.matching.errors import OfferingNotConsidered
from matchmaker.matching.index import IndexNotReady
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.phrases import Speaker
from matchmaker.matching.reversing import service
from matchmaker.matching.reversing.schemas import FittingNeed, ReverseAnswer, ReverseRequest
from matchmaker.matching.run import instant


class ReverseController(Controller):
    """Needs that fit an offering."""

    path = "/match/reverse"
    tags = ("Match",)
    opt = {
        **needs(Scope.NEEDS_READ, roles=(OrganisationRole.PROVIDER, OrganisationRole.OPERATOR)),
        **limits.under("match"),
    }

    @post(
        operation_id="matchReverse",
        status_code=200,
        responses=problems(OfferingNotConsidered, IndexNotReady),
    )
    async def match(
        self,
        *,
        data: JSONBody[ReverseRequest],
        matcher: NamedDependency[SkipValidation[Matcher]],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[SkipValidation[Principal]],
        language: NamedDependency[Language],
    ) -> ReverseAnswer:
        """Find the open needs that your published offering fits best.

        Each is told as everyone may read it, without whose it is, and fit is worked out from that
        alone: the profile of its firm plays no part. A match of the firm itself knows more, and may
        rank the offering otherwise.
        """
        found = await service.find(read_session, matcher, data.offering_id, principal)
        shown = found.met[: data.limit]
        items = [_told(each, found, matcher, language) for each in shown]
        return ReverseAnswer(
            offering_id=data.offering_id,
            items=items,
            funnel=schemas.MatchFunnel(
                considered=found.considered,
                excluded=dict(found.excluded),
                scored=len(found.met),
                shown=len(items),
            ),
            has_more=found.has_more,
            as_of=instant(found.as_of),
            versions=wording.used_versions(matcher.versions(found.published.versions)),
        )


def _told(
    met: service.Met, found: service.Found, matcher: Matcher, language: Language
) -> FittingNeed:
    item, scoring = met.fitted.item, met.fitted.scoring
    assert item is not None  # noqa: S101  (only what fits is told)
    assert scoring is not None  # noqa: S101
    speaker = Speaker(scoring, matcher.book, matcher.reader.fields, language)
    told = wording.item_of(item, found.published, speaker)
    return FittingNeed(
        need=met.need,
        fit=told.fit,
        package=told.package,
        contributions=told.contributions,
        unconfirmed={name: speaker.rule(name, item.offering) for name in told.unconfirmed},
        cautions=told.cautions,
    )
