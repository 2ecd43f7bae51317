"""Offerings from a JSON Lines file: all of it or nothing, while readers go on reading."""

from __future__ import annotations

from contextlib import closing
from time import perf_counter
from typing import IO, TYPE_CHECKING

from matchmaker.catalog.codes import known_codes
from matchmaker.catalog.importing.reading import read_file
from matchmaker.catalog.importing.report import Counts, ImportReport, LineFault, Phases
from matchmaker.catalog.importing.writing import check_against_stored, claim, write
from matchmaker.core import db, events

if TYPE_CHECKING:
    from matchmaker.catalog.texts import Tokenizer
    from matchmaker.core.db import Session
    from matchmaker.core.events import EventActor
    from matchmaker.taxonomy.registry import Taxonomy

__all__ = ("Counts", "ImportReport", "LineFault", "Phases", "import_file")

TEXT_VERSION = "1"
"""Named with every token count, so that a later recount knows its own."""


async def import_file(
    session: Session,
    stream: IO[bytes],
    taxonomy: Taxonomy,
    tokenizer: Tokenizer,
    *,
    text_version: str = TEXT_VERSION,
    actor: EventActor = events.CLI,
    is_dry_run: bool = False,
) -> ImportReport:
    """What became of the file; with any line rejected, nothing of it was written.

    In a dry run it is what would become of it: all is done, and undone again.

    The rows are in the transaction of ``session``, which is the caller's to commit. The session is
    first used when the whole file is read, so that no transaction idles meanwhile.

    Raises:
        ImportUnderway: another import is being checked or written.
        IllegalTransition: an offering was changed meanwhile; roll the transaction back.
    """
    started = perf_counter()
    read = await read_file(stream, known_codes(taxonomy), tokenizer)
    with closing(read.spool):
        read_at = perf_counter()
        async with db.undone(session, is_meant=is_dry_run):
            # What is checked must still hold when it is written: no other import in between.
            await claim(session)
            await check_against_stored(session, read)
            providers, offerings = Counts(), Counts()
            if not read.faults.found:
                providers, offerings = await write(
                    session, read, text_version=text_version, actor=actor
                )
    return ImportReport(
        lines=read.lines,
        rejected=read.faults.rejected,
        found=read.faults.found,
        providers=providers,
        offerings=offerings,
        faults=read.faults.listed(),
        seconds=Phases(decode=read_at - started, write=perf_counter() - read_at),
    )
