"""Which assertions of clients were used."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.identity.models import ApiKey, ApiKeyId


class ClientAssertion(Base, kw_only=True):
    """That a client proved itself with an assertion; nobody does with the same one again."""

    __tablename__ = "client_assertion"
    __table_args__ = (
        CheckConstraint("octet_length(jti_hash) = 32", name="jti_hash_is_sha256"),
        Index(None, "expires_at"),
    )

    api_key_id: Mapped[ApiKeyId] = mapped_column(
        Uuid, ForeignKey(ApiKey.id, ondelete="CASCADE"), primary_key=True
    )
    jti_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[dt.datetime]
    """After which it is refused for its age."""
