"""Who is calling, and whether the operation is theirs: the guard in front of every operation.

It stands behind ``core.http.Guard``: what that refuses is the same for every caller, is published
in the contract and costs nothing, so a request that fails there never reaches the database; and
OPTIONS is answered there, for everyone.
"""

from __future__ import annotations

import hmac
import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from litestar import Request  # noqa: TC002  (Litestar reads it at run time)
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from matchmaker.core import access, db, http, origin, provided
from matchmaker.core.access import (
    AccountInactive,
    AddressNotAllowed,
    RoleMissing,
    ScopeMissing,
    SessionNeeded,
)
from matchmaker.core.errors import Unauthenticated
from matchmaker.identity import keys
from matchmaker.identity.access import INACTIVE, Principal
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.principals import caller, sitter
from matchmaker.identity.remembering import Memory, Notes
from matchmaker.identity.sessions import queries as sessions
from matchmaker.identity.sessions import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import ASGIApp, Message, Receive, Send
    from litestar.types import Scope as ASGIScope
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from matchmaker.core.access import Access
    from matchmaker.identity.models import OrganisationState

_NOBODY: Final = bytes(32)
_PRINCIPAL: Final = "principal"


class Authentication(ASGIMiddleware):
    """Finds the caller and lets them pass or raises why not; one for each process."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self,
        read: async_sessionmaker[AsyncSession],
        write: async_sessionmaker[AsyncSession],
        *,
        idle: float,
    ) -> None:
        """Look credentials up through ``read``, note their use through ``write``.

        A session that was not used for ``idle`` seconds has ended.
        """
        self._keys = Memory(read, issued.live_credential)
        self._sessions = Memory(read, partial(sessions.sitting, idle=idle))
        self._notes = Notes(write)
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
        principal = await self._principal(scope, is_public=wanted.is_public)
        if wanted.is_personal:
            scope["state"][provided.ACTING] = db.INSTALLATION
        if principal is None:
            await next_app(scope, receive, send)
            return
        _check(wanted, principal)
        scope["state"][_PRINCIPAL] = principal
        scope["state"].setdefault(provided.ACTING, principal.organisation_id)

        async def send_privately(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await next_app(scope, receive, send_privately)

    async def drain(self) -> None:
        """Wait for the notes that are being written."""
        await self._notes.drain()

    async def _principal(self, scope: ASGIScope, *, is_public: bool) -> Principal | None:
        """The caller; None of a public operation where there is none.

        A header is sent on purpose and must be sound. A cookie goes along unasked: one that is
        over keeps nobody from what everybody may do, logging in above all.
        """
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if given:
            return await self._of_key(scope, _bearer(given))
        found = await self._of_session(scope)
        if found is None and not is_public:
            raise Unauthenticated
        return found

    async def _of_key(self, scope: ASGIScope, token: keys.Token | None) -> Principal:
        if token is None:
            raise Unauthenticated
        scope["state"][http.CALLER] = {"key": token.public_id}
        credential = await self._keys.get(token.public_id)
        stored = _NOBODY if credential is None else credential.secret_hash
        if not hmac.compare_digest(stored, token.digest) or credential is None:
            raise Unauthenticated
        _check_active(credential.state)
        if not _is_allowed_from(_address(scope), credential.allowed_from):
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


def _check_active(state: OrganisationState) -> None:
    if state in INACTIVE:
        raise AccountInactive(extra={"state": state.value})


def _address(scope: ASGIScope) -> str:
    """Where the request comes from; the server takes a proxy's word only where it is told to."""
    client = scope.get("client")
    return client[0] if client else ""


def _bearer(given: list[bytes]) -> keys.Token | None:
    """The key of the only Authorization header; None where it is anything else."""
    scheme, _, text = given[0].decode("latin-1").partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer":
        return None
    return keys.read(text.strip(" "))


def _is_allowed_from(address: str, networks: Sequence[str] | None) -> bool:
    """Whether ``address`` lies in one of ``networks``; where none are named, it does."""
    if networks is None:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A listener for both families tells of an IPv4 client as ::ffff:192.0.2.1.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ipaddress.ip_network(network) for network in networks)


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
