"""The layer that counts requests and says in each answer what is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from matchmaker.core import access, http
from matchmaker.core.limits.errors import TooManyRequests
from matchmaker.core.limits.policies import purpose_of

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

    from matchmaker.core.limits.addresses import Addresses
    from matchmaker.core.limits.policies import Policy
    from matchmaker.core.limits.settling import Ledger, Standing

POLICY: Final = "RateLimit-Policy"
LIMIT: Final = "RateLimit"


class Limits(ASGIMiddleware):
    """Lets a request pass or raises that its caller asks too often (draft-10 of RateLimit).

    It stands behind the guard: a known caller is counted by its credential.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(
        self, policies: Mapping[str, Policy], ledger: Ledger, addresses: Addresses
    ) -> None:
        """Hold callers to ``policies``."""
        self.ledger = ledger
        self._policies = policies
        self._addresses = addresses
        self._purposes: dict[tuple[BaseRouteHandler, bool], str] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count the request."""
        handler = scope["route_handler"]
        wanted = access.of(handler)
        if wanted is None:
            await next_app(scope, receive, send)
            return
        # Who logs in is nobody yet: a session that goes along would begin a count of its own.
        caller = None if wanted.is_entry else scope["state"].get(http.CALLER)
        subject = next(iter(caller.values())) if caller else self._addresses.of(scope)
        purpose = self._purpose(handler, is_known=bool(caller))
        policy = self._policies[purpose]
        standing = await self.ledger.charge(purpose, policy, subject)
        headers = _headers(purpose, policy, standing)
        if not standing.is_within:
            raise TooManyRequests(purpose, max(1, math.ceil(standing.wait)), headers)
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

        async def send_with_limit(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *encoded]
            await send(message)

        await next_app(scope, receive, send_with_limit)

    async def spend(self, purpose: str, subject: str) -> None:
        """Count what no request alone tells, as tries of one account from wherever they come.

        Raises:
            TooManyRequests: there were too many.
        """
        policy = self._policies[purpose]
        standing = await self.ledger.charge(purpose, policy, subject)
        if not standing.is_within:
            headers = _headers(purpose, policy, standing)
            raise TooManyRequests(purpose, max(1, math.ceil(standing.wait)), headers)

    def _purpose(self, handler: BaseRouteHandler, *, is_known: bool) -> str:
        found = self._purposes.get((handler, is_known))
        if found is None:
            found = purpose_of(handler, is_known=is_known)
            self._purposes[handler, is_known] = found
        return found


def _headers(purpose: str, policy: Policy, standing: Standing) -> dict[str, str]:
    return {
        POLICY: f'"{purpose}";q={policy.quota};w={policy.window}',
        LIMIT: f'"{purpose}";r={standing.remaining};t={max(0, math.ceil(standing.reset))}',
    }
