"""Logging in with an identity provider over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.datastructures import Cookie, ResponseHeader, State
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter, SkipValidation

from matchmaker.core.db import Session
from matchmaker.core.http import ANY_QUERY
from matchmaker.core.limits import under
from matchmaker.core.problems import problems
from matchmaker.core.transient import AlreadyExists
from matchmaker.identity import access, schemas
from matchmaker.identity.errors import LoginRefused, NotAMember
from matchmaker.identity.oidc import service
from matchmaker.identity.oidc.errors import IssuerNotFound, IssuerUnavailable
from matchmaker.identity.oidc.service import Door, Returned
from matchmaker.identity.sessions.controllers import AtDesk, started_to_wire

COOKIE: Final = "__Host-mm_login"
"""Of a login that is under way: in the browser that began it, and in no other."""
AtDoor = NamedDependency[SkipValidation[Door]]
Known = Annotated[str, QueryParameter(name="state", description="As it was sent off with")]
Code = Annotated[str | None, QueryParameter(description="What the provider gives for a token")]
Iss = Annotated[str | None, QueryParameter(description="Who answers (RFC 9207)")]
_GUARDED: Final[dict[str, Any]] = {
    "path": "/",
    "secure": True,
    "httponly": True,
    "samesite": "lax",
}


class IssuerLoginController(Controller):
    """Sessions of people whom an identity provider vouches for."""

    path = "/sessions/oidc"
    tags = ("Identity",)

    @get(
        operation_id="startLogin",
        status_code=302,
        responses=problems(IssuerNotFound, IssuerUnavailable),
        response_headers=(
            ResponseHeader(name="Location", description="The provider", documentation_only=True),
        ),
        opt={**access.entry(), **under("login")},
    )
    async def start(self, issuer: FromQuery[str], door: AtDoor) -> Response[None]:
        """Send a browser to an identity provider that the installation names, to log in there."""
        place, kept = await service.depart(door, issuer)
        cookie = Cookie(key=COOKIE, value=kept, max_age=service.LASTS, **_GUARDED)
        headers = {"Location": place, "Cache-Control": "no-store"}
        return Response(None, status_code=302, headers=headers, cookies=[cookie])

    @get(
        "/callback",
        operation_id="finishLogin",
        responses=problems(LoginRefused, NotAMember, AlreadyExists, IssuerUnavailable),
        opt={**access.entry(), **under("login"), ANY_QUERY: True},
    )
    async def finish(  # noqa: PLR0917  (what an answer of a provider has)
        self,
        known_as: Known,
        session: NamedDependency[Session],
        desk: AtDesk,
        door: AtDoor,
        request: Request[Any, Any, State],
        *,
        code: Code = None,
        iss: Iss = None,
    ) -> Response[schemas.Login]:
        """Log in whoever comes back from the provider, in the browser that was sent there.

        They are known by the provider's name for them; the first time by an address that it has
        verified, of somebody who logs in here or whom an organisation has recorded as a member.
        """
        kept = request.cookies.get(COOKIE, "")
        started = await service.arrive(session, desk, door, Returned(kept, code, known_as, iss))
        answer = started_to_wire(started)
        answer.set_cookie(Cookie(key=COOKIE, value="", max_age=0, **_GUARDED))
        return answer


CONTROLLERS = (IssuerLoginController,)
