"""Use-cases of pools: what they ask, and who keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.catalog.pools import queries
from matchmaker.catalog.pools.errors import (
    NotYourPool,
    PoolCodeTaken,
    PoolNotFound,
    PoolVersionNotFound,
    UnusableRule,
)
from matchmaker.catalog.pools.machine import HAPPENED, POOL
from matchmaker.catalog.pools.models import Pool, new_pool_id, new_pool_version_id
from matchmaker.catalog.pools.terms import Terms, terms_faults
from matchmaker.catalog.rights import happened, require_scope
from matchmaker.core import events, patching, rows, transitions
from matchmaker.core.errors import StaleVersion
from matchmaker.identity.access import Scope, actors_of, event_actor
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from typing import Any

    from matchmaker.catalog.pools.models import PoolId, PoolVersion
    from matchmaker.catalog.pools.queries import FoundPool
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.transitions import TransitionRequest
    from matchmaker.identity.access import Principal
    from matchmaker.taxonomy.checking import Checker

KEEPERS: Final = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})
"""Roles in force with which an organisation keeps pools and judges who is in them."""


async def find(session: ReadSession, pool_id: PoolId) -> FoundPool:
    """The pool as it stands; everyone may read it.

    Raises:
        PoolNotFound: there is none.
    """
    found = await queries.find_pool(session, pool_id)
    if found is None:
        raise PoolNotFound
    return found


async def held_by(session: ReadSession, visitor: Principal | None) -> frozenset[str]:
    """The codes of the pools ``visitor`` holds.

    Those of its organisation, as long as that may keep pools and the credential may read them.
    """
    if visitor is None or not KEEPERS & visitor.roles or Scope.POOLS_READ not in visitor.scopes:
        return frozenset()
    return await queries.codes_of(session, visitor.organisation_id)


async def find_version(session: ReadSession, pool_id: PoolId, number: int) -> PoolVersion:
    """One version of the pool.

    Raises:
        PoolNotFound: there is no such pool.
        PoolVersionNotFound: it has no such version.
    """
    await find(session, pool_id)
    found = await queries.find_version(session, pool_id, number)
    if found is None:
        raise PoolVersionNotFound
    return found


def terms_of(version: PoolVersion) -> Terms:
    """What a stored version says and asks."""
    names = Terms.__struct_fields__
    return msgspec.convert({name: getattr(version, name) for name in names}, Terms)


async def create(
    session: Session, principal: Principal, code: str, terms: Terms, *, checker: Checker
) -> FoundPool:
    """The new pool of the caller's organisation, open, with its version 1.

    Raises:
        UnusableRule: with every fault of every rule.
        PoolCodeTaken: another pool has the code.
    """
    _refuse_faults(checker, terms)
    pool_id, owner = new_pool_id(), principal.organisation_id
    values = {"id": pool_id, "organisation_id": owner, "code": code, "version": 1}
    if not await queries.insert_pool(session, {**values, "state": POOL.initial, "revision": 1}):
        taken = await queries.id_by_code(session, code)
        raise PoolCodeTaken(extra={"pool_id": str(taken)})
    await _add_version(session, values | {"id": pool_id}, terms)
    created = happened("pool.created", pool_id, owner, event_actor(principal), code=code, version=1)
    await events.append(session, created)
    return await find(session, pool_id)


async def revise(
    session: Session,
    principal: Principal,
    pool_id: PoolId,
    patch: msgspec.Struct,
    *,
    revision: int,
    checker: Checker,
) -> FoundPool:
    """The pool after ``patch``: what it says now is a new version, unless nothing has changed.

    Admissions stand as they were decided; the next decision is by the new version.

    Raises:
        PoolNotFound: there is none.
        NotYourPool: it is another organisation's.
        StaleVersion: it is no longer at ``revision``.
        UnusableRule: with every fault of every rule.
    """
    found = await find(session, pool_id)
    pool = found.pool
    if pool.organisation_id != principal.organisation_id:
        raise NotYourPool
    if pool.revision != revision:
        raise StaleVersion
    before = terms_of(found.version)
    terms = patching.merged(before, patch)
    if terms == before:
        return found
    _refuse_faults(checker, terms)
    number = pool.version + 1
    # The pool first: of two at once one waits here, and then finds another revision.
    if (
        await rows.revise(session, Pool, pool_id, revision=revision, values={"version": number})
        is None
    ):
        raise StaleVersion
    owner = pool.organisation_id
    await _add_version(session, {"id": pool_id, "organisation_id": owner, "version": number}, terms)
    revised = happened("pool.revised", pool_id, owner, event_actor(principal), version=number)
    await events.append(session, revised)
    return await find(session, pool_id)


async def take_step(
    session: Session, principal: Principal, pool_id: PoolId, asked: TransitionRequest
) -> FoundPool:
    """The pool after the step; of several callers at once one wins.

    Raises:
        PoolNotFound: there is none.
        ScopeMissing: the caller's credential is not good for it.
        UnknownTransition, NotYourTransition, IllegalTransition: as `transitions.checked`.
    """
    pool = (await find(session, pool_id)).pool
    actors = actors_of(principal, pool.organisation_id)
    step = transitions.checked(POOL, pool.state, asked.transition, actors=actors, hindrances={})
    require_scope(principal, ())
    if await rows.move(session, Pool, pool_id, source=pool.state, step=step) is None:
        now = await find(session, pool_id)
        raise transitions.IllegalTransition(extra={"state": now.pool.state.value})
    moved = happened(
        f"pool.{HAPPENED[step.name]}",
        pool_id,
        pool.organisation_id,
        event_actor(principal),
        note=asked.note,
    )
    await events.append(session, moved)
    return await find(session, pool_id)


async def _add_version(session: Session, pool: dict[str, Any], terms: Terms) -> None:
    stated = msgspec.to_builtins(terms)
    values = {name: stated[name] for name in Terms.__struct_fields__}
    await queries.insert_version(
        session,
        {
            **values,
            "id": new_pool_version_id(),
            "pool_id": pool["id"],
            "organisation_id": pool["organisation_id"],
            "number": pool["version"],
        },
    )


def _refuse_faults(checker: Checker, terms: Terms) -> None:
    faults = list(terms_faults(checker, terms, "#"))
    if faults:
        raise UnusableRule(errors=faults)
