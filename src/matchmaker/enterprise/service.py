"""Use-cases of profiles: what a firm states becomes a version, and versions stay."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core import events
from matchmaker.core.canonical import canonical, encode
from matchmaker.core.diffs import diff
from matchmaker.core.errors import StaleVersion, VersionRequired
from matchmaker.core.machine import Actor
from matchmaker.core.patching import merged
from matchmaker.enterprise import queries
from matchmaker.enterprise.assessments import queries as assessments
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.enterprise.derived import Derived, derive
from matchmaker.enterprise.errors import ProfileErased, ProfileNotFound
from matchmaker.enterprise.models import ProfileVersion
from matchmaker.enterprise.recognitions import queries as recognitions
from matchmaker.identity.access import actors_of, note
from matchmaker.identity.models import ApiKeyId
from matchmaker.identity.service import Outcome
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.diffs import Change
    from matchmaker.core.events import EventActor
    from matchmaker.enterprise.declaration import ProfilePatch
    from matchmaker.enterprise.models import ProfileVersionId
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker
    from matchmaker.taxonomy.fields import FieldCatalogue

STATED: Final = "profile.stated"
_READERS: Final = frozenset({Actor.OWNER, Actor.OPERATOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProfile:
    """One version of a firm's profile."""

    version_id: ProfileVersionId
    organisation_id: OrganisationId
    number: int
    facts: ProfileFacts
    derived: Derived
    created_at: dt.datetime


def check_reader(reader: Principal, owner: OrganisationId) -> None:
    """Let the firm itself and operators read its profile.

    Raises:
        ProfileNotFound: for everybody else, as if there were none.
    """
    if not actors_of(reader, owner) & _READERS:
        raise ProfileNotFound
    note(reader, owner, "profile", owner)


def check_owner(writer: Principal, owner: OrganisationId) -> None:
    """Let the firm itself state its profile.

    Raises:
        ProfileNotFound: for everybody else, as if there were none.
    """
    if Actor.OWNER not in actors_of(writer, owner):
        raise ProfileNotFound


async def get_facts(
    session: ReadSession, organisation_id: OrganisationId, version: int | None = None
) -> StoredProfile:
    """The profile of the firm as it stands, or as ``version`` had it.

    Raises:
        ProfileNotFound: the firm has stated none, or no such version of it.
        ProfileErased: the version was erased.
    """
    return _stored(await _kept(session, organisation_id, version))


async def list_versions(
    session: ReadSession, organisation_id: OrganisationId, *, after: UUID | None, limit: int
) -> list[StoredProfile]:
    """Up to ``limit`` versions, newest last, after the version ``after``.

    Raises:
        ProfileNotFound: the firm has stated none.
    """
    found = await queries.list_versions(session, organisation_id, after=after, limit=limit)
    if not found and after is None:
        raise ProfileNotFound
    return [_stored(version) for version in found]


async def changes_between(
    session: ReadSession, organisation_id: OrganisationId, *, since: int, until: int
) -> list[Change]:
    """Every stated fact in which the version ``until`` differs from ``since``.

    Raises:
        ProfileNotFound: the firm has not both versions.
        ProfileErased: one of them was erased.
    """
    before = await _kept(session, organisation_id, since)
    after = await _kept(session, organisation_id, until)
    return diff(before.facts, after.facts)


async def state_profile(
    session: Session,
    checker: Checker,
    organisation_id: OrganisationId,
    facts: ProfileFacts,
    *,
    expected: int | None,
    by: EventActor,
) -> tuple[StoredProfile, Outcome]:
    """The profile that says ``facts``, as a new version unless the current one says just that.

    A new version is told as an event; it is the last thing to do in the transaction.

    Raises:
        As `write_profile`.
    """
    stored, outcome = await write_profile(
        session, checker, organisation_id, facts, expected=expected, by=by
    )
    if outcome is not Outcome.UNCHANGED:
        await events.append(session, stated(stored, by))
    return stored, outcome


async def patch_profile(
    session: Session,
    checker: Checker,
    organisation_id: OrganisationId,
    patch: ProfilePatch,
    *,
    expected: int,
    by: EventActor,
) -> StoredProfile:
    """The profile with ``patch`` merged into it, as `state_profile`.

    Raises:
        ProfileNotFound: the firm has stated none.
        InvalidContent: the merged facts are not of the documented shape.
        UnusableInput, StaleVersion: as `write_profile`.
    """
    current = await get_facts(session, organisation_id)
    if current.number != expected:
        raise StaleVersion
    facts = merged(current.facts, patch)
    stored, _ = await state_profile(
        session, checker, organisation_id, facts, expected=expected, by=by
    )
    return stored


