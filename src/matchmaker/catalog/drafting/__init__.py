"""A provider's own file: its offerings become drafts and changes, its card what the file says."""

from __future__ import annotations

from time import perf_counter
from typing import IO, TYPE_CHECKING

from matchmaker.catalog.drafting.checking import check_against_stored
from matchmaker.catalog.drafting.reading import read_own
from matchmaker.catalog.drafting.writing import write
from matchmaker.core import db
from matchmaker.core.clock import utc_now
from matchmaker.core.sheets import Counts, Faults, ImportReport, Phases

if TYPE_CHECKING:
    from matchmaker.catalog.life.facts import Declarations
    from matchmaker.core.db import Session
    from matchmaker.core.sheets.lines import Progress
    from matchmaker.identity.access import Principal

__all__ = ("import_drafts",)


async def import_drafts(
    session: Session,
    stream: IO[bytes],
    declarations: Declarations,
    *,
    principal: Principal,
    progress: Progress,
    is_dry_run: bool = False,
) -> ImportReport:
    """What became of a provider's own file; with any line rejected, nothing of it was written.

    In a dry run it is what would become of it: all is done, and undone again.

    Nothing is published: a new offering is a draft, one that is known gets a next version as an
    edit of its owner does. The transaction of ``session``, first used when the file is read, ends
    with the event of the file.

    Raises:
        StaleVersion, IntegrityError: the provider changed the same meanwhile; roll back.
    """
    started, faults = perf_counter(), Faults()
    read = await read_own(stream, declarations, utc_now().date(), faults=faults, progress=progress)
    read_at = perf_counter()
    stated = await check_against_stored(session, read, faults, principal.organisation_id)
    counts: dict[str, Counts] = {}
    if not faults.found:
        async with db.undone(session, is_meant=is_dry_run):
            counts = await write(
                session, stated, declarations, principal=principal, progress=progress
            )
    return ImportReport(
        lines=progress.read,
        rejected=faults.rejected,
        found=faults.found,
        counts=counts,
        faults=faults.listed(),
        seconds=Phases(decode=read_at - started, write=perf_counter() - read_at),
    )
