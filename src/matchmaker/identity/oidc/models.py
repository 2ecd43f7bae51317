"""As whom identity providers know a person."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Text, UniqueConstraint, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.identity.models import Person, PersonId


class PersonIdentity(Base, kw_only=True):
    """That an issuer's subject is a person; its address may change there, the subject does not."""

    __tablename__ = "person_identity"
    __table_args__ = (UniqueConstraint("person_id", "issuer"),)

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    person_id: Mapped[PersonId] = mapped_column(Uuid, ForeignKey(Person.id, ondelete="CASCADE"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
