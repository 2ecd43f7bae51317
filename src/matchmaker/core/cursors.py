"""Where a list goes on, signed and good only for the list it was given out with.

Most lists go on after an id; what is read in both ways along positions goes on beside one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
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

_PLAIN: Final = 16
"""Octets of an id, or of a place."""
_SIGNATURE: Final = 16
"""Octets of the HMAC that are kept: enough that nobody makes one up."""

_PLACE: Final = struct.Struct(">7x?Q")
"""A direction and a position, as long as an id."""

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
class Place:
    """Beside which position a list goes on: after it, or ``is_backward``, before it."""

    position: int = 0
    is_backward: bool = False


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
        return self._write(after.bytes, listing)

    def read(self, cursor: str | None, listing: Listing) -> UUID | None:
        """The id after which the list goes on; None at its start.

        Raises:
            CursorInvalid: it was not given out here, or for another list.
        """
        return None if cursor is None else UUID(bytes=self._read(cursor, listing))

    def write_place(self, place: Place, listing: Listing) -> str:
        """The cursor of what lies beside ``place``."""
        return self._write(_PLACE.pack(place.is_backward, place.position), listing)

    def read_place(self, cursor: str, listing: Listing) -> Place:
        """Beside what the list goes on.

        Raises:
            CursorInvalid: it was not given out here, or for another list.
        """
        is_backward, position = _PLACE.unpack(self._read(cursor, listing))
        return Place(position, is_backward)

    def _write(self, plain: bytes, listing: Listing) -> str:
        signed = plain + self._sign(plain, listing)
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def _read(self, cursor: str, listing: Listing) -> bytes:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            whole = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise CursorInvalid from error
        plain, signature = whole[:-_SIGNATURE], whole[-_SIGNATURE:]
        if len(plain) != _PLAIN:
            raise CursorInvalid
        if not hmac.compare_digest(signature, self._sign(plain, listing)):
            raise CursorInvalid(
                zh="游标属于另一个列表或另一组筛选条件",
                en="the cursor was given out for another list or other filters",
            )
        return plain

    def page(
        self, found: Sequence[R], limit: int, listing: Listing, id_of: Callable[[R], UUID]
    ) -> tuple[Sequence[R], PageInfo]:
        """The first ``limit`` of ``found``, which holds one more where the list goes on."""
        shown = found[:limit]
        more = self.write(id_of(shown[-1]), listing) if len(found) > limit else None
        return shown, PageInfo(next=more, limit=limit)

    def _sign(self, plain: bytes, listing: Listing) -> bytes:
        return hmac.digest(self._key, listing.digest + plain, "sha256")[:_SIGNATURE]
