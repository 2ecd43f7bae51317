"""Programmes over HTTP: everyone reads what is published, agencies and operators enter them."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, patching, transitions
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.enterprise.participations import controllers as participations
from matchmaker.enterprise.participations.schemas import Participation
from matchmaker.identity.access import Principal, Scope, actors_of, needs, public
from matchmaker.identity.models import OrganisationRole
from matchmaker.policy.asking import WRITE, InRegion, OfIndustry
from matchmaker.policy.issuing import chains, reader_of
from matchmaker.policy.programmes import queries, schemas, service
from matchmaker.policy.programmes.declaration import ProgrammePatch, ProgrammeTerms
from matchmaker.policy.programmes.errors import (
    ProgrammeArchived,
    ProgrammeNotFound,
    ProgrammeNotOpen,
)
from matchmaker.policy.programmes.machine import PROGRAMME, ProgrammeState
from matchmaker.policy.programmes.models import ProgrammeId
from matchmaker.policy.programmes.queries import FoundProgramme, ProgrammeFilter
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.errors import UnusableInput

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
InState = Annotated[
    ProgrammeState | None, QueryParameter(name="state", description="Only those in this state")
]
"""Named so because Litestar keeps `state` for itself."""
_JOIN: Final = needs(Scope.PROGRAMMES_JOIN, roles=(OrganisationRole.SME,))


class ProgrammeController(Controller):
    """What public bodies support, whom, and until when."""

    path = "/programmes"
    tags = ("Policy",)

    @get(operation_id="listProgrammes", opt=public(), responses=problems(CursorInvalid))
    async def list(  # noqa: PLR0913  (every filter is an argument)
        self,
        *,
        read_session: NamedDependency[ReadSession],
        checker: Known,
        cursors: NamedDependency[SkipValidation[Cursors]],
        visitor: Visitor,
        industry: OfIndustry = None,
        region: InRegion = None,
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Programme]:
        """List the programmes there are, in a fixed order; drafts are shown to who entered them."""
        above, around = chains(checker.taxonomy, [industry] if industry else [], region)
        wanted = ProgrammeFilter(above if industry else None, around if region else None, in_state)
        reader = reader_of(visitor)
        listing = Listing("programmes", wanted, reader.organisation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_programmes(
            read_session, wanted, reader, after=after, limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda each: each.programme.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @post(
        operation_id="createProgramme",
        opt={**WRITE, **creates()},
        status_code=201,
        responses=problems(UnusableInput),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[ProgrammeTerms],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Programme]:
        """Enter a programme as a draft, which others see once it is published."""
        made = await service.create(session, checker, data, principal)
        location = f"/v1/programmes/{made.programme.id}"
        return _answer(made, status_code=201, Location=location)

    @get(
        "/{programme_id:uuid}",
        operation_id="getProgramme",
        opt=public(),
        responses=problems(ProgrammeNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        programme_id: FromPath[ProgrammeId],
        read_session: NamedDependency[ReadSession],
        visitor: Visitor,
    ) -> Response[schemas.Programme]:
        """Read a programme, also one that was archived: firms may have joined it."""
        return _answer(await service.find(read_session, programme_id, visitor))

    @patch(
        "/{programme_id:uuid}",
        operation_id="reviseProgramme",
        opt={**WRITE, **patching.OPT},
        responses=problems(
            ProgrammeNotFound, ProgrammeArchived, UnusableInput, InvalidContent, *etags.PROBLEMS
        ),
        response_headers=etags.HEADERS,
    )
    async def revise(
        self,
        *,
        programme_id: FromPath[ProgrammeId],
        data: JSONBody[ProgrammePatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Programme]:
        """Change what the own programme says: a new version, in force at once."""
        changed = await service.revise(
            session,
            programme_id,
            data,
            principal=principal,
            checker=checker,
            revision=expected_revision,
        )
        return _answer(changed)

    @get(
        "/{programme_id:uuid}/transitions",
        operation_id="listProgrammeTransitions",
        opt=WRITE,
        responses=problems(ProgrammeNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        programme_id: FromPath[ProgrammeId],
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the programme now, by whom, and why not the rest."""
        found = await service.find(read_session, programme_id, principal)
        missing = await service.hindrances(read_session, found)
        return _transitions(found, missing, principal, language)

    @post(
        "/{programme_id:uuid}/transitions",
        operation_id="moveProgramme",
        status_code=200,
        opt={**WRITE, **transitions.taking(PROGRAMME)},
        responses=problems(ProgrammeNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        programme_id: FromPath[ProgrammeId],
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Publish the programme, or archive it for good.

        An agency publishes for places of its jurisdiction, an operator for any and for all.
        """
        moved = await service.take_step(
            session, programme_id, data, principal=principal, seen=seen_revision
        )
        return _transitions(moved, {}, principal, language)


class JoiningController(Controller):
    """How firms come to take part in programmes."""

    path = "/programmes/{programme_id:uuid}/participations"
    tags = ("Policy",)

    @post(
        operation_id="joinProgramme",
        opt={**_JOIN, **creates()},
        status_code=201,
        responses=problems(ProgrammeNotFound, ProgrammeNotOpen, AlreadyExists),
        response_headers=etags.HEADERS,
    )
    async def join(
        self,
        *,
        programme_id: FromPath[ProgrammeId],
        session: NamedDependency[Session],
        principal: Caller,
    ) -> Response[Participation]:
        """Take part in a programme as a firm, or in a firm's name as its adviser.

        Whoever keeps the programme, and agencies whose jurisdiction names it, see the firm by name
        and read its profile from now on, until it leaves (`/v1/participations/{id}/transitions`) or
        the programme is archived.
        """
        made = await service.join(session, programme_id, principal, today=utc_now().date())
        location = f"/v1/participations/{made.id}"
        told = participations.to_wire(made)
        return etags.tagged(told, made.revision, status_code=201, Location=location)


def to_wire(found: FoundProgramme) -> schemas.Programme:
    """A programme with what it says now, as of today."""
    programme, version = found
    terms = service.terms_of(version)
    return schemas.Programme(
        id=programme.id,
        organisation_id=programme.organisation_id,
        state=programme.state,
        version=programme.version,
        window=terms.window(utc_now().date()),
        terms=terms,
        note=programme.note,
        created_at=programme.created_at,
        changed_at=programme.changed_at,
    )


def _answer(
    found: FoundProgramme, *, status_code: int = 200, **headers: str
) -> Response[schemas.Programme]:
    revision = found.programme.revision
    return etags.tagged(to_wire(found), revision, status_code=status_code, **headers)


def _transitions(
    found: FoundProgramme,
    missing: transitions.Hindrances,
    principal: Principal,
    language: Language,
) -> Response[Transitions]:
    programme = found.programme
    told = transitions.overview(
        PROGRAMME,
        programme.state,
        programme.revision,
        actors=actors_of(principal, programme.organisation_id),
        hindrances=missing,
        language=language,
    )
    return etags.tagged(told, programme.revision)
