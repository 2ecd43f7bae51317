"""The audit: what an organisation did and what was done to its own, each provable.

The chain of events commits its head to every event, but to follow it one needs all that comes
between. A Merkle tree over the hashes of the events tells the same with a few of them, and shows
nothing of what others did (docs/adr/0037-audit-proofs.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core import events, merkle
from matchmaker.core.canonical import canonical
from matchmaker.core.cursors import Place
from matchmaker.core.merkle import BLOCK
from matchmaker.feed.errors import EventNotFound
from matchmaker.feed.events import queries, schemas
from matchmaker.feed.events.service import sees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.db import ReadSession
    from matchmaker.core.events import EventRow
    from matchmaker.core.signing import Signer
    from matchmaker.feed.events.queries import Wanted
    from matchmaker.feed.sharing import Shared
    from matchmaker.identity.access import Principal

END: Final = Place(2**63 - 1, is_backward=True)
"""Where a list begins that shows the newest first."""
_NOTHING: Final[Shared] = {}
"""What is shared with one is told in the feed; the audit is of one's own."""
_AT_ONCE: Final = 64 * BLOCK
"""Hashes that are read in one statement."""


@dataclass(frozen=True, slots=True)
class Found:
    """Some of the audit, newest first, and where it goes on."""

    rows: Sequence[EventRow]
    after: Place | None


class Chain:
    """The roots of the full blocks of the chain, which never change, each hashed once a process."""

    def __init__(self) -> None:
        """Begin with none; they are read when they are first asked for."""
        self._roots: tuple[bytes, ...] = ()

    async def roots(self, session: ReadSession, size: int) -> tuple[bytes, ...]:
        """The roots of the full blocks of the first ``size`` events."""
        full = size // BLOCK
        found = list(self._roots[:full])
        while len(found) < full:
            start = len(found) * BLOCK
            until = min(start + _AT_ONCE, full * BLOCK)
            read = await events.hashes(session, start, until)
            found += [merkle.root(read[at : at + BLOCK]) for at in range(0, len(read), BLOCK)]
        # Whoever was faster has the same ones.
        if len(found) > len(self._roots):
            self._roots = tuple(found)
        return tuple(found)


async def page(
    session: ReadSession, reader: Principal, wanted: Wanted, place: Place, *, limit: int
) -> Found:
    """What ``reader`` did and what was done to its own before ``place``, newest first."""
    found = await queries.list_events(
        session, sees(reader), wanted, place, shared=_NOTHING, limit=limit + 1
    )
    rows = found[::-1][:limit]
    is_more = len(found) > limit
    return Found(rows, Place(rows[-1].position, is_backward=True) if is_more else None)


async def prove(
    session: ReadSession, position: int, reader: Principal, *, chain: Chain, signer: Signer
) -> schemas.AuditProof:
    """What holds the event at ``position`` against the head as it is now.

    Raises:
        EventNotFound: there is none, or it is neither of the reader's own nor by the reader.
    """
    size = await events.head(session)
    if not 0 < position <= size:
        raise EventNotFound
    row = await queries.find_event(session, position, sees(reader), _NOTHING)
    content = await events.content(session, position) if row is not None else None
    previous = await events.anchor(session, position - 1)
    last = await events.anchor(session, size)
    if row is None or content is None or previous is None or last is None:
        raise EventNotFound
    tree = await _tree(session, position - 1, size, chain)
    head = schemas.AuditHead(position=size, hash=last.hash.hex(), root=tree.root.hex())
    return schemas.AuditProof(
        position=position,
        content=content.decode(),
        previous_hash=previous.hash.hex(),
        hash=row.hash.hex(),
        path=[beside.hex() for beside in tree.path(position - 1)],
        head=head,
        signature=signer.sign(canonical(head)),
    )


async def _tree(session: ReadSession, index: int, size: int, chain: Chain) -> merkle.Tree:
    """The tree of the first ``size`` events, with what is asked of the entry ``index``."""
    roots = await chain.roots(session, size)
    known = {
        block: await events.hashes(session, block * BLOCK, min((block + 1) * BLOCK, size))
        for block in {index // BLOCK, (size - 1) // BLOCK}
    }
    return merkle.Tree(roots, known, size)
