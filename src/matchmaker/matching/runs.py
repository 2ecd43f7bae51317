"""Stored match runs: who may store and read them, and what they keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.catalog.pools import service as pools
from matchmaker.core import events
from matchmaker.core.access import ScopeMissing
from matchmaker.demand import service as demand
from matchmaker.demand.machine import NeedState
from matchmaker.enterprise import service as enterprise
from matchmaker.enterprise.errors import ProfileErased, ProfileNotFound
from matchmaker.identity.access import Scope, event_actor, note
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching import queries, schemas
from matchmaker.matching.errors import (
    NeedClosed,
    RunNotFound,
    StoringNeedsAccount,
)
from matchmaker.matching.experiments import parts
from matchmaker.matching.models import MatchRunRow, new_run_id
from matchmaker.matching.query import Caller
from matchmaker.ranking import exploring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.language import Language
    from matchmaker.demand.models import NeedId
    from matchmaker.demand.service import StoredNeed
    from matchmaker.enterprise.service import StoredProfile
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.answer import Item
    from matchmaker.matching.library import Library
    from matchmaker.matching.matcher import Part, Shadow
    from matchmaker.matching.models import RunId
    from matchmaker.matching.queries import FoundRun
    from matchmaker.matching.run import MatchRun
    from matchmaker.taxonomy.registry import Taxonomy

STORED: Final = "match_run.stored"
_ENDED: Final = frozenset({NeedState.FULFILLED, NeedState.WITHDRAWN, NeedState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a match is asked, with the stored versions it comes from."""

    input: schemas.MatchInput
    owner: OrganisationId | None = None
    """Whose match it is; None: nobody's, and it is not stored."""
    need: StoredNeed | None = None
    profile: StoredProfile | None = None


async def caller_of(session: ReadSession, visitor: Principal | None) -> Caller:
    """Who asks, with the pools they hold."""
    if visitor is None:
        return Caller()
    return Caller(str(visitor.organisation_id), await pools.held_by(session, visitor))


async def resolve(
    session: ReadSession,
    request: schemas.MatchRequest,
    visitor: Principal | None,
    taxonomy: Taxonomy,
) -> Asked:
    """What ``request`` asks; nothing is read where everything is given inline.

    Raises:
        StoringNeedsAccount: it names something stored, or wants to be, and nobody is known to ask.
        ScopeMissing: the caller's key may not run stored matches.
        NeedNotFound, ProfileNotFound: there is none, or they may not see all of it.
        NeedClosed: the need has ended.
    """
    need = profile = owner = None
    if request.persist or request.need_id is not None or request.profile_id is not None:
        principal = _account(visitor)
        owner = principal.organisation_id
        if request.need_id is not None:
            need = await _need(session, request.need_id, principal, taxonomy)
            owner = _firm(need, principal)
        if request.profile_id is not None:
            profile = await _profile(session, request.profile_id, principal)
    facts = request.need if need is None else need.facts
    assert facts is not None  # noqa: S101  (one of the two is there: MatchRequest)
    asked = schemas.MatchInput(
        profile=request.profile if profile is None else profile.facts,
        need=facts,
        pools=request.pools,
        limit=request.limit,
    )
    return Asked(asked, owner, need, profile)


async def resolve_need(
    session: ReadSession,
    need_id: NeedId,
    request: schemas.NeedMatchRequest,
    *,
    principal: Principal,
    taxonomy: Taxonomy,
) -> Asked:
    """The need as it stands, with the profile of the firm it is matched for, if it stated one.

    A firm that shares somebody's need matches it for itself: with its own profile, not the other's.

    Raises:
        NeedNotFound: there is none, or they may not see all of it.
        NeedClosed: it has ended.
    """
    need = await _need(session, need_id, principal, taxonomy)
    owner = _firm(need, principal)
    try:
        profile = await enterprise.get_facts(session, owner)
    except ProfileNotFound:
        profile = None
    asked = schemas.MatchInput(
        profile=None if profile is None else profile.facts,
        need=need.facts,
        pools=request.pools,
        limit=request.limit,
    )
    return Asked(asked, owner, need, profile)


async def store(
    session: Session,
    asked: Asked,
    run: MatchRun,
    *,
    answers: Mapping[Language, schemas.MatchAnswer],
    principal: Principal,
    shadow: Shadow | None = None,
    exploration: float = 0.0,
    part: Part | None = None,
) -> RunId:
    """The id of the run, stored with its answer in every language; the transaction ends here.

    And with what a model in the ``shadow`` would have shown, and how likely each offering was to
    stand where it stood, where ``exploration`` is the share of lists that are explored. ``part`` is
    that of the run in an experiment.

    Raises:
        ProfileErased: the profile was erased meanwhile.
    """
    if asked.profile is not None:
        await enterprise.keep_version(session, asked.profile.version_id)
    row = _row(asked, run, answers, principal)
    row.shadow = None if shadow is None else dict(shadow)
    run_id, owner = row.id, row.organisation_id
    await queries.insert_run(session, row, _matches(run, row, exploration))
    if part is not None:
        await parts.note(session, part, run, row)
    await events.append(
        session,
        events.Event(
            kind=STORED,
            subject_type="match_run",
            subject_id=run_id,
            organisation_id=owner,
            actor=event_actor(principal),
            data={
                "digest": run.digest,
                "need_id": None if row.need_id is None else str(row.need_id),
                "shown": run.answer.funnel.shown,
            },
        ),
    )
    return run_id


