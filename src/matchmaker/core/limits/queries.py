"""Every statement on limits. The clock is the database's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, Double, Text, TextClause

from matchmaker.core.db import Session, statement

_TYPES: Final[Mapping[str, Any]] = {
    "purposes": ARRAY(Text()),
    "subjects": ARRAY(Text()),
    "seconds": ARRAY(Double()),
}


def _statement(sql: str) -> TextClause:
    return statement(sql, _TYPES)


# In order, so that no two workers wait for each other. What was let through within the last moments
# before a crash may be let through once more: a commit that waited for the disk would cost more
# than that is worth.
_SETTLE: Final = _statement("""
    insert into mm.rate_limit (purpose, subject, full_at)
    select purpose, subject, now() + make_interval(secs => used)
    from unnest(:purposes, :subjects, :seconds) as debt (purpose, subject, used)
    where set_config('synchronous_commit', 'off', true) = 'off'
    order by purpose, subject
    on conflict (purpose, subject) do update
        set full_at = greatest(rate_limit.full_at, now()) + (excluded.full_at - now())
    returning purpose, subject, extract(epoch from full_at - now())::float8 as ahead
""")

_PRUNE: Final = _statement("delete from mm.rate_limit where full_at < now()")


async def settle(
    session: Session, debts: Sequence[tuple[str, str, float]]
) -> dict[tuple[str, str], float]:
    """By purpose and subject, in how many seconds nothing will be used up any more.

    ``debts`` are purpose, subject and the seconds by which that has moved away.
    """
    purposes, subjects, seconds = zip(*debts, strict=True)
    values = {"purposes": [*purposes], "subjects": [*subjects], "seconds": [*seconds]}
    rows = (await session.execute(_SETTLE, values)).all()
    return {(row.purpose, row.subject): row.ahead for row in rows}


async def prune(session: Session) -> int:
    """How many rows were removed of which nothing is used up."""
    done = await session.execute(_PRUNE)
    return int(done.rowcount)  # type: ignore[attr-defined]
