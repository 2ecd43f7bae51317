"""The agency of the demo and its programmes, which are fictional and say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core import shipped
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity import organisations
from matchmaker.identity import queries as registered
from matchmaker.identity.access import at_console
from matchmaker.identity.models import OrganisationState
from matchmaker.identity.schemas import OrganisationDraft
from matchmaker.policy.issuing import reader_of
from matchmaker.policy.programmes import queries, service
from matchmaker.policy.programmes.declaration import ProgrammeTerms

if TYPE_CHECKING:
    from matchmaker.cli.session import Database
    from matchmaker.core.db import Session
    from matchmaker.identity.access import Principal
    from matchmaker.released import Released

FILE: Final = "demo/programmes.yaml"
_MOST: Final = 1000
"""Programmes among which those of the demo are looked for."""
_PUBLISH: Final = TransitionRequest(transition="publish")


class _Seed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agency and what it offers."""

    agency: OrganisationDraft
    programmes: list[ProgrammeTerms]


async def enter(running: Database, released: Released) -> int:
    """How many programmes of the demo are published now; those that were stay as they are."""
    path = shipped.folder("seeds") / FILE
    seed = msgspec.yaml.decode(path.read_bytes(), type=_Seed)
    async with running.transactions() as begin:
        async with begin() as session:
            agency = await _agency(session, released, seed.agency)
        async with begin() as session:
            found = await queries.list_programmes(
                session, queries.ProgrammeFilter(), reader_of(agency), after=None, limit=_MOST
            )
        own = [each for each in found if each.programme.organisation_id == agency.organisation_id]
        known = {service.terms_of(each.version).name for each in own}
        new = [terms for terms in seed.programmes if terms.name not in known]
        for terms in new:
            async with begin() as session:
                made = await service.create(session, released.checker, terms, agency)
                id_ = made.programme.id
                await service.take_step(session, id_, _PUBLISH, principal=agency)
    return len(new)


async def _agency(session: Session, released: Released, draft: OrganisationDraft) -> Principal:
    """The agency as it acts at the console, registered if it is not known."""
    known = await registered.organisation_named(session, draft.external_id or "")
    return at_console(
        known
        or await organisations.register(
            session, released.taxonomy, draft, by=None, state=OrganisationState.VERIFIED
        )
    )
