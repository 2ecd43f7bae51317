"""What people change of how they log in: the password, and that there is no second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.errors import Unauthenticated
from matchmaker.identity.access import event_actor
from matchmaker.identity.errors import (
    NotProtected,
    RecentLoginNeeded,
    WrongCode,
    WrongPassword,
)
from matchmaker.identity.history import tell_of_session
from matchmaker.identity.sessions import queries, tokens
from matchmaker.identity.sessions.registering import hashed
from matchmaker.identity.sessions.service import refuse_guessing, takes

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.identity import schemas
    from matchmaker.identity.access import LoggedIn, Principal
    from matchmaker.identity.models import Person
    from matchmaker.identity.sessions.service import Desk
    from matchmaker.identity.sessions.tokens import SessionToken

RECENT: Final = 600.0
"""Seconds since a login in which who has no password yet, and came another way, sets one."""


async def change_password(
    session: Session,
    desk: Desk,
    request: schemas.PasswordChange,
    *,
    by: Principal,
    login: LoggedIn,
    presented: SessionToken,
) -> SessionToken:
    """The session's new token: the person has another password, and no other session.

    Raises:
        InvalidContent: the new password is too short.
        WrongPassword, RecentLoginNeeded: as `refuse_unproven`.
        TooManyRequests: there were too many tries.
        Unauthenticated: the session has ended, or has another token by now.
    """
    await refuse_guessing(desk, login.email)
    await refuse_unproven(desk, login, request.old_password)
    password_hash = await hashed(desk.passwords, request.password)
    token = tokens.mint()
    values = {"token_hash": token.digest}
    if not await queries.change_session(session, login.id, values, digest=presented.digest):
        raise Unauthenticated
    await queries.change_person(session, login.person_id, password_hash=password_hash)
    await queries.end_sessions(session, login.person_id, but=login.id)
    await _tell(session, "session.password_changed", by, login)
    return token


async def refuse_unproven(desk: Desk, login: LoggedIn, old: str | None) -> None:
    """Let nobody set a password who merely came by an open browser.

    Raises:
        WrongPassword: it is not the person's, or they have one and none was sent.
        RecentLoginNeeded: they have none yet, and the login is not a moment ago.
    """
    async with desk.reading() as look:
        person = await queries.person(look, login.person_id)
        is_recent = await queries.began_within(look, login.id, RECENT)
    stored = None if person is None else person.password_hash
    if old is None and stored is None:
        if not is_recent:
            raise RecentLoginNeeded
    elif old is None or not await desk.passwords.fits(old, stored):
        raise WrongPassword


async def unprotect(
    session: Session, desk: Desk, code: str, *, by: Principal, login: LoggedIn
) -> None:
    """Ask for no code at logins any more.

    Raises:
        NotProtected: none is asked for.
        WrongCode: as `refuse_without_factor`.
        TooManyRequests: there were too many tries.
    """
    await refuse_guessing(desk, login.email)
    person = await queries.person(session, login.person_id)
    if person is None or person.totp is None:
        raise NotProtected
    await refuse_without_factor(session, desk, person, code)
    await queries.change_person(session, person.id, totp=None, recovery=[])
    await _tell(session, "session.factor_removed", by, login)


async def refuse_without_factor(session: Session, desk: Desk, person: Person, code: str) -> None:
    """Let nobody take the factor away who does not have it.

    Raises:
        WrongCode: the code is not one of the person's now, or was used before.
    """
    if not await takes(session, desk.sealer, person, code):
        raise WrongCode


async def _tell(session: Session, kind: str, by: Principal, login: LoggedIn) -> None:
    now = await queries.started(session, login.id)
    if now is None:
        raise Unauthenticated
    await tell_of_session(session, kind, now, event_actor(by))
