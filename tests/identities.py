"""Organisations with keys, as tests need them: written straight into the database."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from matchmaker.core.clock import utc_now
from matchmaker.core.origin import COOKIE, HEADER
from matchmaker.identity import keys
from matchmaker.identity.access import Scope, scopes_of
from matchmaker.identity.models import (
    ApiKey,
    ApiKeyId,
    Member,
    MemberId,
    MemberRole,
    Organisation,
    OrganisationId,
    OrganisationLive,
    OrganisationRole,
    OrganisationState,
    Person,
    PersonId,
    PersonSession,
    SessionId,
)
from matchmaker.identity.sessions import tokens


@dataclass(frozen=True)
class Holder:
    """An organisation and one key of it."""

    organisation_id: OrganisationId
    key_id: ApiKeyId
    token: keys.Token

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries to be the holder's."""
        return bearer(self.token.text)


def bearer(text: str) -> dict[str, str]:
    """The header of a credential."""
    return {"Authorization": f"Bearer {text}"}


async def another_key(engine: AsyncEngine, owner: Holder, scopes: frozenset[Scope]) -> Holder:
    """The same organisation with a new key for ``scopes``."""
    token = keys.mint()
    key = _key(owner.organisation_id, token, scopes)
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add(key)
    return Holder(owner.organisation_id, key.id, token)


def _key(of: OrganisationId, token: keys.Token, scopes: frozenset[Scope]) -> ApiKey:
    return ApiKey(
        organisation_id=of,
        public_id=token.public_id,
        secret_hash=token.digest,
        name="test",
        scopes=sorted(scopes),
        created_by=None,
    )


PASSWORD = "correct horse battery"  # noqa: S105  (nobody else's)


@dataclass(frozen=True)
class Sitter:
    """A person who is logged in for an organisation."""

    organisation_id: OrganisationId
    member_id: MemberId
    person_id: PersonId
    session_id: SessionId
    email: str
    token: tokens.SessionToken

    @property
    def headers(self) -> dict[str, str]:
        """What a request of their own page carries."""
        return {"Cookie": f"{COOKIE}={self.token.text}", HEADER: "test"}


async def sitter(
    engine: AsyncEngine,
    organisation_id: OrganisationId,
    role: MemberRole = MemberRole.OWNER,
    *,
    password_hash: str | None = None,
    lasts: float = 3600,
) -> Sitter:
    """Somebody who is logged in as a new member of an organisation, for so many seconds."""
    email = f"{uuid4().hex}@example.org"
    person = Person(email=email, name="Lin", password_hash=password_hash)
    member = Member(organisation_id=organisation_id, name="Lin", email=email, role=role)
    token = tokens.mint()
    started = PersonSession(
        token_hash=token.digest,
        person_id=person.id,
        organisation_id=organisation_id,
        expires_at=utc_now() + dt.timedelta(seconds=lasts),
    )
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add_all([person, member])
        await session.flush()
        session.add(started)
    return Sitter(organisation_id, member.id, person.id, started.id, email, token)


async def holder(
    engine: AsyncEngine,
    *roles: OrganisationRole,
    state: OrganisationState = OrganisationState.VERIFIED,
    scopes: frozenset[Scope] | None = None,
) -> Holder:
    """A new organisation of ``roles`` with a key for ``scopes``, all it may have by default."""
    held = roles or (OrganisationRole.SME,)
    organisation = Organisation(
        external_id=f"h-{uuid4().hex[:12]}",
        name={"en": "Holder"},
        roles=sorted(held),
        state=state,
    )
    token = keys.mint()
    key = _key(organisation.id, token, scopes_of(held) if scopes is None else scopes)
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add(organisation)
        await session.flush()
        session.add(key)
        if state is OrganisationState.VERIFIED:
            session.add(
                OrganisationLive(
                    organisation_id=organisation.id, name=organisation.name, from_position=0
                )
            )
    return Holder(organisation.id, key.id, token)