async def write_profile(
    session: Session,
    checker: Checker,
    organisation_id: OrganisationId,
    facts: ProfileFacts,
    *,
    expected: int | None,
    by: EventActor,
) -> tuple[StoredProfile, Outcome]:
    """The profile that says ``facts``; the caller tells the event.

    ``expected`` is the number of the version that the change starts from, None where there is no
    profile yet. The same facts from which the same follows are no new version.

    Raises:
        UnusableInput: with every unknown code and every rule that is malformed or cannot hold.
        VersionRequired: there is a profile, and ``expected`` is None.
        StaleVersion: the current version is another than ``expected``.
    """
    faults = list(profile_faults(checker, facts, "#"))
    if faults:
        raise UnusableInput(errors=faults)
    current = await queries.find_version(session, organisation_id)
    number = None if current is None else current.number
    if number != expected:
        raise VersionRequired if expected is None else StaleVersion
    version = _version(checker.fields, organisation_id, facts, number=(number or 0) + 1, by=by)
    if current is not None and _says_the_same(current, version):
        return _stored(current), Outcome.UNCHANGED
    # The profile's row first: whoever comes second waits there, and then finds another revision.
    if expected is None:
        if not await queries.open_profile(session, organisation_id, version.id):
            raise VersionRequired
    elif not await queries.replace_current(session, organisation_id, version.id, revision=expected):
        raise StaleVersion
    await queries.insert_version(session, version)
    return _stored(version), Outcome.NEW if current is None else Outcome.CHANGED


async def erase_profile(
    session: Session, checker: Checker, organisation_id: OrganisationId, by: EventActor
) -> tuple[int, int]:
    """The number of the profile, which says nothing now, and how many versions were emptied.

    What the assessments and recognitions of the firm said goes with it; where there is nothing
    else its number is 0. The caller tells the event.

    Raises:
        ProfileNotFound: the firm has stated nothing at all.
        StaleVersion: it states something at the same time.
    """
    emptied = await assessments.erase(session, organisation_id)
    emptied += await recognitions.erase(session, organisation_id)
    try:
        return await erase_versions(session, checker, organisation_id, by)
    except ProfileNotFound:
        if not emptied:
            raise
        return 0, 0


async def erase_versions(
    session: Session, checker: Checker, organisation_id: OrganisationId, by: EventActor
) -> tuple[int, int]:
    """The same of the profile alone.

    Raises:
        ProfileNotFound: the firm has stated none.
        StaleVersion: it states something at the same time.
    """
    current = await get_facts(session, organisation_id)
    stored, _ = await write_profile(
        session, checker, organisation_id, ProfileFacts(), expected=current.number, by=by
    )
    return stored.number, await queries.erase_versions(session, organisation_id, stored.number)


async def keep_version(session: Session, version_id: ProfileVersionId) -> None:
    """Nothing: the version is there, and stays until the transaction ends.

    Raises:
        ProfileErased: it was erased.
    """
    if not await queries.keep_version(session, version_id):
        raise ProfileErased


async def _kept(
    session: ReadSession, organisation_id: OrganisationId, number: int | None
) -> ProfileVersion:
    found = await queries.find_version(session, organisation_id, number)
    if found is None:
        raise ProfileNotFound
    if found.erased_at is not None:
        raise ProfileErased
    return found


def stated(profile: StoredProfile, by: EventActor) -> events.Event:
    """The event that this version was stated."""
    return events.Event(
        kind=STATED,
        subject_type="profile",
        subject_id=profile.organisation_id,
        organisation_id=profile.organisation_id,
        actor=by,
        data={"version": profile.number, "version_id": str(profile.version_id)},
    )


def _version(
    fields: FieldCatalogue,
    organisation_id: OrganisationId,
    facts: ProfileFacts,
    *,
    number: int,
    by: EventActor,
) -> ProfileVersion:
    known = {name: value for name, value in msgspec.to_builtins(facts).items() if value is not None}
    derived = asdict(derive(fields, facts))
    return ProfileVersion(
        organisation_id=organisation_id,
        number=number,
        facts=known,
        content_hash=hashlib.sha256(encode(canonical(known))).digest(),
        taxonomy_version=fields.taxonomy.version,
        stated_by=ApiKeyId(by.id) if by.id and by.type is events.ActorType.API_KEY else None,
        **{**derived, "missing": list(derived["missing"])},
    )


def _says_the_same(one: ProfileVersion, other: ProfileVersion) -> bool:
    """Whether both state the same, and the same follows: a new release may derive otherwise."""
    return not diff(one.facts, other.facts) and _derived(one) == _derived(other)


def _stored(version: ProfileVersion) -> StoredProfile:
    return StoredProfile(
        version_id=version.id,
        organisation_id=version.organisation_id,
        number=version.number,
        facts=msgspec.convert(version.facts, ProfileFacts),
        derived=_derived(version),
        created_at=version.created_at,
    )


def _derived(version: ProfileVersion) -> Derived:
    return Derived(
        scale=version.scale,
        scale_basis=version.scale_basis,
        scale_scheme=version.scale_scheme,
        scale_edition=version.scale_edition,
        stage=version.stage,
        completeness=version.completeness,
        missing=tuple(version.missing),
    )
