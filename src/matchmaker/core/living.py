"""What was so from one event to before another: rows that begin once and end once.

An index, or whatever else is a function of a position, reads the rows that held there. They are
written with the event, in its transaction, and follow what the tables of the noun say by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    any_,
    exists,
    insert,
    inspect,
    literal,
    or_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any
    from uuid import UUID

    from sqlalchemy import Select

    from matchmaker.core.db import Session


class Living(MappedAsDataclass, kw_only=True):
    """The columns that say when; with the subject's id they are the key."""

    from_position: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, index=True, sort_order=1
    )
    """The event with which it began; 0: it was so before it was kept."""
    to_position: Mapped[int | None] = mapped_column(default=None, index=True, sort_order=2)
    """The event with which it ended; none yet."""


def held_at(model: type[Living], position: int) -> tuple[ColumnElement[bool], ...]:
    """Which rows hold right after the event at ``position``."""
    ends_later = or_(model.to_position.is_(None), model.to_position > position)
    return model.from_position <= position, ends_later


def turned_after(model: type[Living], position: int) -> ColumnElement[bool]:
    """Which rows began or ended with an event after the one at ``position``."""
    return or_(model.from_position > position, model.to_position > position)


async def follow(
    session: Session,
    model: type[Living],
    now: Select[*tuple[Any, ...]],
    *,
    subjects: Collection[UUID],
    position: int,
) -> None:
    """Let the rows of ``subjects`` say from the event at ``position`` on what is so ``now``.

    ``now`` selects it under the names of the columns of ``model``, the subject's id first. What is
    so already goes on; nothing may be appended to the transaction after.
    """
    if not subjects:
        return
    table, current = inspect(model).local_table, now.subquery("now")
    key = current.columns[0]
    names = [column.name for column in current.columns]
    ids = any_(literal(list(subjects), ARRAY(Uuid)))
    is_open = table.c.to_position.is_(None)
    goes_on = and_(*(table.c[name].is_not_distinct_from(current.c[name]) for name in names))
    await session.execute(
        update(table)
        .where(table.c[key.name] == ids, is_open, ~exists().where(goes_on))
        .values(to_position=position)
    )
    began = current.select().add_columns(literal(position))
    await session.execute(
        insert(table).from_select(
            [*names, "from_position"],
            began.where(key == ids, ~exists().where(table.c[key.name] == key, is_open)),
        )
    )
