"""Published offerings of organisations that tests act for."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import jsonl, offering_line, provider_line, taxonomy, tokenizer
from tests.identities import Holder

from matchmaker.catalog.importing import import_file
from matchmaker.catalog.models import Offering, OfferingId
from matchmaker.core.db import ReadSession, Session
from matchmaker.identity.access import Principal, roles_in_force, scopes_of
from matchmaker.identity.models import Organisation, OrganisationRole, OrganisationState


async def publish(engine: AsyncEngine, owner: Holder, **fields: object) -> OfferingId:
    """A published offering of ``owner``, in a committed transaction."""
    name = f"o-{uuid4().hex[:12]}"
    async with AsyncSession(engine) as made, made.begin():
        provider = await made.scalar(
            select(Organisation.external_id).where(Organisation.id == owner.organisation_id)
        )
        lines = jsonl(
            provider_line(external_id=provider),
            offering_line(external_id=name, provider=provider, **fields),
        )
        report = await import_file(Session(ReadSession(made)), lines, taxonomy(), tokenizer())
        assert report.is_written, report.faults
        found = await made.scalar(select(Offering.id).where(Offering.external_id == name))
    assert found is not None
    return found


def acting(owner: Holder, *roles: OrganisationRole) -> Principal:
    """``owner`` as the service sees it, verified and with everything its roles allow."""
    in_force = roles_in_force(roles, OrganisationState.VERIFIED)
    return Principal(
        organisation_id=owner.organisation_id,
        roles=in_force,
        state=OrganisationState.VERIFIED,
        key_id=owner.key_id,
        scopes=scopes_of(in_force),
    )
