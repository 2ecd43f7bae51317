"""Every statement on kept replies. The clock is the database's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Interval, LargeBinary, SmallInteger, Text, TextClause, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from matchmaker.core.db import Session, statement

_TYPES: Final[Mapping[str, Any]] = {
    "organisation_id": Uuid(),
    "method": Text(),
    "route": Text(),
    "key": Text(),
    "fingerprint": LargeBinary(),
    "status": SmallInteger(),
    "headers": JSONB(),
    "body": LargeBinary(),
    "made": Text(),
    "age": Interval(),
}


def _statement(sql: str) -> TextClause:
    return statement(sql, _TYPES)


class Claim(NamedTuple):
    """Whose key it is, for which operation, and the SHA-256 of what is asked."""

    organisation_id: UUID
    method: str
    route: str
    key: str
    fingerprint: bytes


class Reply(NamedTuple):
    """An answer; its body, unless that is not kept, and the id of what was made, if it has one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | None
    made: str | None


class Found(NamedTuple):
    """What a key was used for before."""

    fingerprint: bytes
    reply: Reply


_OF_CLAIM = """
    organisation_id = :organisation_id and method = :method and route = :route and key = :key
"""

# Waits for a transaction that claims the same key: it is in vain if that commits.
_CLAIM = _statement("""
    insert into mm.kept_reply (organisation_id, method, route, key, fingerprint)
    values (:organisation_id, :method, :route, :key, :fingerprint)
    on conflict do nothing returning true
""")

_FIND = _statement(f"""
    select fingerprint, status, headers, body, made from mm.kept_reply where {_OF_CLAIM}
""")  # noqa: S608  (a constant)

_KEEP = _statement(f"""
    update mm.kept_reply set status = :status, headers = :headers, body = :body, made = :made
    where {_OF_CLAIM}
""")  # noqa: S608  (a constant)

_FORGET = _statement("update mm.kept_reply set body = null where body is not null")

_PRUNE = _statement("delete from mm.kept_reply where claimed_at < now() - :age")


async def claim(session: Session, wanted: Claim) -> Found | None:
    """What the key was used for before; None where it is the caller's now.

    A request that is being carried out with the same key is waited for, as long as for any lock.
    """
    row = None
    while row is None:
        if (await session.execute(_CLAIM, wanted._asdict())).scalar():
            return None
        # Nothing, if the row was removed in between: it was old, and the key is free again.
        row = (await session.execute(_FIND, _named(wanted))).first()
    headers = [(name, value) for name, value in row.headers]
    return Found(row.fingerprint, Reply(row.status, headers, row.body, row.made))


async def keep(session: Session, claimed: Claim, reply: Reply) -> None:
    """Keep ``reply`` for those who repeat the request."""
    headers = [list(pair) for pair in reply.headers]
    await session.execute(_KEEP, {**_named(claimed), **reply._asdict(), "headers": headers})


def _named(claimed: Claim) -> dict[str, object]:
    found = claimed._asdict()
    del found["fingerprint"]
    return found


async def forget(session: Session) -> None:
    """Empty every reply: which of them tell of a firm that is erased, nobody can say.

    The keys stay claimed. Nothing that was carried out is carried out again.
    """
    await session.execute(_FORGET)


async def prune(session: Session, age: dt.timedelta) -> int:
    """How many replies older than ``age`` were removed."""
    done = await session.execute(_PRUNE, {"age": age})
    return int(done.rowcount)  # type: ignore[attr-defined]