async def find(session: ReadSession, run_id: RunId, reader: Principal) -> FoundRun:
    """The run, if it is the reader's or they run the marketplace.

    Only an operator asks for a run of somebody else's, and reads it for as long as it is one.

    Raises:
        RunNotFound: there is none, or it is not for them.
        ProfileErased: the profile it read was erased, and the run with it.
    """
    found = await queries.find_run(session, run_id)
    if found is None:
        raise RunNotFound
    is_own = found.run.organisation_id == reader.organisation_id
    if not is_own and OrganisationRole.OPERATOR not in reader.roles:
        raise RunNotFound
    if found.run.erased_at is not None:
        raise ProfileErased
    note(reader, found.run.organisation_id, "match_run", run_id)
    return found


async def explain(
    found: FoundRun, offering_id: str, library: Library, language: Language
) -> schemas.Explanation | None:
    """Where the offering stands in the run: from what is stored, if it was shown.

    None while the index of the run is being rebuilt.

    Raises:
        OfferingNotConsidered: the run did not consider it.
        CannotReplay: it was not shown, and the run cannot be replayed.
    """
    run = found.run
    answer = answer_of(found, language)
    item = next((item for item in answer.items if item.offering_id == offering_id), None)
    if item is not None:
        return schemas.Explanation(
            standing="shown",
            offering_id=offering_id,
            title=item.title,
            provider=item.provider,
            item=item,
            excluded_by=None,
            funnel=answer.funnel,
            as_of=answer.as_of,
            versions=answer.versions,
            receipt=answer.receipt,
        )
    place = await library.find(answer.versions)
    if place is None:
        return None
    asked = msgspec.convert(run.input, schemas.MatchInput)
    caller = Caller.of(run.body["caller"])
    again, scoring = place.matcher.run(
        asked, caller, as_of=run.as_of, published=place.published, seed=run.body["seed"]
    )
    return place.matcher.standing(
        again, scoring, offering_id, asked=asked, caller=caller, language=language
    )


def answer_of(found: FoundRun, language: Language) -> schemas.MatchAnswer:
    """The answer as it was given."""
    return msgspec.convert(found.run.answers[language], schemas.MatchAnswer)


def _account(visitor: Principal | None) -> Principal:
    """The caller, who may run matches on what is stored.

    Raises:
        StoringNeedsAccount, ScopeMissing: they may not.
    """
    if visitor is None:
        raise StoringNeedsAccount
    if Scope.MATCH_RUN not in visitor.scopes:
        raise ScopeMissing(extra={"scope": Scope.MATCH_RUN.value})
    return visitor


async def _need(
    session: ReadSession, need_id: NeedId, principal: Principal, taxonomy: Taxonomy
) -> StoredNeed:
    """The need, which may still be matched.

    Raises:
        NeedNotFound: there is none, or they may not match it.
        NeedClosed: it has ended.
    """
    found = await demand.get_need(session, need_id, principal, taxonomy)
    if found.state in _ENDED:
        raise NeedClosed(extra={"state": found.state.value})
    return found


def _firm(need: StoredNeed, principal: Principal) -> OrganisationId:
    """For whom ``principal`` matches the need: a firm for itself, an operator for whose it is."""
    if OrganisationRole.OPERATOR in principal.roles:
        return need.organisation_id
    return principal.organisation_id


async def _profile(
    session: ReadSession, organisation_id: OrganisationId, reader: Principal
) -> StoredProfile:
    is_own = reader.organisation_id == organisation_id
    if not is_own and OrganisationRole.OPERATOR not in reader.roles:
        raise ProfileNotFound
    note(reader, organisation_id, "profile", organisation_id)
    return await enterprise.get_facts(session, organisation_id)


def _row(
    asked: Asked,
    run: MatchRun,
    answers: Mapping[Language, schemas.MatchAnswer],
    principal: Principal,
) -> MatchRunRow:
    run_id = new_run_id()
    need, profile = asked.need, asked.profile
    return MatchRunRow(
        id=run_id,
        organisation_id=asked.owner or principal.organisation_id,
        asked_by=principal.organisation_id,
        need_id=None if need is None else need.id,
        need_version_id=None if need is None else need.version_id,
        profile_version_id=None if profile is None else profile.version_id,
        caller_pools=sorted(run.query.caller_pools),
        as_of=run.query.as_of,
        input=msgspec.to_builtins(asked.input),
        digest=run.digest,
        body=dict(run.body),
        answers={
            language: msgspec.to_builtins(msgspec.structs.replace(answer, run_id=str(run_id)))
            for language, answer in answers.items()
        },
    )


def _propensity(item: Item, rank: int, shown: int, exploration: float) -> float:
    """How likely the item was to stand where it does."""
    if item.drafted is not None:
        return item.drafted.likelihood
    return exploring.propensity(rank, item.slate, shown, exploration)


def _matches(run: MatchRun, row: MatchRunRow, exploration: float) -> list[dict[str, object]]:
    """The row of each item that was shown."""
    index = run.published.index
    rows: list[dict[str, object]] = []
    shown = len(run.answer.items)
    for rank, item in enumerate(run.answer.items, 1):
        card = run.published.card(item.offering)
        rows.append(
            {
                "run_id": row.id,
                "rank": item.rank,
                "organisation_id": row.organisation_id,
                "offering_id": card.offering_id,
                "version_id": card.version_id,
                "package": index.package_codes[item.row],
                "score": item.score,
                "fit": item.fit,
                "propensity": _propensity(item, rank, shown, exploration),
            }
        )
    return rows
