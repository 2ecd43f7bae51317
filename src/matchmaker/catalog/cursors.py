"""Where a list goes on: the last id shown, good only for the filters it was given out with."""

from __future__ import annotations

import base64
import binascii
import hashlib
from uuid import UUID

import msgspec

from matchmaker.catalog.errors import CursorInvalid


class _Cursor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    f: str
    """Digest of the filters."""
    a: UUID
    """The last id shown."""


def write(after: UUID, filters: object) -> str:
    """The cursor of a page that ends with ``after``: base64url without padding."""
    plain = msgspec.json.encode(_Cursor(f=_digest(filters), a=after))
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def read(cursor: str | None, filters: object) -> UUID | None:
    """The id after which the list goes on; None at its start.

    Raises:
        CursorInvalid: it was not given out here, or for other filters.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True)
        found = msgspec.json.decode(plain, type=_Cursor)
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid from error
    if found.f != _digest(filters):
        raise CursorInvalid(
            zh="游标属于另一组筛选条件", en="the cursor was given out for other filters"
        )
    return found.a


def _digest(filters: object) -> str:
    return hashlib.sha256(msgspec.json.encode(filters, order="sorted")).hexdigest()[:16]
