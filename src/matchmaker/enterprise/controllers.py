"""Profiles over HTTP: for the firm itself and operators, and for agencies that it allows."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, patch, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter, SkipValidation

from matchmaker.core import etags, patching
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.enterprise import schemas, service, wording
from matchmaker.enterprise.declaration import ProfileFacts, ProfilePatch
from matchmaker.enterprise.errors import ProfileErased, ProfileNotFound
from matchmaker.enterprise.reach import service as reach
from matchmaker.identity.access import Principal, Scope, event_actor, needs
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.identity.service import Outcome
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
OfFirm = FromPath[OrganisationId]
Number = Annotated[int, PathParameter(ge=1, le=1_000_000_000)]
Since = Annotated[
    int,
    QueryParameter(name="from", ge=1, le=1_000_000_000, description="The version to compare with"),
]

_READ: Final = needs(Scope.PROFILES_READ)
_WRITE: Final = needs(Scope.PROFILES_WRITE, roles=(OrganisationRole.SME,))
_OPENED: Final = {
    201: ResponseSpec(schemas.Profile, description="The first version", generate_examples=False)
}


class ProfileController(Controller):
    """What firms state of themselves."""

    path = "/profiles/{organisation_id:uuid}"
    tags = ("Enterprise",)

    @put(
        operation_id="putProfile",
        status_code=200,
        opt=_WRITE,
        response_headers=etags.HEADERS,
        responses=_OPENED | problems(ProfileNotFound, UnusableInput, *etags.PROBLEMS),
    )
    async def state(
        self,
        organisation_id: OfFirm,
        *,
        data: JSONBody[ProfileFacts],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        known_revision: NamedDependency[int | None],
        language: NamedDependency[Language],
    ) -> Response[schemas.Profile]:
        """State everything that is known of the own firm; what is left out is unknown.

        The same facts again make no new version. The first time needs no If-Match.
        """
        service.check_owner(principal, organisation_id)
        stored, outcome = await service.state_profile(
            session,
            checker,
            organisation_id,
            data,
            expected=known_revision,
            by=event_actor(principal),
        )
        return etags.tagged(
            wording.profile(checker.fields, stored, language),
            stored.number,
            status_code=201 if outcome is Outcome.NEW else 200,
        )

    @patch(
        operation_id="patchProfile",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(ProfileNotFound, UnusableInput, InvalidContent, *etags.PROBLEMS),
    )
    async def change(
        self,
        organisation_id: OfFirm,
        *,
        data: JSONBody[ProfilePatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
        language: NamedDependency[Language],
    ) -> Response[schemas.Profile]:
        """Change single facts of the own firm by a merge patch; null makes a fact unknown."""
        service.check_owner(principal, organisation_id)
        stored = await service.patch_profile(
            session,
            checker,
            organisation_id,
            data,
            expected=expected_revision,
            by=event_actor(principal),
        )
        return etags.tagged(wording.profile(checker.fields, stored, language), stored.number)

    @get(
        operation_id="getProfile",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(ProfileNotFound),
    )
    async def read(
        self,
        organisation_id: OfFirm,
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Profile]:
        """Read a firm's profile as it stands, with what follows from it and what is missing.

        An agency reads those of its jurisdiction that allow it.
        """
        await reach.check_reader(read_session, principal, organisation_id)
        stored = await service.get_facts(read_session, organisation_id)
        return etags.tagged(wording.profile(checker.fields, stored, language), stored.number)

    @get(
        "/versions",
        operation_id="listProfileVersions",
        opt=_READ,
        responses=problems(ProfileNotFound, CursorInvalid),
    )
    async def versions(
        self,
        organisation_id: OfFirm,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        principal: Caller,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.ProfileSummary]:
        """List the versions of a firm's profile, newest last."""
        service.check_reader(principal, organisation_id)
        listing = Listing("profile_versions", organisation_id, principal.organisation_id)
        found = await service.list_versions(
            read_session,
            organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda version: version.version_id)
        return Page(items=[wording.summary(version) for version in shown], page=page)

    @get(
        "/versions/{number:int}",
        operation_id="getProfileVersion",
        opt=_READ,
        response_headers=etags.HEADERS,
        responses=problems(ProfileNotFound, ProfileErased),
    )
    async def version(
        self,
        organisation_id: OfFirm,
        *,
        number: Number,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[schemas.Profile]:
        """Read one version of a firm's profile; versions never change, but may be erased."""
        service.check_reader(principal, organisation_id)
        stored = await service.get_facts(read_session, organisation_id, number)
        return etags.tagged(wording.profile(checker.fields, stored, language), stored.number)

    @get(
        "/versions/{number:int}/diff",
        operation_id="diffProfileVersions",
        opt=_READ,
        responses=problems(ProfileNotFound, ProfileErased),
    )
    async def diff(
        self,
        organisation_id: OfFirm,
        *,
        number: Number,
        since: Since,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
    ) -> schemas.ProfileChanges:
        """Compare the stated facts of two versions, in either order."""
        service.check_reader(principal, organisation_id)
        changes = await service.changes_between(
            read_session, organisation_id, since=since, until=number
        )
        return schemas.ProfileChanges(
            organisation_id=organisation_id,
            from_version=since,
            to_version=number,
            changes=changes,
        )
