"""Logging in and out over HTTP, and the second factor."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, post, put
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter, SkipValidation

from matchmaker.core import origin
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import Unauthenticated
from matchmaker.core.limits import under
from matchmaker.core.origin import CrossSite
from matchmaker.core.problems import problems
from matchmaker.core.wire import Text
from matchmaker.identity import access, schemas
from matchmaker.identity.access import LoggedIn, Principal
from matchmaker.identity.errors import (
    AlreadyProtected,
    LoginRefused,
    NotAMember,
    NotProtected,
    RecentLoginNeeded,
    SecondFactorNeeded,
    WrongCode,
    WrongPassword,
)
from matchmaker.identity.models import Person
from matchmaker.identity.sessions import changing, factors, queries, service, tokens
from matchmaker.identity.sessions.service import Desk, Started

AtDesk = NamedDependency[SkipValidation[Desk]]
Everywhere = Annotated[
    bool, QueryParameter(description="End every session of the person, not only this one")
]


class SessionController(Controller):
    """Sessions of people."""

    path = "/sessions"
    tags = ("Identity",)

    @post(
        operation_id="logIn",
        responses=problems(LoginRefused, SecondFactorNeeded, NotAMember, CrossSite),
        opt={**access.entry(), **under("login")},
    )
    async def log_in(
        self,
        data: JSONBody[schemas.LoginRequest],
        session: NamedDependency[Session],
        desk: AtDesk,
        request: Request[Any, Any, State],
    ) -> Response[schemas.Login]:
        """Log a person in, for one of the organisations that they are a member of.

        The session is in the cookie of the answer; the header `Matchmaker-Client` goes with this
        request and with every change that the cookie vouches for.
        """
        origin.check(request.method, request.headers)
        return started_to_wire(await service.log_in(session, desk, data), status_code=201)

    @put(
        "/organisation",
        operation_id="actFor",
        responses=problems(NotAMember),
        opt=access.person(),
    )
    async def act_for(
        self,
        data: JSONBody[schemas.ActingRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        request: Request[Any, Any, State],
    ) -> Response[schemas.Login]:
        """Act for another of the person's organisations, from now on and under a new cookie."""
        token = tokens.read(request.cookies.get(origin.COOKIE, ""))
        if token is None:
            raise Unauthenticated
        return started_to_wire(
            await service.act_for(
                session, login_of(principal), data.organisation_id, presented=token
            )
        )

    @delete(operation_id="logOut", responses=problems(), opt=access.person())
    async def log_out(
        self,
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        *,
        everywhere: Everywhere = False,
    ) -> Response[None]:
        """Log the person out; within five seconds nobody takes the cookie any more."""
        await service.log_out(session, principal, login_of(principal), everywhere=everywhere)
        gone = Cookie(key=origin.COOKIE, value="", max_age=0, **_GUARDED)
        return Response(None, status_code=204, cookies=[gone])


class SecondFactorController(Controller):
    """The second factor of the person who is logged in."""

    path = "/me/second-factor"
    tags = ("Identity",)

    @post(
        operation_id="proposeSecondFactor",
        status_code=200,
        responses=problems(AlreadyProtected),
        opt=access.person(),
    )
    async def propose(
        self, read_session: NamedDependency[ReadSession], principal: NamedDependency[Principal]
    ) -> schemas.ProposedFactor:
        """Propose a secret for an authenticator; nothing is kept until a code of it is sent."""
        person = await queries.person(read_session, login_of(principal).person_id)
        if person is None:
            raise Unauthenticated
        if person.totp is not None:
            raise AlreadyProtected
        secret = factors.new_secret()
        return schemas.ProposedFactor(
            secret=factors.written(secret), uri=factors.uri(secret, person.email)
        )

    @put(
        operation_id="setSecondFactor",
        responses=problems(AlreadyProtected, WrongCode),
        opt=access.person(),
    )
    async def set(
        self,
        data: JSONBody[schemas.SecondFactor],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        desk: AtDesk,
    ) -> schemas.RecoveryCodes:
        """Ask for a code of this secret at each login from now on.

        Each of the recovery codes is taken once in place of a code; they are shown here alone.
        """
        codes = await service.protect(session, desk, login_of(principal), data)
        return schemas.RecoveryCodes(codes=codes)

    @post(
        "/removal",
        operation_id="removeSecondFactor",
        status_code=204,
        responses=problems(NotProtected, WrongCode),
        opt={**access.person(), **under("login")},
    )
    async def remove(
        self,
        data: JSONBody[schemas.PresentedFactor],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        desk: AtDesk,
    ) -> None:
        """Ask for no code at logins any more; whoever asks for this needs the factor once more."""
        await changing.unprotect(session, desk, data.code, by=principal, login=login_of(principal))


class PasswordController(Controller):
    """The password of the person who is logged in."""

    path = "/me/password"
    tags = ("Identity",)

    @put(
        operation_id="changePassword",
        status_code=204,
        responses=problems(WrongPassword, RecentLoginNeeded),
        opt={**access.person(), **under("login")},
    )
    async def change(  # noqa: PLR0917  (what a change by somebody takes)
        self,
        data: JSONBody[schemas.PasswordChange],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        desk: AtDesk,
        request: Request[Any, Any, State],
    ) -> Response[None]:
        """Set another password; every other session of the person ends, this one has a new cookie.

        It takes the old password. Who has none yet, and logs in with an identity provider, sets the
        first one within ten minutes of a login.
        """
        presented = tokens.read(request.cookies.get(origin.COOKIE, ""))
        if presented is None:
            raise Unauthenticated
        login = login_of(principal)
        token = await changing.change_password(
            session, desk, data, by=principal, login=login, presented=presented
        )
        kept = Cookie(key=origin.COOKIE, value=token.text, **_GUARDED)
        return Response(None, status_code=204, cookies=[kept])


def person_to_wire(row: Person) -> schemas.Person:
    """A person as they see themselves."""
    return schemas.Person(id=row.id, name=row.name, email=row.email)


def login_to_wire(login: LoggedIn) -> schemas.Person:
    """Whoever is logged in, as they see themselves."""
    return schemas.Person(id=login.person_id, name=login.name, email=login.email)


def login_of(principal: Principal) -> LoggedIn:
    """The session of the person; the guard lets nobody else pass."""
    assert principal.login is not None  # noqa: S101  (declared with `access.person`)
    return principal.login


_GUARDED: dict[str, Any] = {
    "path": "/",
    "secure": True,
    "httponly": True,
    "samesite": "lax",
}


def started_to_wire(started: Started, *, status_code: int = 200) -> Response[schemas.Login]:
    """A session with its cookie."""
    body = schemas.Login(
        person=person_to_wire(started.person),
        organisation_id=started.acting.organisation_id,
        role=started.acting.role,
        memberships=[
            schemas.Membership(
                organisation_id=each.organisation_id,
                name=msgspec.convert(each.name, Text),
                role=each.role,
            )
            for each in started.memberships
        ],
        expires_at=started.session.expires_at,
    )
    kept = Cookie(key=origin.COOKIE, value=started.token.text, **_GUARDED)
    return Response(
        body, status_code=status_code, cookies=[kept], headers={"Cache-Control": "no-store"}
    )


CONTROLLERS = (SessionController, SecondFactorController, PasswordController)
