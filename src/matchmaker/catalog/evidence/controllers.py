"""Evidence over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation

from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.evidence import queries, schemas, service
from matchmaker.catalog.evidence.declaration import Claim
from matchmaker.catalog.evidence.errors import EvidenceNotEditable, EvidenceNotFound, UnusableClaim
from matchmaker.catalog.evidence.machine import EVIDENCE, EvidenceState
from matchmaker.catalog.evidence.models import Evidence, EvidenceId
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.rights import NoteRequired
from matchmaker.core import etags, patching, transitions
from matchmaker.core.access import ScopeMissing
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page, Text
from matchmaker.identity.access import Principal, Scope, actors_of, needs, public
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.checking import Checker

Known = NamedDependency[SkipValidation[Checker]]
Caller = NamedDependency[SkipValidation[Principal]]
Visitor = NamedDependency[SkipValidation[Principal | None]]
Pages = NamedDependency[SkipValidation[Cursors]]
InState = Annotated[
    EvidenceState | None, QueryParameter(name="state", description="Only those in this state")
]
"""Named so because Litestar keeps `state` for itself."""

_WRITE: Final = needs(Scope.OFFERINGS_WRITE, roles=(OrganisationRole.PROVIDER,))
_TAKE: Final = needs(None)
"""The owner needs offerings:write and who verifies pools:write: the service asks for it."""


class EvidenceController(Controller):
    """Cases, certificates, tests and references that providers claim and others verify."""

    path = "/evidence"
    tags = ("Evidence",)

    @get(operation_id="listEvidence", opt=public(), responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: Pages,
        visitor: Visitor,
        offering_id: FromQuery[OfferingId | None] = None,
        organisation_id: FromQuery[OrganisationId | None] = None,
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Evidence]:
        """List what was verified of public offerings and their providers.

        An owner sees all of its own, agencies and operators see everything: they verify.
        """
        wanted = queries.EvidenceFilter(offering_id, organisation_id, in_state)
        reader = service.reader_of(visitor)
        listing = Listing("evidence", wanted, reader.organisation_id)
        after = cursors.read(cursor, listing)
        found = await queries.list_evidence(
            read_session, wanted, reader, after=after, limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[to_wire(row) for row in shown], page=page)

    @post(
        operation_id="claimEvidence",
        opt={**_WRITE, **creates()},
        response_headers=etags.HEADERS,
        responses=problems(OfferingNotFound, UnusableClaim),
    )
    async def claim(
        self,
        *,
        data: JSONBody[schemas.EvidenceRequest],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
    ) -> Response[schemas.Evidence]:
        """Claim something of an own offering, or of the own organisation as a whole."""
        made = await service.claim(
            session,
            principal,
            type_=data.type,
            offering_id=data.offering_id,
            stated=Claim(**{name: getattr(data, name) for name in Claim.__struct_fields__}),
            checker=checker,
        )
        location = f"/v1/evidence/{made.id}"
        return etags.tagged(to_wire(made), made.revision, status_code=201, Location=location)

    @get(
        "/{evidence_id:uuid}",
        operation_id="getEvidence",
        opt=public(),
        response_headers=etags.HEADERS,
        responses=problems(EvidenceNotFound),
    )
    async def read(
        self,
        evidence_id: FromPath[EvidenceId],
        *,
        read_session: NamedDependency[ReadSession],
        visitor: Visitor,
    ) -> Response[schemas.Evidence]:
        """Read a claim and how far it was verified."""
        found = await service.find(read_session, evidence_id, visitor)
        return etags.tagged(to_wire(found), found.revision)

    @patch(
        "/{evidence_id:uuid}",
        operation_id="patchEvidence",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(
            EvidenceNotFound, EvidenceNotEditable, UnusableClaim, InvalidContent, *etags.PROBLEMS
        ),
    )
    async def change(
        self,
        evidence_id: FromPath[EvidenceId],
        *,
        data: JSONBody[schemas.EvidencePatch],
        session: NamedDependency[Session],
        checker: Known,
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[schemas.Evidence]:
        """Change an own claim; what was verified, or is being, keeps still."""
        found = await service.revise(
            session, principal, evidence_id, data, revision=expected_revision, checker=checker
        )
        return etags.tagged(to_wire(found), found.revision)

    @get(
        "/{evidence_id:uuid}/transitions",
        operation_id="getEvidenceTransitions",
        opt=_TAKE,
        responses=problems(EvidenceNotFound),
    )
    async def options(
        self,
        evidence_id: FromPath[EvidenceId],
        *,
        read_session: NamedDependency[ReadSession],
        principal: Caller,
        language: NamedDependency[Language],
    ) -> Transitions:
        """Say what can be done with a claim today, by whom, and why not the rest."""
        return _options(
            await service.find(read_session, evidence_id, principal), principal, language
        )

    @post(
        "/{evidence_id:uuid}/transitions",
        operation_id="takeEvidenceTransition",
        status_code=200,
        opt={**_TAKE, **transitions.taking(EVIDENCE)},
        response_headers=etags.HEADERS,
        responses=problems(EvidenceNotFound, ScopeMissing, NoteRequired, *transitions.PROBLEMS),
    )
    async def take(
        self,
        evidence_id: FromPath[EvidenceId],
        *,
        data: JSONBody[TransitionRequest],
        session: NamedDependency[Session],
        principal: Caller,
        seen_revision: NamedDependency[int | None],
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Submit an own claim (offerings:write), or verify what others claim (pools:write).

        If-Match, where it is given, says which wording of the claim the caller has seen.
        """
        today = utc_now().date()
        found = await service.take_step(
            session, principal, evidence_id, data, today=today, revision=seen_revision
        )
        return etags.tagged(_options(found, principal, language), found.revision)


def to_wire(row: Evidence) -> schemas.Evidence:
    """The evidence as everyone who may see it sees it."""
    names = schemas.Evidence.__struct_fields__
    held = {name: getattr(row, name) for name in names}
    texts = {name: msgspec.convert(held[name], Text | None) for name in ("claim", "metric")}
    return schemas.Evidence(**{**held, **texts})


def _options(found: Evidence, principal: Principal, language: Language) -> Transitions:
    return transitions.overview(
        EVIDENCE,
        found.state,
        found.revision,
        actors=actors_of(principal, found.organisation_id),
        hindrances=service.hindrances(found, utc_now().date()),
        language=language,
    )
