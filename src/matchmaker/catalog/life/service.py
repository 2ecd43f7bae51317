"""Use-cases of those who own and review offerings.

Every change is compared with the revision it was decided on and counts it up, so of several callers
one wins; what is live and the event that says so are in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from matchmaker.catalog.errors import (
    ChangeNotFound,
    OfferingNotEditable,
    OfferingNotFound,
    OfferingVersionNotFound,
    ProviderNotFound,
)
from matchmaker.catalog.life import queries, steps, writing
from matchmaker.catalog.life.applying import CLOCK, Done, moved, record, replaced, told
from matchmaker.catalog.life.facts import Vouched, facts_of, vouched_of
from matchmaker.catalog.machine import CHANGE, HAPPENED, OFFERING
from matchmaker.catalog.models import new_offering_id
from matchmaker.core import etags, patching, transitions
from matchmaker.core.errors import Forbidden, StaleVersion
from matchmaker.core.machine import Actor
from matchmaker.core.transitions import IllegalTransition

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from matchmaker.catalog.life.applying import By
    from matchmaker.catalog.life.facts import Declarations
    from matchmaker.catalog.life.queries import Stored, Version
    from matchmaker.catalog.life.schemas import NewOffering, OfferingPatch
    from matchmaker.catalog.machine import ChangeState, OfferingState
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.transitions import Hindrances
    from matchmaker.identity.models import OrganisationId

EXPIRED_AT_ONCE: Final = 500
_SEEING: Final = frozenset({Actor.OWNER, Actor.OPERATOR, Actor.CLOCK})


class Draft(NamedTuple):
    """An offering with its latest version."""

    stored: Stored
    version: Version
    published_number: int | None


async def visible(session: ReadSession, offering_id: OfferingId, by: By) -> Stored:
    """The offering as it stands.

    Raises:
        OfferingNotFound: there is none, or it is not for ``by`` to see more than what is published.
    """
    found = await queries.find(session, offering_id)
    if found is None or not by.on(found.organisation_id) & _SEEING:
        raise OfferingNotFound
    return found


async def read_draft(session: ReadSession, offering_id: OfferingId, by: By) -> Draft:
    """The offering with its latest version.

    Raises:
        OfferingNotFound: as `visible`.
    """
    return await _draft(session, await visible(session, offering_id, by))


async def read_version(
    session: ReadSession, offering_id: OfferingId, number: int, by: By
) -> Version:
    """One version of the offering.

    Raises:
        OfferingNotFound: as `visible`.
        OfferingVersionNotFound: the offering has none of this number.
    """
    found = await visible(session, offering_id, by)
    version = await queries.numbered(session, found.offering_id, number)
    if version is None:
        raise OfferingVersionNotFound
    return version


async def list_versions(
    session: ReadSession, offering_id: OfferingId, by: By, *, after: UUID | None, limit: int
) -> tuple[Stored, list[queries.ListedVersion]]:
    """The offering, and up to ``limit`` of its versions, the oldest first, after ``after``.

    Raises:
        OfferingNotFound: as `visible`.
    """
    found = await visible(session, offering_id, by)
    return found, await queries.versions(session, offering_id, after=after, limit=limit)


async def of_provider(
    session: ReadSession,
    organisation_id: OrganisationId,
    by: By,
    *,
    state: OfferingState | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[queries.OwnOffering]:
    """Up to ``limit`` offerings of a provider by id after ``after``, drafts among them.

    Raises:
        ProviderNotFound: there is no such provider, or its drafts are not for ``by`` to see.
    """
    if not by.on(organisation_id) & _SEEING or not await queries.is_provider(
        session, organisation_id
    ):
        raise ProviderNotFound
    return await queries.of_provider(
        session, organisation_id, state=state, after=after, limit=limit
    )


async def create(
    session: Session,
    stated: NewOffering,
    organisation_id: OrganisationId,
    *,
    by: By,
    declarations: Declarations,
    today: dt.date,
) -> Draft:
    """A new offering of the organisation as a draft.

    Raises:
        UnusableDeclaration: what is stated cannot be.
        IntegrityError: the organisation has an offering of this external id.
    """
    offering_id = new_offering_id()
    external_id = stated.external_id or str(offering_id)
    prepared = declarations.prepared(
        stated, kind=stated.kind, external_id=external_id, vouched=Vouched(), today=today
    )
    new = [(offering_id, prepared)]
    await writing.add(session, new, organisation_id, text_version=declarations.text_version)
    found = await visible(session, offering_id, by)
    event = told(found, "offering.created", by, version=1)
    await record(session, [Done(None, found, event)])
    return await _draft(session, found)


async def edit(
    session: Session,
    offering_id: OfferingId,
    patch: OfferingPatch,
    *,
    revision: int,
    by: By,
    declarations: Declarations,
    today: dt.date,
) -> Draft:
    """The offering with ``patch`` merged into its latest version as a new one, if that differs.

    Raises:
        OfferingNotFound: as `visible`.
        Forbidden: it is for its owner to edit.
        StaleVersion: it is no longer at ``revision``.
        OfferingNotEditable: it is under review, suspended or retired.
        UnusableDeclaration: what is stated cannot be.
    """
    found = await visible(session, offering_id, by)
    if Actor.OWNER not in by.on(found.organisation_id):
        raise Forbidden
    if found.revision != revision:
        raise StaleVersion
    if not steps.is_editable(found):
        raise OfferingNotEditable(extra={"state": found.state, "change": found.change_state})
    current = await queries.version(session, found.latest)
    if isinstance(patch.attributes, dict):
        patch = _with_kind(patch, found)
    prepared = declarations.prepared(
        patching.merged(facts_of(current), patch),
        kind=current.kind,
        external_id=found.external_id,
        vouched=vouched_of(current),
        today=today,
    )
    if prepared.content_hash == current.content_hash:
        return await _draft(session, found)
    after, number = await writing.revise(
        session, found, prepared, text_version=declarations.text_version
    )
    await record(session, [Done(found, after, told(after, "offering.edited", by, version=number))])
    return await _draft(session, after)


async def offering_options(
    session: ReadSession, offering_id: OfferingId, by: By, today: dt.date
) -> tuple[Stored, Hindrances]:
    """The offering, and by step of its life what is missing for it.

    Raises:
        OfferingNotFound: as `visible`.
    """
    found = await visible(session, offering_id, by)
    return found, await _hindrances(session, found, today)


async def change_options(
    session: ReadSession, offering_id: OfferingId, by: By, today: dt.date
) -> tuple[Stored, ChangeState, Hindrances]:
    """The offering, where its change stands, and by step of the change what is missing for it.

    Raises:
        OfferingNotFound: as `visible`.
        ChangeNotFound: there was none yet.
    """
    found = await visible(session, offering_id, by)
    if found.change_state is None:
        raise ChangeNotFound
    latest = await queries.version(session, found.latest)
    return found, found.change_state, steps.change_hindrances(found, latest, today)


async def take_step(
    session: Session,
    offering_id: OfferingId,
    name: str,
    *,
    by: By,
    today: dt.date,
    note: str | None = None,
    revision: int | None = None,
) -> Stored:
    """The offering after the step ``name`` of its life; of several callers at once one wins.

    Raises:
        OfferingNotFound: as `visible`.
        StaleVersion: it is not at ``revision``.
        UnknownTransition, NotYourTransition: there is no such step, or not for ``by``.
        IllegalTransition: it does not start where the offering stands, or somebody came first.
        TransitionHindered: something is missing for it.
    """
    while True:
        found, missing = await offering_options(session, offering_id, by, today)
        etags.expect(found.revision, revision)
        actors = by.on(found.organisation_id)
        step = transitions.checked(OFFERING, found.state, name, actors=actors, hindrances=missing)
        after = await replaced(session, found, steps.stepped(found, step)._replace(note=note))
        if after is not None:
            break
        # Somebody came first: with a step, and this one was decided on what no longer holds; or
        # with an edit, and it is decided anew.
        now = await visible(session, offering_id, by)
        if now.state is not found.state:
            raise IllegalTransition(extra={"state": now.state})
    kind = f"offering.{HAPPENED[name]}"
    await record(session, [moved(kind, found, after, by)])
    return after


async def take_change_step(
    session: Session,
    offering_id: OfferingId,
    name: str,
    *,
    by: By,
    today: dt.date,
    note: str | None = None,
    revision: int | None = None,
) -> Stored:
    """The offering after the step ``name`` of its change; of several callers at once one wins.

    Raises:
        ChangeNotFound: it has no change.
        OfferingNotFound, StaleVersion, UnknownTransition, NotYourTransition, IllegalTransition,
        TransitionHindered: as `take_step`.
    """
    while True:
        found, state, missing = await change_options(session, offering_id, by, today)
        etags.expect(found.revision, revision)
        actors = by.on(found.organisation_id)
        step = transitions.checked(CHANGE, state, name, actors=actors, hindrances=missing)
        after = await replaced(
            session, found, steps.change_stepped(found, step)._replace(note=note)
        )
        if after is not None:
            break
        now = await visible(session, offering_id, by)
        if now.change_state is not state:
            raise IllegalTransition(extra={"state": now.change_state})
    kind = f"offering.change_{HAPPENED[name]}"
    await record(session, [moved(kind, found, after, by)])
    return after


async def expire_due(session: Session, today: dt.date, *, limit: int = EXPIRED_AT_ONCE) -> int:
    """How many offerings were past their last day and have expired now; at most ``limit``."""
    done: list[Done] = []
    step = OFFERING.step("expire")
    if step is None:
        raise ValueError("the life of an offering has no end by date")
    for offering_id in await queries.due(session, today, limit=limit):
        found = await visible(session, offering_id, CLOCK)
        if found.state not in step.sources:
            continue
        after = await replaced(session, found, steps.stepped(found, step))
        # One that was changed meanwhile is looked at again when this next runs.
        if after is not None:
            done.append(moved("offering.expired", found, after, CLOCK))
    await record(session, done)
    return len(done)


async def _hindrances(session: ReadSession, found: Stored, today: dt.date) -> Hindrances:
    latest = await queries.version(session, found.latest)
    published = None
    if found.published_version_id is not None:
        published = (
            latest
            if found.draft_version_id is None
            else await queries.version(session, found.published_version_id)
        )
    return steps.hindrances(found, latest, published, today)


async def _draft(session: ReadSession, found: Stored) -> Draft:
    latest = await queries.version(session, found.latest)
    if found.published_version_id is None:
        return Draft(found, latest, None)
    if found.draft_version_id is None:
        return Draft(found, latest, latest.number)
    published = await queries.version(session, found.published_version_id)
    return Draft(found, latest, published.number)


def _with_kind(patch: OfferingPatch, found: Stored) -> OfferingPatch:
    """``patch`` with the kind its attributes are of, where it leaves that out."""
    stated: dict[str, Any] = {"kind": found.kind.value, **(patch.attributes or {})}
    return msgspec.structs.replace(patch, attributes=stated)
