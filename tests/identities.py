"""Organisations with keys, as tests need them: written straight into the database."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from matchmaker.identity import keys
from matchmaker.identity.access import Scope, scopes_of
from matchmaker.identity.models import (
    ApiKey,
    ApiKeyId,
    Organisation,
    OrganisationId,
    OrganisationLive,
    OrganisationRole,
    OrganisationState,
)


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
