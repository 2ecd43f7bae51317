"""Who is calling, and whether the operation is theirs: the guard in front of every operation.

It stands behind ``core.http.Guard``: what that refuses is the same for every caller, is published
in the contract and costs nothing, so a request that fails there never reaches the database; and
OPTIONS is answered there, for everyone.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Request  # noqa: TC002  (Litestar reads it at run time)
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from matchmaker.core import access, db, http, provided
from matchmaker.core.access import (
    AccountInactive,
    AddressNotAllowed,
    RoleMissing,
    ScopeMissing,
)
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import Unauthenticated
from matchmaker.identity import keys
from matchmaker.identity.access import INACTIVE, Principal, Scope, roles_in_force, scopes_of
from matchmaker.identity.issuing import queries
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import ASGIApp, Message, Receive, Send
    from litestar.types import Scope as ASGIScope
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from matchmaker.core.access import Access
    from matchmaker.identity.issuing.queries import Credential, Maker

CACHE_SECONDS: Final = 2.0
"""How long a credential is taken at its word: after that, a revocation has acted everywhere."""
_CACHED: Final = 10_000
USE_NOTED_EVERY: Final = 60.0
"""Seconds between two notes of when a key was last used."""
_NOBODY: Final = bytes(32)
_PRINCIPAL: Final = "principal"

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A credential as the database had it at ``at``."""

    credential: Credential
    at: float


class Authentication(ASGIMiddleware):
    """Finds the caller and lets them pass or raises why not; one for each process."""

    scopes = (ScopeType.HTTP,)

    def __init__(
        self,
        read: async_sessionmaker[AsyncSession],
        write: async_sessionmaker[AsyncSession],
    ) -> None:
        """Look credentials up through ``read``, note their use through ``write``."""
        self._read = read
        self._write = write
        self._seen: dict[str, _Seen] = {}
        self._noted: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def handle(
        self, scope: ASGIScope, receive: Receive, send: Send, next_app: ASGIApp
    ) -> None:
        """Let the request pass or raise what its caller lacks."""
        wanted = access.of(scope["route_handler"])
        if wanted is None:
            # Health and contract, beside /v1: they depend on nothing and know nobody.
            await next_app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if not given:
            if not wanted.is_public:
                raise Unauthenticated
            await next_app(scope, receive, send)
            return
        token = _bearer(given)
        if token is None:
            raise Unauthenticated
        scope["state"][http.CALLER] = {"key": token.public_id}
        principal = await self._principal(token, _address(scope))
        _check(wanted, principal)
        scope["state"][_PRINCIPAL] = principal
        scope["state"][provided.ACTING] = principal.organisation_id

        async def send_privately(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await next_app(scope, receive, send_privately)

    async def drain(self) -> None:
        """Wait for the notes that are being written."""
        await asyncio.gather(*self._notes)

    async def _principal(self, token: keys.Token, address: str) -> Principal:
        credential = await self._credential(token.public_id)
        stored = _NOBODY if credential is None else credential.secret_hash
        if not hmac.compare_digest(stored, token.digest) or credential is None:
            raise Unauthenticated
        if credential.state in INACTIVE:
            raise AccountInactive(extra={"state": credential.state.value})
        if not _is_allowed_from(address, credential.allowed_from):
            raise AddressNotAllowed
        self._note_use(token.public_id, credential)
        return caller(credential)

    async def _credential(self, public_id: str) -> Credential | None:
        now = time.monotonic()
        seen = self._seen.get(public_id)
        if seen is not None and now - seen.at < CACHE_SECONDS:
            return seen.credential
        # Whose key it is, is what is asked: until it is found nobody acts but the installation.
        async with db.begun(self._read, db.INSTALLATION) as session:
            found = await queries.live_credential(ReadSession(session), public_id)
        # What is not found is not remembered: a key made a moment ago in another process works.
        self._seen.pop(public_id, None)
        if found is not None:
            if len(self._seen) >= _CACHED:
                del self._seen[next(iter(self._seen))]
            self._seen[public_id] = _Seen(found, now)
        return found

    def _note_use(self, public_id: str, credential: Credential) -> None:
        now = time.monotonic()
        last = self._noted.get(public_id)
        if last is not None and now - last < USE_NOTED_EVERY:
            return
        if len(self._noted) >= _CACHED:
            del self._noted[next(iter(self._noted))]
        self._noted[public_id] = now
        task = asyncio.create_task(self._write_use(credential))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, credential: Credential) -> None:
        """Note the use in a transaction of its own; no request waits for it or fails with it."""
        try:
            async with db.begun(self._write, credential.organisation_id) as session:
                await queries.note_use(Session(ReadSession(session)), credential.key_id)
        except Exception as failure:  # noqa: BLE001  (a missing note harms nobody)
            _log.warning("key.use_not_noted", kind=type(failure).__name__)


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


def caller(credential: Credential) -> Principal:
    """Who acts with ``credential``, in the roles and scopes that are in force now.

    A key is good for no more than each of those it was made with is now.
    """
    roles = roles_in_force(map(OrganisationRole, credential.roles), credential.state)
    scopes = _scopes_in_force(credential)
    for maker in credential.makers:
        is_out = maker.is_ended or maker.state in INACTIVE
        scopes &= frozenset() if is_out else _scopes_in_force(maker)
    return Principal(
        organisation_id=credential.organisation_id,
        roles=roles,
        state=credential.state,
        key_id=credential.key_id,
        scopes=scopes,
    )


def _scopes_in_force(key: Credential | Maker) -> frozenset[Scope]:
    given = frozenset(scope for scope in Scope if scope.value in key.scopes)
    return given & scopes_of(roles_in_force(map(OrganisationRole, key.roles), key.state))


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
