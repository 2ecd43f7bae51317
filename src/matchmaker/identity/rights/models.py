"""What a person asked for about themselves, and what came of it."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.identity.models import PersonId

RightsRequestId = NewType("RightsRequestId", UUID)


class RightsKind(enum.StrEnum):
    """What a person may ask for."""

    EXPORT = "export"
    ERASURE = "erasure"


def new_rights_request_id() -> RightsRequestId:
    """A new id, in order of time."""
    return RightsRequestId(uuid7())


class RightsRequest(Base, kw_only=True):
    """A request of a person; it outlives them as a number without a name."""

    __tablename__ = "rights_request"
    __table_args__ = (
        CheckConstraint("kind in ('export', 'erasure')", name="kind_known"),
        Index(None, "person_id"),
    )

    id: Mapped[RightsRequestId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_rights_request_id
    )
    person_id: Mapped[PersonId] = mapped_column(Uuid)
    """No foreign key: who is forgotten has no row."""
    kind: Mapped[RightsKind]
    with_firms: Mapped[bool] = mapped_column(default=False)
    """Whether what firms stated that are this person alone goes too."""
    content: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """What is known, of an export that is done; gone with the person."""
    counts: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """By part how many rows there were, once it is done."""
    requested_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    done_at: Mapped[dt.datetime | None] = mapped_column(default=None)
