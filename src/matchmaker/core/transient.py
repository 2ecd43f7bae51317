"""Which database failures pass by themselves, and what the others mean to a caller."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from matchmaker.core.errors import Conflict, Forbidden, Unprocessable
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.errors import MatchmakerError

_PASSING_STATES = frozenset(
    {
        "25P03",  # idle in transaction too long
        "40001",  # serialization failure
        "40P01",  # deadlock
        "53300",  # too many connections
        "53400",
        "55P03",  # lock not available
        "57014",  # statement timeout
        "57P01",  # server shuts down
        "57P02",
        "57P03",  # server starts up
        "57P05",
    }
)
_PASSING_ERRNOS = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ETIMEDOUT}
)
_BROKEN_CLIENT = frozenset(
    {
        "InternalClientError",
        "ConnectionDoesNotExistError",
        "InvalidCachedStatementError",
        "OutdatedSchemaCacheError",
    }
)
_CLOSED = ("connection is closed", "connection was closed", "connection has been released")


class AlreadyExists(Conflict):
    """The change meets another row that says the same, or one it needs is gone."""

    slug = "already_exists"
    title = Bilingual(zh="与已有记录冲突", en="It conflicts with an existing record")


class NotStorable(Unprocessable):
    """A value is outside what can be stored."""

    slug = "not_storable"
    title = Bilingual(zh="有一个取值无法保存", en="A value cannot be stored")


def is_transient(failure: BaseException) -> bool:
    """Whether the same request may work in a moment: the database was away, busy or restarting."""
    return any(_passes(link) for link in _chain(failure))


def meaning(failure: BaseException) -> MatchmakerError | None:
    """What a refused statement says to the caller; None where it is a fault of ours."""
    state = sql_state(failure)
    if state in {"23505", "23503", "23P01"}:
        return AlreadyExists()
    if state == "42501":
        return Forbidden()
    return NotStorable() if state == "23514" or state.startswith("22") else None


def sql_state(failure: BaseException) -> str:
    """The SQLSTATE behind ``failure``, or an empty string."""
    for link in _chain(failure):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return state
    return ""


def _chain(failure: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [failure]
    while waiting:
        link = waiting.pop()
        if link is None or link in seen:
            continue
        seen.append(link)
        yield link
        waiting.append(link.__cause__)
        if isinstance(link, DBAPIError):
            waiting.append(link.orig)
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)


def _passes(link: BaseException) -> bool:
    if isinstance(link, (TimeoutError, ConnectionError, socket.gaierror, PoolTimeout)):
        return True
    if isinstance(link, OSError):
        return link.errno in _PASSING_ERRNOS
    if isinstance(link, PendingRollbackError):
        # SQLAlchemy's code for a transaction whose connection was lost on the way.
        return link.code == "8s2b"
    return _lost_connection(link) or _passing_state(getattr(link, "sqlstate", None))


def _lost_connection(link: BaseException) -> bool:
    if isinstance(link, DBAPIError):
        return link.connection_invalidated
    name = type(link).__name__
    closed = name == "InterfaceError" and any(word in str(link) for word in _CLOSED)
    return closed or name in _BROKEN_CLIENT


def _passing_state(state: object) -> bool:
    return isinstance(state, str) and (state in _PASSING_STATES or state.startswith("08"))
