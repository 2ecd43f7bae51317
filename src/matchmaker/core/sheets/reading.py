"""Any file as JSON Lines: what reads and checks lines needs to know one format alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

import msgspec

from matchmaker.core.errors import FieldFault
from matchmaker.core.sheets.codecs import unguarded
from matchmaker.core.sheets.formats import FileFormat, fault
from matchmaker.core.sheets.layout import Layout, Row, RowRefused
from matchmaker.core.sheets.report import Faults, LineFault
from matchmaker.core.sheets.tabular import (
    Cells,
    Refused,
    Table,
    TableRefused,
    csv_tables,
    workbook_tables,
)
from matchmaker.core.wire import Text

_IN_MEMORY: Final = 64 * 1024 * 1024
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class Origin:
    """Where a line came from: its sheet, and the rows it takes."""

    sheet: str | None
    layout: Layout
    row: int
    children: Sequence[int]
    """The rows of what repeats within it."""


@dataclass
class Lines:
    """A file as JSON Lines, and where each line came from.

    The caller closes ``stream``. With ``faults``, lines are missing from it.
    """

    stream: IO[bytes]
    faults: Faults = field(default_factory=Faults)
    number: int = 0
    """Lines in the stream."""
    _origins: list[Origin] = field(default_factory=list)

    def told(self, found: LineFault) -> LineFault:
        """``found``, a fault of a line of the stream, as one of the file."""
        if not self._origins:
            return found
        origin = self._origins[found.line - 1]
        position, column = origin.layout.pointed(found.pointer)
        is_inner = origin.layout.children is not None and position < len(origin.children)
        inner = origin.children[position] if is_inner else origin.row
        of_child = found.pointer.startswith(f"#/{_member(origin.layout)}/")
        return msgspec.structs.replace(
            found, line=inner if of_child else origin.row, sheet=origin.sheet, column=column
        )

    def add(self, origin: Origin, line: dict[str, object]) -> None:
        """Put a line at the end of the stream."""
        self.stream.write(_encoder.encode(line) + b"\n")
        self._origins.append(origin)
        self.number += 1


def _member(layout: Layout) -> str:
    return "" if layout.children is None else layout.children.member


def read_lines(stream: IO[bytes], format_: FileFormat, layouts: Sequence[Layout]) -> Lines:
    """The file as JSON Lines; a file of JSON Lines is its own."""
    if format_ is FileFormat.JSONL:
        return Lines(stream)
    lines = Lines(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  (the caller's)
    try:
        tables = csv_tables(stream) if format_ is FileFormat.CSV else workbook_tables(stream)
        _read_tables(lines, tables, layouts)
    except BaseException:
        lines.stream.close()
        raise
    lines.stream.seek(0)
    return lines


def layout_of(stream: IO[bytes], format_: FileFormat, layouts: Sequence[Layout]) -> Layout | None:
    """The layout of the first sheet that has one; None if none has."""
    tables = csv_tables(stream) if format_ is FileFormat.CSV else workbook_tables(stream)
    try:
        for table in tables:
            for _, cells in table.rows:
                names = [cell for cell in cells if isinstance(cell, str)]
                found = [each for each in layouts if any(map(each.place, names))]
                if found:
                    return found[0]
                break
    except TableRefused:
        return None
    return None


def _read_tables(lines: Lines, tables: Iterable[Table], layouts: Sequence[Layout]) -> None:
    sheet: str | None = None
    has_rows = False
    try:
        for table in tables:
            sheet = table.name
            first = next(table.rows, None)
            if first is not None:
                has_rows = True
                _read_table(lines, table, first, layouts)
        if not has_rows:
            raise TableRefused("no_header", example=layouts[0].keys[0])  # noqa: TRY301
    except TableRefused as refused:
        _note(lines, sheet, refused.row, [fault("#", refused.code, **refused.parts)])


def _read_table(
    lines: Lines, table: Table, first: tuple[int, Cells], layouts: Sequence[Layout]
) -> None:
    number, cells = first
    names = [cell.strip() if isinstance(cell, str) else "" for cell in cells]
    layout = next((each for each in layouts if any(map(each.place, names))), None)
    if layout is None:
        _note(lines, table.name, number, [fault("#", "no_header", example=layouts[0].keys[0])])
        return
    wrong = list(_header_faults(names, layout))
    if wrong:
        _note(lines, table.name, number, wrong)
        return
    open_: list[tuple[int, Row]] = []
    for number, row in _named_rows(lines, table, names):
        if open_ and layout.continues(row, open_[0][1]):
            open_.append((number, row))
            continue
        _close(lines, table.name, layout, open_)
        open_ = [(number, row)]
    _close(lines, table.name, layout, open_)


def _header_faults(names: Sequence[str], layout: Layout) -> Iterator[FieldFault]:
    seen: set[str] = set()
    for name in names:
        if layout.place(name) is None:
            yield fault("#", "unknown_column", value=name[:80])
        elif name in seen:
            yield fault("#", "repeated_column", value=name)
        seen.add(name)


def _named_rows(lines: Lines, table: Table, names: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The rows by column; one with a cell that cannot be read is left out, and said."""
    for number, cells in table.rows:
        row: Row = {}
        before = lines.faults.found
        if len(cells) > len(names):
            _note(lines, table.name, number, [fault("#", "outside_columns")])
        for name, cell in zip(names, cells, strict=False):
            if isinstance(cell, Refused):
                said = [fault("#", cell.code, value=cell.value)]
                _note(lines, table.name, number, said, column=name)
            elif cell is not None:
                row[name] = unguarded(cell) if isinstance(cell, str) else cell
        if lines.faults.found == before:
            yield number, row


def _close(
    lines: Lines, sheet: str | None, layout: Layout, rows: Sequence[tuple[int, Row]]
) -> None:
    """Put the line of ``rows`` into the stream, or say which cell keeps it out."""
    if not rows:
        return
    inner = [number for number, row in rows if layout.has_child(row)]
    try:
        line = layout.line([row for _, row in rows])
    except RowRefused as refused:
        said = fault(refused.pointer, refused.refused.code, value=refused.refused.value)
        _note(lines, sheet, rows[refused.position][0], [said], column=refused.name)
        return
    lines.add(Origin(sheet, layout, rows[0][0], inner), line)


def _note(
    lines: Lines,
    sheet: str | None,
    row: int,
    found: Iterable[FieldFault],
    *,
    column: str | None = None,
) -> None:
    for one in found:
        message = Text(zh=one.message.zh, en=one.message.en)
        lines.faults.note(
            LineFault(
                line=row,
                pointer=one.pointer,
                code=one.code,
                message=message,
                sheet=sheet,
                column=column,
            )
        )
