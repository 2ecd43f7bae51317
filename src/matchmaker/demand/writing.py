"""How needs are written, beside who may and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core import rows
from matchmaker.core.errors import StaleVersion
from matchmaker.demand import content, queries
from matchmaker.demand.errors import NeedNotFound
from matchmaker.demand.machine import NEED
from matchmaker.demand.models import Need, new_need_id, new_need_version_id

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.demand.declaration import NeedDraft, NeedTerms
    from matchmaker.demand.models import NeedId
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.models import OrganisationId


async def add(
    session: Session, draft: NeedDraft, organisation_id: OrganisationId
) -> FoundNeed | None:
    """The new need, a draft with version 1; None if the organisation has one of that name."""
    need_id, version_id = new_need_id(), new_need_version_id()
    values = {
        "id": need_id,
        "organisation_id": organisation_id,
        "external_id": draft.external_id,
        "kind": draft.kind,
        "state": NEED.initial,
        "revision": 1,
        "current_version_id": version_id,
        **_terms(draft),
    }
    if await queries.insert_need(session, values) is None:
        return None
    said = {"id": version_id, "kind": draft.kind, "number": 1, **content.stored(draft)._asdict()}
    await queries.insert_version(session, need_id, organisation_id, said)
    return await _again(session, need_id, organisation_id)


async def replace(session: Session, found: FoundNeed, after: NeedTerms) -> FoundNeed:
    """The need at its next revision with ``after``.

    Raises:
        StaleVersion: somebody else changed it first.
    """
    need, version = found.need, found.version
    now = content.stored(after)
    is_new = now.content_hash != version.content_hash
    version_id = new_need_version_id() if is_new else version.id
    values = {**_terms(after), "current_version_id": version_id}
    # The need first: of two at once one waits here, and then finds another revision.
    if await rows.revise(session, Need, need.id, revision=need.revision, values=values) is None:
        raise StaleVersion
    if is_new:
        added = {"id": version_id, "kind": need.kind, "number": version.number + 1}
        await queries.insert_version(
            session, need.id, need.organisation_id, {**added, **now._asdict()}
        )
    return await _again(session, need.id, need.organisation_id)


def says_the_same(one: NeedTerms, other: NeedTerms) -> bool:
    """Whether both are stored alike: in JSON, unlike in Python, true is not 1."""
    return _columns(one) == _columns(other)


def _terms(need: NeedTerms) -> dict[str, object]:
    """The columns of a need that are not of a version."""
    return {
        "visibility": need.visibility,
        "pools": list(dict.fromkeys(need.pools or ())),
        "expires_on": need.expires_on,
    }


def _columns(need: NeedTerms) -> tuple[object, ...]:
    return content.stored(need).content_hash, _terms(need)


async def _again(session: Session, need_id: NeedId, asker: OrganisationId) -> FoundNeed:
    """The need as this transaction has left it."""
    found = await queries.find_need(session, need_id, asker)
    if found is None:
        raise NeedNotFound
    return found
