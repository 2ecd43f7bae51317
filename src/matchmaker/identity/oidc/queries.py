"""Every statement about the identities of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.identity import queries as rows
from matchmaker.identity.models import Person, PersonId
from matchmaker.identity.oidc.models import PersonIdentity

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session


async def person_known_as(session: ReadSession, issuer: str, subject: str) -> Person | None:
    """The person whom the issuer knows so; None if there is none."""
    known = select(Person).join(PersonIdentity, PersonIdentity.person_id == Person.id)
    return await rows.one(
        session, known.where(PersonIdentity.issuer == issuer, PersonIdentity.subject == subject)
    )


async def link(session: Session, person_id: PersonId, issuer: str, subject: str) -> bool:
    """Know the person so from now on; False if the issuer knows them, or the subject, otherwise."""
    linked = (
        insert(PersonIdentity)
        .values(issuer=issuer, subject=subject, person_id=person_id)
        .on_conflict_do_nothing()
        .returning(PersonIdentity.person_id)
    )
    return await session.scalar(linked) is not None
