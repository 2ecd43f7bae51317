"""A file carried in or out, whatever its kind and format; the command line and jobs do the same."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import IO, TYPE_CHECKING, Final

from matchmaker.core.sheets import Faults, FileFormat, ImportReport, read_lines, write_lines
from matchmaker.core.sheets.lines import numbered
from matchmaker.core.sheets.reading import layout_of
from matchmaker.exchange.kinds import KINDS, ExchangeKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.sheets import Lines
    from matchmaker.exchange.kinds import Asked, Means
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.fields import FieldCatalogue

_PIECE: Final = 1024 * 1024


async def carry_in(
    session: Session,
    stream: IO[bytes],
    format_: FileFormat,
    *,
    kind: ExchangeKind,
    means: Means,
    asked: Asked,
) -> ImportReport:
    """What became of the file; with any line rejected, or in a dry run, nothing of it is written.

    ``stream`` can be read from its start again. The session is first used when the file is read.

    Raises:
        MatchmakerError: what is stored has changed meanwhile; roll back and try again.
    """
    found = KINDS[kind]
    lines = await asyncio.to_thread(read_lines, stream, format_, found.may_hold)
    try:
        asked.progress.total = await asyncio.to_thread(_count, lines.stream)
        if lines.faults.found:
            asked = dataclasses.replace(asked, is_dry_run=True)
        report = await found.importer(session, lines.stream, means, asked)
    finally:
        if lines.stream is not stream:
            lines.stream.close()
    return _told(lines, report)


async def lines_of(
    session: ReadSession, kind: ExchangeKind, owner: OrganisationId | None
) -> list[dict[str, Any]]:
    """The lines of ``owner``, or of everybody, in their order."""
    return [line async for line in KINDS[kind].exporter(session, owner)]


def write_file(
    stream: IO[bytes],
    format_: FileFormat,
    *,
    kind: ExchangeKind,
    lines: Sequence[dict[str, Any]],
    fields: FieldCatalogue,
) -> None:
    """Write ``lines`` to ``stream``.

    Raises:
        NotForSheets: the format is one of cells, and one of them cannot hold its text.
    """
    write_lines(stream, format_, KINDS[kind].layout, lines, keys=KnownKeys(fields))


class KnownKeys:
    """The keys that maps may have, by the fields that the columns are named after."""

    def __init__(self, fields: FieldCatalogue) -> None:
        """As the catalogue has them."""
        self._fields = fields

    def __call__(self, column: str) -> Sequence[str]:
        """The keys of the map in ``column``, in the order of their scheme."""
        definition = self._fields.get(column).definition
        if definition.keys is None:
            return ()
        return list(self._fields.taxonomy.scheme(definition.keys).entries)


def kind_of(stream: IO[bytes], format_: FileFormat) -> ExchangeKind | None:
    """What the first line of the file is about; None if that cannot be told. Rewinds it."""
    by_type = {kind.layout.type: name for name, kind in KINDS.items()}
    if format_ is FileFormat.JSONL:
        type_ = _first_type(stream)
    else:
        layout = layout_of(stream, format_, [kind.layout for kind in KINDS.values()])
        type_ = None if layout is None else layout.type
    stream.seek(0)
    return None if type_ is None else by_type.get(type_)


def _first_type(stream: IO[bytes]) -> str | None:
    for _, raw in numbered(stream):
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        found = line.get("type") if isinstance(line, dict) else None
        return found if isinstance(found, str) else None
    return None


def _count(stream: IO[bytes]) -> int:
    """How many lines there are; the stream is at its start again."""
    number = 0
    while piece := stream.read(_PIECE):
        number += piece.count(b"\n")
    stream.seek(0)
    return number


def _told(lines: Lines, report: ImportReport) -> ImportReport:
    """``report`` in terms of the file, with what could not be read of it."""
    faults = Faults()
    for fault in lines.faults.listed():
        faults.note(fault)
    unread = faults.rejected
    for fault in report.faults:
        faults.note(lines.told(fault))
    return ImportReport(
        lines=report.lines + unread,
        rejected=faults.rejected,
        found=faults.found,
        counts={} if faults.found else report.counts,
        faults=faults.listed(),
        seconds=report.seconds,
    )
