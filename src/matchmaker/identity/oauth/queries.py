"""Every statement about assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from matchmaker.identity.oauth.models import ClientAssertion

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.db import Session
    from matchmaker.identity.models import ApiKeyId


async def use_assertion(
    session: Session, key_id: ApiKeyId, jti_hash: bytes, expires_at: dt.datetime
) -> bool:
    """Note that an assertion is used; False if it was before, however short a time ago."""
    # One statement: whoever comes second at the same moment waits for the first, and finds the row.
    used = (
        insert(ClientAssertion)
        .values(api_key_id=key_id, jti_hash=jti_hash, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(ClientAssertion.api_key_id)
    )
    return await session.scalar(used) is not None


async def prune(session: Session) -> int:
    """Forget assertions that are refused for their age; how many."""
    over = delete(ClientAssertion).where(ClientAssertion.expires_at < func.now())
    return len((await session.execute(over.returning(ClientAssertion.api_key_id))).all())
