"""Tables out of files: CSV records and the sheets of a workbook, as rows of cells with numbers."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from matchmaker.core.sheets.codecs import Cell

if TYPE_CHECKING:
    from openpyxl.cell.read_only import ReadOnlyCell

CODES: Final = "codes"
"""The sheet of a template that explains the codes; it holds no lines."""
MOST_UNPACKED: Final = 256 * 1024 * 1024
MOST_PARTS: Final = 200
MOST_ROWS: Final = 500_000
MOST_COLUMNS: Final = 400
_COMMENT: Final = "#"


class TableRefused(Exception):
    """The file, or the rest of a sheet from ``row`` on, cannot be read."""

    def __init__(self, code: str, row: int = 1, **parts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.row = row
        self.parts = parts


@dataclass(frozen=True)
class Refused:
    """A cell that nothing can be read from."""

    code: str
    value: str = ""


Cells = list[Cell | Refused | None]


@dataclass(frozen=True)
class Table:
    """One sheet; ``rows`` are those that are neither blank nor comments, numbered from 1."""

    name: str | None
    rows: Iterator[tuple[int, Cells]]


def csv_tables(stream: IO[bytes]) -> Iterator[Table]:
    """The one table of a CSV file.

    Raises:
        TableRefused: while its rows are read.
    """
    yield Table(None, _spoken(_records(stream)))


def _records(stream: IO[bytes]) -> Iterator[tuple[int, Cells]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    number = 0
    try:
        for number, record in enumerate(csv.reader(text, strict=True), 1):
            if len(record) > MOST_COLUMNS:
                raise TableRefused("too_many_columns", number, limit=MOST_COLUMNS)
            yield number, [cell.replace("\r\n", "\n") or None for cell in record]
    except UnicodeDecodeError as error:
        raise TableRefused("not_utf8", number + 1) from error
    except csv.Error as error:
        raise TableRefused("unreadable_csv", number + 1) from error
    finally:
        # The stream is the caller's to close.
        text.detach()


def workbook_tables(stream: IO[bytes]) -> Iterator[Table]:
    """The sheets of a workbook, the one with the codes apart; each is read before the next.

    Raises:
        TableRefused: it is no workbook, or one that would unpack to too much.
    """
    _check_size(stream)
    # Late: only who reads a workbook waits for this.
    from openpyxl import load_workbook

    try:
        with closing(load_workbook(stream, read_only=True, keep_links=False)) as book:
            for sheet in book.worksheets:
                if sheet.title != CODES:
                    # What a sheet says of its own size need not be true.
                    sheet.reset_dimensions()
                    yield Table(sheet.title, _spoken(_cells(sheet)))
    except TableRefused:
        raise
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile, ParseError) as error:
        raise TableRefused("unreadable_workbook") from error


def _check_size(stream: IO[bytes]) -> None:
    """Refuse what unpacks to more than its size suggests; a part never yields more than it says."""
    try:
        with zipfile.ZipFile(stream) as packed:
            parts = packed.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise TableRefused("unreadable_workbook") from error
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise TableRefused("workbook_too_large", limit=MOST_UNPACKED)
    stream.seek(0)


def _cells(sheet: Any) -> Iterator[tuple[int, Cells]]:  # noqa: ANN401  (its types have no such sheet)
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS + 1), 1):
        if number > MOST_ROWS:
            raise TableRefused("too_many_rows", number, limit=MOST_ROWS)
        if len(row) > MOST_COLUMNS and row[MOST_COLUMNS].value is not None:
            raise TableRefused("too_many_columns", number, limit=MOST_COLUMNS)
        yield number, [_cell(each) for each in row]


def _cell(cell: ReadOnlyCell) -> Cell | Refused | None:
    value: Any = cell.value
    if value is None or value == "":
        return None
    if cell.data_type == "f":
        return Refused("formula")
    if cell.data_type == "e":
        return Refused("wrong_cell", str(value))
    found: Cell = value.replace("\r\n", "\n") if isinstance(value, str) else value
    return found


def _spoken(rows: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    for number, cells in rows:
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            continue
        first = cells[0]
        if not (isinstance(first, str) and first.startswith(_COMMENT)):
            yield number, cells
