"""The match over HTTP: asked, stored, explained."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import (
    FromPath,
    FromQuery,
    JSONBody,
    PathParameter,
    QueryParameter,
    SkipValidation,
)

from matchmaker.core import limits
from matchmaker.core.access import ScopeMissing
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.signing import Signer, SigningKeys
from matchmaker.core.wire import Page
from matchmaker.demand.errors import NeedNotFound
from matchmaker.demand.models import NeedId
from matchmaker.enterprise.errors import ProfileErased, ProfileNotFound
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching import queries, replays, runs, schemas
from matchmaker.matching.errors import (
    CannotReplay,
    NeedClosed,
    NotYourReceipt,
    OfferingNotConsidered,
    RunNotFound,
    StoringNeedsAccount,
)
from matchmaker.matching.index import IndexNotReady
from matchmaker.matching.library import Library
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.models import RunId
from matchmaker.matching.run import instant
from matchmaker.taxonomy.errors import UnusableInput
from matchmaker.taxonomy.registry import Taxonomy

Installed = NamedDependency[SkipValidation[Matcher]]
Replaying = NamedDependency[SkipValidation[Library]]
Released = NamedDependency[SkipValidation[Taxonomy]]
Signing = NamedDependency[SkipValidation[Signer]]
Sign = Annotated[
    bool, QueryParameter(description="Whether to sign the receipt, if it is reproduced")
]
OfferingName = Annotated[str, PathParameter(min_length=1, max_length=64)]

_ASKING = (
    UnusableInput,
    IndexNotReady,
    StoringNeedsAccount,
    ScopeMissing,
    NeedNotFound,
    NeedClosed,
    ProfileNotFound,
)


_REBUILDING: Final = {
    202: ResponseSpec(
        None,
        description="The index of that time is being rebuilt; `Retry-After` says when to ask again",
    )
}
_LATER: Final = 2
"""Seconds after which to ask again."""
T = TypeVar("T")


class MatchController(Controller):
    """Match a need to the published offerings."""

    path = "/match"
    tags = ("Match",)
    opt = {**access.public(), **limits.under("match")}

    @post(
        operation_id="match",
        status_code=200,
        opt=creates(only_if="persist"),
        responses=problems(*_ASKING, ProfileErased),
    )
    async def match(
        self,
        *,
        data: JSONBody[schemas.MatchRequest],
        matcher: Installed,
        taxonomy: Released,
        visitor: NamedDependency[Principal | None],
        session: NamedDependency[Session],
        language: NamedDependency[Language],
    ) -> schemas.MatchAnswer:
        """Rank the published offerings for a profile and a need.

        Either is given inline or by id; nothing is stored unless `persist` asks for it, which takes
        an account, as do ids. Everything but the kind of the need may be missing: what is missing
        is unknown, stays out of the score and comes back as a question. Each item's score is
        exactly its base plus its contributions plus what curations add; the funnel accounts for
        every offering that was considered.
        """
        asked = await runs.resolve(session, data, visitor, taxonomy)
        caller = await runs.caller_of(session, visitor)
        if visitor is None or not data.persist:
            return matcher.match(asked.input, caller, language)
        return await _stored(session, matcher, asked, principal=visitor, language=language)

    @post(
        "/explain",
        operation_id="explainMatch",
        status_code=200,
        responses=problems(*_ASKING, OfferingNotConsidered),
    )
    async def explain(
        self,
        *,
        data: JSONBody[schemas.ExplainRequest],
        matcher: Installed,
        taxonomy: Released,
        visitor: NamedDependency[Principal | None],
        read_session: NamedDependency[ReadSession],
        language: NamedDependency[Language],
    ) -> schemas.Explanation:
        """Say where one considered offering stands.

        Shown, below the cut with its score, or excluded by which rule.

        The body is that of the match with `offering_id` beside it. What the match does not consider
        (another kind, not published, not visible, outside the pools asked for) answers 404.
        """
        asked = await runs.resolve(read_session, data, visitor, taxonomy)
        caller = await runs.caller_of(read_session, visitor)
        return matcher.explain(asked.input, data.offering_id, caller, language)

    @post(
        "/replay",
        operation_id="replayMatch",
        status_code=200,
        responses={
            **problems(UnusableInput, IndexNotReady, CannotReplay, NotYourReceipt),
            **_REBUILDING,
        },
    )
    async def replay(
        self,
        *,
        data: JSONBody[schemas.ReplayRequest],
        library: Replaying,
        signer: Signing,
        visitor: NamedDependency[Principal | None],
        read_session: NamedDependency[ReadSession],
        sign: Sign = False,
    ) -> Response[schemas.Replay]:
        """Ask a match again as its receipt says, and compare the digests.

        The body is that of the match, everything inline, with the `receipt` of its answer. Whatever
        has been changed since, the answer is worked out on the index of that time; while that is
        being rebuilt from the database the answer is 202. The receipt of a caller with an account
        is for that caller. What is reproduced can be signed, for whoever was not there.
        """
        await replays.require_own(read_session, data.receipt, visitor)
        found = await replays.replay(library, data, data.receipt)
        return _or_later(replays.signed(found, signer) if sign else found)


class NeedMatchController(Controller):
    """Matches of a stored need."""

    path = "/needs/{need_id:uuid}/matches"
    tags = ("Match",)
    opt = access.needs(Scope.MATCH_RUN)

    @post(
        operation_id="matchNeed",
        opt={**creates(), **limits.under("match")},
        status_code=201,
        responses=problems(UnusableInput, IndexNotReady, NeedNotFound, NeedClosed, ProfileErased),
    )
    async def match(
        self,
        *,
        need_id: FromPath[NeedId],
        data: JSONBody[schemas.NeedMatchRequest],
        matcher: Installed,
        taxonomy: Released,
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
        language: NamedDependency[Language],
    ) -> schemas.MatchAnswer:
        """Match the need as it stands with the profile of its firm, and store the run.

        The run names the versions of both and of everything else that shaped it, so that it can be
        explained later and stays what it was.
        """
        asked = await runs.resolve_need(
            session, need_id, data, principal=principal, taxonomy=taxonomy
        )
        return await _stored(session, matcher, asked, principal=principal, language=language)


class MatchRunController(Controller):
    """Stored matches."""

    path = "/match-runs"
    tags = ("Match",)
    opt = access.needs(Scope.MATCH_READ)

    @get(operation_id="listMatchRuns", responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        need_id: FromQuery[NeedId | None] = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.MatchRunSummary]:
        """List the stored matches of the organisation, and those it asked for as an operator."""
        is_operator = OrganisationRole.OPERATOR in principal.roles
        listing = Listing("match_runs", (need_id, is_operator), principal.organisation_id)
        found = await queries.list_runs(
            read_session,
            principal.organisation_id,
            asked_by=principal.organisation_id if is_operator else None,
            need_id=need_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda run: run.id)
        return Page(items=[summary_to_wire(run) for run in shown], page=page)

    @get(
        "/{run_id:uuid}", operation_id="getMatchRun", responses=problems(RunNotFound, ProfileErased)
    )
    async def read(
        self,
        *,
        run_id: FromPath[RunId],
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        language: NamedDependency[Language],
    ) -> schemas.MatchRun:
        """Read a stored match as it was answered, in either language, whatever changed since."""
        return run_to_wire(await runs.find(read_session, run_id, principal), language)

    @get(
        "/{run_id:uuid}/explain/{offering_id:str}",
        operation_id="explainMatchRun",
        responses={
            **problems(
                RunNotFound, ProfileErased, OfferingNotConsidered, CannotReplay, IndexNotReady
            ),
            **_REBUILDING,
        },
    )
    async def explain(
        self,
        *,
        run_id: FromPath[RunId],
        offering_id: OfferingName,
        library: Replaying,
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        language: NamedDependency[Language],
    ) -> Response[schemas.Explanation]:
        """Say where one considered offering stood in a stored match.

        What was shown is told as it was stored. The rest is worked out anew on the index of that
        time; while that is being rebuilt the answer is 202.
        """
        found = await runs.find(read_session, run_id, principal)
        return _or_later(await runs.explain(found, offering_id, library, language))

    @get(
        "/{run_id:uuid}/replay",
        operation_id="replayMatchRun",
        responses={
            **problems(RunNotFound, ProfileErased, CannotReplay, IndexNotReady),
            **_REBUILDING,
        },
    )
    async def replay(
        self,
        *,
        run_id: FromPath[RunId],
        library: Replaying,
        signer: Signing,
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        sign: Sign = False,
    ) -> Response[schemas.Replay]:
        """Ask a stored match again on the index of its time, and compare the digests.

        While that index is being rebuilt from the database the answer is 202.
        """
        run = await runs.find(read_session, run_id, principal)
        found = await replays.replay_stored(library, run)
        return _or_later(replays.signed(found, signer) if sign else found)


class ReceiptKeyController(Controller):
    """What receipts are signed with."""

    path = "/receipt-keys"
    tags = ("Match",)
    opt = access.public()

    @get(operation_id="listReceiptKeys", responses=problems())
    async def list(self, *, signer: Signing) -> SigningKeys:
        """Read the public keys that verify signed receipts, as a JWK set (RFC 7517)."""
        return signer.keys()


def _or_later(found: T | None) -> Response[T]:
    """``found``, or that it is being rebuilt."""
    if found is not None:
        return Response(found)
    later: Any = b""
    return Response(later, status_code=202, headers={"Retry-After": str(_LATER)})


async def _stored(
    session: Session,
    matcher: Matcher,
    asked: runs.Asked,
    *,
    principal: Principal,
    language: Language,
) -> schemas.MatchAnswer:
    """The answer, now stored in every language."""
    caller = await runs.caller_of(session, principal)
    firm = asked.owner or principal.organisation_id
    trying, part = matcher.on_trial(str(firm))
    run, found = trying.run(asked.input, caller, seed=trying.draw())
    answers = trying.told(run, found)
    shadow = matcher.in_shadow(run, found, asked.input.limit)
    run_id = await runs.store(
        session,
        asked,
        run,
        answers=answers,
        principal=principal,
        shadow=shadow,
        exploration=trying.exploration,
        part=part,
    )
    return msgspec.structs.replace(answers[language], run_id=str(run_id))


def summary_to_wire(run: queries.ListedRun) -> schemas.MatchRunSummary:
    """A stored match in a list."""
    return schemas.MatchRunSummary(
        id=run.id,
        organisation_id=run.organisation_id,
        need_id=run.need_id,
        as_of=instant(run.as_of),
        digest=run.digest,
        shown=run.shown,
        created_at=run.created_at,
    )


def run_to_wire(found: queries.FoundRun, language: Language) -> schemas.MatchRun:
    """A stored match, its answer in ``language``."""
    run = found.run
    return schemas.MatchRun(
        id=run.id,
        organisation_id=run.organisation_id,
        need_id=run.need_id,
        need_version=found.need_version,
        profile_version=found.profile_version,
        created_at=run.created_at,
        answer=runs.answer_of(found, language),
    )
