"""Where a list goes on: the last id shown, signed, good only for the list it was given out with."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from matchmaker.core.errors import BadRequest
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import PageInfo

R = TypeVar("R")

_SIGNATURE: Final = 16
"""Octets of the HMAC that are kept: enough that nobody makes one up."""

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="Items a page, 1 to 100")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=200,
        description="`page.next` of the page before",
        # Told, not enforced: whatever is wrong with a cursor is one problem, `cursor_invalid`.
        schema_extra={"pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
]


class CursorInvalid(BadRequest):
    """The cursor was not given out by this list, or for other filters, or to somebody else."""

    slug = "cursor_invalid"
    title = Bilingual(zh="游标无效", en="The cursor is not valid")


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its name, its filters, and for whom it is."""

    name: str
    filters: object = None
    organisation_id: UUID | None = None

    @property
    def digest(self) -> bytes:
        """16 octets that differ where any of it differs."""
        whole = (self.name, self.filters, self.organisation_id)
        return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).digest()[:16]


class Cursors:
    """Gives out cursors and takes them back; all workers share ``key``."""

    def __init__(self, key: bytes) -> None:
        """Sign with ``key``."""
        self._key = hashlib.sha256(b"cursor" + key).digest()

    def write(self, after: UUID, listing: Listing) -> str:
        """The cursor of a page that ends with ``after``: base64url without padding."""
        return (
            base64.urlsafe_b64encode(after.bytes + self._sign(after, listing)).decode().rstrip("=")
        )

    def read(self, cursor: str | None, listing: Listing) -> UUID | None:
        """The id after which the list goes on; None at its start.

        Raises:
            CursorInvalid: it was not given out here, or for another list.
        """
        if cursor is None:
            return None
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            plain = base64.b64decode(padded, altchars=b"-_", validate=True)
            after = UUID(bytes=plain[:-_SIGNATURE])
        except (binascii.Error, ValueError) as error:
            raise CursorInvalid from error
        if not hmac.compare_digest(plain[-_SIGNATURE:], self._sign(after, listing)):
            raise CursorInvalid(
                zh="游标属于另一个列表或另一组筛选条件",
                en="the cursor was given out for another list or other filters",
            )
        return after

    def page(
        self, found: Sequence[R], limit: int, listing: Listing, id_of: Callable[[R], UUID]
    ) -> tuple[Sequence[R], PageInfo]:
        """The first ``limit`` of ``found``, which holds one more where the list goes on."""
        shown = found[:limit]
        more = self.write(id_of(shown[-1]), listing) if len(found) > limit else None
        return shown, PageInfo(next=more, limit=limit)

    def _sign(self, after: UUID, listing: Listing) -> bytes:
        return hmac.digest(self._key, listing.digest + after.bytes, "sha256")[:_SIGNATURE]
