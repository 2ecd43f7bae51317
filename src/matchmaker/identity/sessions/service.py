"""Logging in, choosing for whom one acts, the second factor, logging out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from matchmaker.core.clock import utc_now
from matchmaker.core.errors import Unauthenticated
from matchmaker.core.sealing import CannotOpen
from matchmaker.identity import queries as rows
from matchmaker.identity.access import INACTIVE, event_actor
from matchmaker.identity.errors import (
    AlreadyProtected,
    LoginRefused,
    NotAMember,
    SecondFactorNeeded,
    WrongCode,
)
from matchmaker.identity.history import tell_of_session
from matchmaker.identity.models import Person, PersonSession
from matchmaker.identity.principals import member
from matchmaker.identity.sessions import factors, queries, tokens

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import EventActor
    from matchmaker.core.limits import Limits
    from matchmaker.core.sealing import Sealer
    from matchmaker.identity import schemas
    from matchmaker.identity.access import LoggedIn, Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.identity.sessions.passwords import Passwords
    from matchmaker.identity.sessions.queries import Membership
    from matchmaker.identity.sessions.tokens import SessionToken


SECOND_FACTORS: Final = "second factors"
"""What their secrets are sealed for."""


class Desk(NamedTuple):
    """What logins are checked with."""

    passwords: Passwords
    sealer: Sealer
    reading: Callable[[], AbstractAsyncContextManager[ReadSession]]
    """Opens a transaction of its own: none is held while a password is checked."""
    lifetime: dt.timedelta
    counted: Limits | None = None
    """What counts tries; without it there may be as many as anybody likes."""


class Started(NamedTuple):
    """A session as it begins or goes on under another token."""

    person: Person
    session: PersonSession
    token: SessionToken
    acting: Membership
    memberships: Sequence[Membership]


async def log_in(session: Session, desk: Desk, request: schemas.LoginRequest) -> Started:
    """A new session of whoever the address and the password are of.

    Raises:
        LoginRefused: nobody's, or the second factor does not fit; it is not said which.
        SecondFactorNeeded: the password fits, and a code is missing.
        NotAMember: of the organisation that was named, or of any.
        TooManyRequests: as `refuse_guessing`.
    """
    email = request.email.lower()
    await refuse_guessing(desk, email)
    async with desk.reading() as look:
        found = await queries.person_of(look, email)
    stored = None if found is None else found.password_hash
    if not await desk.passwords.fits(request.password, stored) or found is None:
        raise LoginRefused
    if found.totp is not None:
        await _check_code(session, desk, found, request.code)
    return await begin(session, desk, found, request.organisation_id)


async def begin(
    session: Session, desk: Desk, found: Person, wanted: OrganisationId | None
) -> Started:
    """A new session of a person who proved who they are; its token is always a new one.

    Raises:
        NotAMember: of the organisation that was named, or of any.
    """
    held = await queries.memberships(session, found.email)
    acting = _chosen(held, wanted)
    token = tokens.mint()
    begun = PersonSession(
        token_hash=token.digest,
        person_id=found.id,
        organisation_id=acting.organisation_id,
        expires_at=utc_now() + desk.lifetime,
    )
    await rows.add(session, begun)
    await tell_of_session(session, "session.started", begun, _as_member(acting))
    return Started(found, begun, token, acting, held)


async def _check_code(session: Session, desk: Desk, found: Person, code: str | None) -> None:
    if code is None:
        raise SecondFactorNeeded
    if not await takes(session, desk.sealer, found, code):
        raise LoginRefused


async def refuse_guessing(desk: Desk, email: str) -> None:
    """Let a few tries at an account pass, from wherever they come; of nobody's account too.

    Raises:
        TooManyRequests: there were too many.
    """
    if desk.counted is not None:
        # No address of a person stands in the table of limits.
        await desk.counted.spend("account", hashlib.sha256(email.encode()).hexdigest())


async def takes(session: Session, sealer: Sealer, found: Person, code: str) -> bool:
    """Whether the code is one of the person's now; it is not a second time."""
    if len(code) != factors.DIGITS:
        (digest,) = factors.digests([code])
        return await queries.use_recovery(session, found.id, digest)
    try:
        secret = sealer.open(found.totp or b"", row=found.id.bytes)
    except CannotOpen:
        return False
    step = factors.step_of(secret, code, utc_now().timestamp())
    return step is not None and await queries.use_step(session, found.id, step)


def _as_member(acting: Membership) -> EventActor:
    return event_actor(member(acting))


def _chosen(held: Sequence[Membership], wanted: OrganisationId | None) -> Membership:
    # Of several the first that can act: a firm that is suspended keeps nobody from the others.
    for each in sorted(held, key=lambda each: each.state in INACTIVE):
        if wanted in {None, each.organisation_id}:
            return each
    raise NotAMember


async def act_for(
    session: Session, login: LoggedIn, wanted: OrganisationId, *, presented: SessionToken
) -> Started:
    """The session, which acts for ``wanted`` from now on, under a new token.

    Raises:
        NotAMember: of that organisation.
        Unauthenticated: the session has ended, or has another token by now.
    """
    person = await queries.person(session, login.person_id)
    if person is None:
        raise Unauthenticated
    held = await queries.memberships(session, person.email)
    acting = _chosen(held, wanted)
    token = tokens.mint()
    values = {"token_hash": token.digest, "organisation_id": acting.organisation_id}
    if not await queries.change_session(session, login.id, values, digest=presented.digest):
        raise Unauthenticated
    now = await queries.started(session, login.id)
    if now is None:
        raise Unauthenticated
    await tell_of_session(session, "session.acting_changed", now, _as_member(acting))
    return Started(person, now, token, acting, held)


async def log_out(session: Session, by: Principal, login: LoggedIn, *, everywhere: bool) -> None:
    """End the session, or every one of its person; one that has ended stays ended."""
    now = await queries.started(session, login.id)
    if now is None:
        return
    if everywhere:
        await queries.end_sessions(session, login.person_id)
    else:
        await queries.change_session(session, login.id, {"ended_at": utc_now()})
    await tell_of_session(session, "session.ended", now, event_actor(by))


async def protect(
    session: Session, desk: Desk, login: LoggedIn, request: schemas.SecondFactor
) -> list[str]:
    """Recovery codes, shown once: from now on a code of this secret is asked for at each login.

    Raises:
        WrongCode: the code is not one of the secret now, or the secret is none.
        AlreadyProtected: there is a second factor, which a session alone does not replace.
        Unauthenticated: the person is gone.
    """
    secret = factors.read(request.secret)
    step = None if secret is None else _step_now(secret, request.code)
    if secret is None or step is None:
        raise WrongCode
    person = await queries.person(session, login.person_id)
    if person is None:
        raise Unauthenticated
    codes = factors.recovery_codes()
    is_set = await queries.set_factor(
        session,
        person.id,
        totp=desk.sealer.seal(secret, row=person.id.bytes),
        totp_step=step,
        recovery=factors.digests(codes),
    )
    if not is_set:
        raise AlreadyProtected
    return codes


def _step_now(secret: bytes, code: str) -> int | None:
    return factors.step_of(secret, code, utc_now().timestamp())
