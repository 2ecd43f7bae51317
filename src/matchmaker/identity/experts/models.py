"""What a member says of themselves as an expert, with their consent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Member, MemberId, Organisation, OrganisationId


class ExpertCard(Revised, Base, kw_only=True):
    """A card that is there for as long as the person consents; it goes with the member."""

    __tablename__ = "expert_card"
    __table_args__ = (
        CheckConstraint("cardinality(skills) > 0", name="good_for_something"),
        CheckConstraint("jsonb_typeof(titles) = 'array'", name="titles_are_a_list"),
        CheckConstraint("jsonb_typeof(conflicts) = 'array'", name="conflicts_are_a_list"),
        CheckConstraint("revision > 0", name="revision_from_one"),
        Index(None, "organisation_id", "id"),
    )

    id: Mapped[MemberId] = mapped_column(
        Uuid, ForeignKey(Member.id, ondelete="CASCADE"), primary_key=True
    )
    """Whose it is."""
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    name: Mapped[str] = mapped_column(Text)
    """Under which the person wants to be found; how others know the member is not told."""
    titles: Mapped[list[Any]]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text))
    conflicts: Mapped[list[Any]]
    """Whom they should not judge, and why; empty: none, as they say."""
    consented_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    """When they last said that others may see it, as it stands."""
