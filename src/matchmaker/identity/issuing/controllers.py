"""API keys over HTTP."""

from __future__ import annotations

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.limits import under
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page
from matchmaker.identity import access, schemas
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.errors import (
    ExpiryExceeded,
    KeyNotFound,
    KeyNotInForce,
    OrganisationNotFound,
    RotationUnderway,
    ScopesExceeded,
)
from matchmaker.identity.issuing import queries, service
from matchmaker.identity.keys import Token
from matchmaker.identity.models import ApiKey, ApiKeyId, OrganisationId


class OrganisationKeyController(Controller):
    """The keys of an organisation."""

    path = "/organisations/{organisation_id:uuid}/keys"
    tags = ("Identity",)
    opt = access.needs(Scope.KEYS_MANAGE)

    @post(
        operation_id="createKey",
        opt={**creates(has_secret=True), **under("keys")},
        responses=problems(OrganisationNotFound, ScopesExceeded, ExpiryExceeded),
    )
    async def create(
        self,
        organisation_id: FromPath[OrganisationId],
        data: JSONBody[schemas.KeyRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.NewKey:
        """Make a key; its text stands in this answer and never again.

        With `jwks` there is no text: the key signs for itself at `POST /v1/oauth/token`.

        A key is good for no more and for no longer than the one that made it, and for no more than
        the roles of its organisation allow: without scopes and expiry, for all of that. This is
        so at each use: with the rights of the key that made it, it loses its own.
        """
        holder = await service.holder_of_keys(session, organisation_id, by=principal)
        return new_key_to_wire(*await service.create(session, holder, data, by=principal))

    @get(operation_id="listKeys", responses=problems(OrganisationNotFound, CursorInvalid))
    async def list(
        self,
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Key]:
        """List the keys in the order they were made, ended ones too; their texts nobody has."""
        holder = await service.holder_of_keys(read_session, organisation_id, by=principal)
        listing = Listing("keys", holder.id, principal.organisation_id)
        found = await queries.list_keys(
            read_session, holder.id, after=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda row: row.id)
        return Page(items=[key_to_wire(row) for row in shown], page=page)


class KeyController(Controller):
    """One key."""

    path = "/keys/{key_id:uuid}"
    tags = ("Identity",)
    opt = access.needs(Scope.KEYS_MANAGE)

    @post(
        "/rotation",
        operation_id="rotateKey",
        opt={**creates(has_secret=True), **under("keys")},
        responses=problems(
            KeyNotFound, KeyNotInForce, RotationUnderway, ScopesExceeded, ExpiryExceeded
        ),
    )
    async def rotate(
        self,
        key_id: FromPath[ApiKeyId],
        data: JSONBody[schemas.RotationRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.NewKey:
        """Make a key of the same name, scopes and networks; the old one acts on for some days.

        At most two keys of a name act at a time: before the next rotation the overlap must have
        passed, or the old key be revoked. The new one ends no later than the key of the caller.
        """
        return new_key_to_wire(*await service.rotate(session, key_id, data, by=principal))

    @post(
        "/revocation",
        operation_id="revokeKey",
        status_code=200,
        responses=problems(KeyNotFound),
    )
    async def revoke(
        self,
        key_id: FromPath[ApiKeyId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Key:
        """End a key for good; within five seconds nobody takes it any more.

        Keys that were made with it are good for nothing from then on, unless another key has
        taken its place by rotation.
        """
        return key_to_wire(await service.revoke(session, key_id, by=principal))


def key_to_wire(row: ApiKey) -> schemas.Key:
    """A key without its secret."""
    return schemas.Key(
        id=row.id,
        organisation_id=row.organisation_id,
        public_id=row.public_id,
        name=row.name,
        scopes=row.scopes,
        created_by=row.created_by,
        created_by_member=row.created_by_member,
        created_at=row.created_at,
        expires_at=row.expires_at,
        replaced_by=row.replaced_by,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        allowed_from=row.allowed_from,
        jwks=None if row.jwks is None else msgspec.convert(row.jwks, schemas.PublicKeys),
    )


def new_key_to_wire(row: ApiKey, token: Token) -> schemas.NewKey:
    """A key with its secret, where somebody is to have one."""
    shown = key_to_wire(row)
    told = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return schemas.NewKey(**told, key=token.text if row.jwks is None else None)
