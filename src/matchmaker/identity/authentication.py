"""Who is calling, and whether the operation is theirs: the guard in front of every operation.

It stands behind ``core.http.Guard``: what that refuses is the same for every caller, is published
in the contract and costs nothing, so a request that fails there never reaches the database; and
OPTIONS is answered there, for everyone.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Request  # noqa: TC002  (Litestar reads it at run time)
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from matchmaker.core import access, db, http, origin, provided
from matchmaker.core.access import (
    AccountInactive,
    AddressNotAllowed,
    DelegationMissing,
    RoleMissing,
    ScopeMissing,
    SessionNeeded,
)
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import Unauthenticated
from matchmaker.identity import keys
from matchmaker.identity.access import INACTIVE, Principal
from matchmaker.identity.delegations.queries import in_force
from matchmaker.identity.delegations.service import deputy
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.networks import address_of, is_allowed_from
from matchmaker.identity.principals import caller, sitter
from matchmaker.identity.remembering import Memory, Notes
from matchmaker.identity.sessions import queries as sessions
from matchmaker.identity.sessions import tokens
from matchmaker.identity.sightings import service as sightings

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, Message, Receive, Send
    from litestar.types import Scope as ASGIScope
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from matchmaker.core.access import Access
    from matchmaker.identity.access import Scope
    from matchmaker.identity.issuing.queries import Credential
    from matchmaker.identity.models import OrganisationState
    from matchmaker.identity.oauth.tokens import AccessTokens

_NOBODY: Final = bytes(32)
_DOTS: Final = 2
"""Of a token."""
_PRINCIPAL: Final = "principal"
_REFUSED: Final = 400
FOR: Final = b"matchmaker-for"
"""The header in which an adviser says in whose name it acts."""


class Authentication(ASGIMiddleware):
    """Finds the caller and lets them pass or raises why not; one for each process."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self,
        read: async_sessionmaker[AsyncSession],
        write: async_sessionmaker[AsyncSession],
        *,
        tokens_: Callable[[], AccessTokens],
        idle: float,
    ) -> None:
        """Look credentials up through ``read``, note their use through ``write``.

        A session that was not used for ``idle`` seconds has ended; ``tokens_`` reads tokens.
        """
        self._tokens = tokens_
        self._keys = Memory(read, issued.live_credential)
        self._sessions = Memory(read, partial(sessions.sitting, idle=idle))
        self._delegations = Memory(read, in_force)
        self._notes, self._write = Notes(write), write
        self._idle = idle

    async def handle(
        self, scope: ASGIScope, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        """Let the request pass or raise what its caller lacks."""
        wanted = access.of(scope["route_handler"])
        if wanted is None:
            # Health and contract, beside /v1: they depend on nothing and know nobody.
            await next_app(scope, receive, send)
            return
        principal = await self._principal(scope, wanted)
        if wanted.is_personal:
            scope["state"][provided.ACTING] = db.INSTALLATION
        if principal is None:
            await next_app(scope, receive, send)
            return
        principal = await self._acting(scope, principal)
        _check(wanted, principal)
        scope["state"][_PRINCIPAL] = principal
        scope["state"].setdefault(provided.ACTING, principal.organisation_id)

        async def send_privately(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._record(principal, message["status"])
                headers = MutableScopeHeaders.from_message(message)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await next_app(scope, receive, send_privately)

    async def _record(self, by: Principal, status: int) -> None:
        """Note what of others is in the answer, before it goes out: or it does not."""
        if by.looks and status < _REFUSED:
            async with db.begun(self._write, by.organisation_id) as session:
                await sightings.record(Session(ReadSession(session)), by, by.looks)

    async def drain(self) -> None:
        """Wait for the notes that are being written."""
        await self._notes.drain()

    async def _principal(self, scope: ASGIScope, wanted: Access) -> Principal | None:
        """The caller; None of a public operation where there is none.

        A header is sent on purpose and must be sound. A cookie goes along unasked: one that is
        over keeps nobody from what everybody may do, and none at all from logging in.
        """
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if given and not wanted.proves_itself:
            return await self._of_header(scope, _bearer(given))
        found = None if wanted.is_entry else await self._of_session(scope)
        if found is None and not wanted.is_public:
            raise Unauthenticated
        return found

    async def _acting(self, scope: ASGIScope, principal: Principal) -> Principal:
        """The caller, in the name of the organisation that the request says, where it says one."""
        named = [value for name, value in scope["headers"] if name == FOR]
        if not named:
            return principal
        owner = _organisation(named)
        given = await self._delegations.get((owner, principal.organisation_id)) if owner else None
        if owner is None or given is None:
            raise DelegationMissing
        return deputy(principal, owner, given)

    async def _of_header(self, scope: ASGIScope, text: str | None) -> Principal:
        """Whoever has the key, or a token of it."""
        if text is None:
            raise Unauthenticated
        token = keys.read(text)
        return await (self._of_token(scope, text) if token is None else self._of_key(scope, token))

    async def _of_key(self, scope: ASGIScope, token: keys.Token) -> Principal:
        credential = await self._found(scope, token.public_id)
        stored = _NOBODY if credential is None else credential.secret_hash
        if not hmac.compare_digest(stored, token.digest) or credential is None:
            raise Unauthenticated
        return self._of_credential(scope, credential)

    async def _of_token(self, scope: ASGIScope, text: str) -> Principal:
        """Whoever has the token, as its key is now: it says nothing that could not have ended."""
        # What is no token costs no signature: neither junk, nor a key that is mistyped.
        is_token = text.count(".") == _DOTS
        now = int(utc_now().timestamp())
        presented = self._tokens().read(text, now=now) if is_token else None
        if presented is None:
            raise Unauthenticated
        credential = await self._found(scope, presented.client_id)
        if credential is None:
            raise Unauthenticated
        principal = self._of_credential(scope, credential)
        return replace(principal, scopes=within_token(principal.scopes, presented.scopes))

    async def _found(self, scope: ASGIScope, public_id: str) -> Credential | None:
        scope["state"][http.CALLER] = {"key": public_id}
        return await self._keys.get(public_id)

    def _of_credential(self, scope: ASGIScope, credential: Credential) -> Principal:
        _check_active(credential.state)
        if not is_allowed_from(address_of(scope), credential.allowed_from):
            raise AddressNotAllowed
        key_id, of = credential.key_id, credential.organisation_id
        self._notes.note(key_id, of, lambda session: issued.note_use(session, key_id))
        return caller(credential)

    async def _of_session(self, scope: ASGIScope) -> Principal | None:
        connection: ASGIConnection[Any, Any, Any, State] = ASGIConnection(scope)
        text = connection.cookies.get(origin.COOKIE)
        token = None if text is None else tokens.read(text)
        sitting = None if token is None else await self._sessions.get(token.digest)
        if sitting is None:
            return None
        scope["state"][http.CALLER] = {"session": str(sitting.session_id)}
        origin.check(str(scope.get("method", "")), connection.headers)
        _check_active(sitting.membership.state)
        id_ = sitting.session_id
        self._notes.note(
            id_,
            db.INSTALLATION,
            lambda session: sessions.note_sight(session, id_, idle=self._idle),
        )
        return sitter(sitting)


def _organisation(named: list[bytes]) -> OrganisationId | None:
    """The organisation that the only header names; None where it is anything else."""
    try:
        (text,) = named
        return OrganisationId(UUID(text.decode("ascii")))
    except ValueError:
        return None


def _check_active(state: OrganisationState) -> None:
    if state in INACTIVE:
        raise AccountInactive(extra={"state": state.value})


def within_token(held: frozenset[Scope], said: frozenset[Scope]) -> frozenset[Scope]:
    """What a token is good for: no more than it says, and no more than its key is now."""
    return held & said


def _bearer(given: list[bytes]) -> str | None:
    """The credential of the only Authorization header; None where it is anything else."""
    scheme, _, text = given[0].decode("latin-1").partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        return None
    return text.strip(" ")


def _check(wanted: Access, principal: Principal) -> None:
    if wanted.by_person and principal.login is None:
        raise SessionNeeded
    if wanted.scope is not None and wanted.scope not in principal.scopes:
        raise ScopeMissing(
            zh=f"该操作需要权限范围 {wanted.scope}",
            en=f"the operation needs the scope {wanted.scope}",
            extra={"scope": wanted.scope},
        )
    if wanted.roles and not wanted.roles & principal.roles:
        names = sorted(wanted.roles)
        raise RoleMissing(
            zh=f"该操作需要以下角色之一：{'、'.join(names)}",
            en=f"the operation needs one of the roles {', '.join(names)}",
            extra={"roles": names},
        )


async def provide_visitor(request: Request[Any, Any, State]) -> Principal | None:
    """The caller; None where nobody said who they are."""
    found: Principal | None = request.scope["state"].get(_PRINCIPAL)
    return found


async def provide_principal(request: Request[Any, Any, State]) -> Principal:
    """The caller.

    Raises:
        Unauthenticated: nobody said who they are.
    """
    found = await provide_visitor(request)
    if found is None:
        raise Unauthenticated
    return found
