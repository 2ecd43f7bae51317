"""The match over HTTP."""

from __future__ import annotations

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.identity import access
from matchmaker.matching import schemas
from matchmaker.matching.index import IndexNotReady
from matchmaker.matching.matcher import Matcher, OfferingNotConsidered, StoringNeedsAccount
from matchmaker.matching.query import Caller
from matchmaker.taxonomy.errors import UnusableInput

Installed = NamedDependency[SkipValidation[Matcher]]


class MatchController(Controller):
    """Match a need to the published offerings."""

    path = "/match"
    tags = ("Match",)
    opt = access.public()

    @post(
        operation_id="match",
        status_code=200,
        responses=problems(UnusableInput, IndexNotReady, StoringNeedsAccount),
    )
    async def match(
        self,
        data: JSONBody[schemas.MatchRequest],
        matcher: Installed,
        language: NamedDependency[Language],
    ) -> schemas.MatchAnswer:
        """Rank the published offerings for a profile and a need.

        Nothing is stored. Everything but `need.kind` may be missing: what is missing is unknown,
        stays out of the score and comes back as a question. Each item's score is exactly its base
        plus its contributions plus what curations add; the funnel accounts for every offering that
        was considered.
        """
        return matcher.match(data, Caller(), language)

    @post(
        "/explain",
        operation_id="explainMatch",
        status_code=200,
        responses=problems(
            UnusableInput, IndexNotReady, OfferingNotConsidered, StoringNeedsAccount
        ),
    )
    async def explain(
        self,
        data: JSONBody[schemas.ExplainRequest],
        matcher: Installed,
        language: NamedDependency[Language],
    ) -> schemas.Explanation:
        """Say where one considered offering stands.

        Shown, below the cut with its score, or excluded by which rule.

        The body is that of the match with `offering_id` beside it. What the match does not consider
        (another kind, not published, not visible, outside the pools asked for) answers 404.
        """
        return matcher.explain(data, Caller(), language)
