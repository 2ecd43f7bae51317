"""Compare-and-set on one row: the only ways in which something stored changes.

A change names what it expects to find. The database compares and changes in one statement, so of
several callers at once one wins; the others are told, and nothing is overwritten unseen.
"""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import func, update
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from matchmaker.core.db import Session
    from matchmaker.core.machine import Step

S = TypeVar("S", bound=enum.StrEnum)


class Revised(MappedAsDataclass, kw_only=True):
    """The columns of a row that changes: how often it did, and when it was made and changed."""

    revision: Mapped[int] = mapped_column(default=1)
    """Counted up by every change, 1 at first; its ETag."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    changed_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


async def move(
    session: Session,
    model: type[Revised],
    id_: UUID,
    *,
    source: S,
    step: Step[S],
    values: Mapping[str, Any] | None = None,
    seen: int | None = None,
) -> int | None:
    """The row's new revision after ``step`` out of ``source``; None if it no longer stands there.

    ``model`` has columns ``id`` and ``state``; ``values`` change with the state. Nor does it move
    where it is no longer at the revision ``seen``, if one is given.
    """
    table = cast("Any", model)  # the columns that `Revised` does not declare
    expected = [table.id == id_, table.state == source]
    if seen is not None:
        expected.append(model.revision == seen)
    changed = await session.execute(
        update(model)
        .where(*expected)
        .values(
            **(values or {}),
            state=step.target,
            revision=model.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(model.revision)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none()


async def revise(
    session: Session,
    model: type[Revised],
    id_: UUID,
    *,
    revision: int,
    values: Mapping[str, Any],
) -> int | None:
    """The row's new revision with ``values``; None if it is no longer at ``revision``."""
    table = cast("Any", model)  # the column `id`
    changed = await session.execute(
        update(model)
        .where(table.id == id_, model.revision == revision)
        .values(**values, revision=model.revision + 1, changed_at=func.clock_timestamp())
        .returning(model.revision)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none()
