"""Lines as a file: the same lines make the same bytes, whenever and wherever."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import msgspec

from matchmaker.core.sheets.codecs import Cell, guarded
from matchmaker.core.sheets.formats import FileFormat
from matchmaker.core.sheets.layout import Keys, Layout, Row

if TYPE_CHECKING:
    from openpyxl import Workbook

LONGEST_CELL: Final = 32_767
"""Characters a spreadsheet keeps of one cell."""
_DIGITS: Final = 15
"""Spreadsheets keep so many digits of a number; one of more is written as text."""
_THEN: Final = (1980, 1, 1, 0, 0, 0)
_CORE: Final = "docProps/core.xml"
_encoder = msgspec.json.Encoder(order="sorted")


class NotForSheets(Exception):
    """A line holds what no cell can; JSON Lines can. The message names the cell."""


class WritableSheet(Protocol):
    """The part of a write-only worksheet that is used."""

    def append(self, row: Iterable[object]) -> None:
        """Add a row."""
        ...


def write_lines(
    stream: IO[bytes],
    format_: FileFormat,
    layout: Layout,
    lines: Sequence[Mapping[str, Any]],
    *,
    keys: Keys,
) -> None:
    """Write ``lines``, all of the type of ``layout``, to ``stream``.

    Raises:
        NotForSheets: the format is one of cells, and one of them cannot hold its text.
    """
    if format_ is FileFormat.JSONL:
        stream.writelines(_encoder.encode(line) + b"\n" for line in lines)
        return
    rows = [row for line in lines for row in layout.rows(line)]
    header = _header(layout, rows, keys)
    write = _write_csv if format_ is FileFormat.CSV else _write_workbook
    write(stream, layout.sheet, header, ([row.get(name) for name in header] for row in rows))


def _header(layout: Layout, rows: Iterable[Row], keys: Keys) -> list[str]:
    """Every column, and behind them those that only these rows have: empty objects, old codes."""
    header = layout.header(keys)
    known = set(header)
    return [*header, *sorted({name for row in rows for name in row} - known)]


def _write_csv(
    stream: IO[bytes], _: str, header: Sequence[str], rows: Iterable[Sequence[Cell | None]]
) -> None:
    # Spreadsheets take a file without the mark for one in the encoding of their own country.
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_text(cell) for cell in row])
    text.detach()


def _text(cell: Cell | None) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return _fitting(guarded(cell))
    return "" if cell is None else repr(cell)


def _fitting(text: str) -> str:
    if len(text) > LONGEST_CELL or "\ufffe" in text or "\uffff" in text:
        raise NotForSheets(text[:40])
    return text


def _write_workbook(
    stream: IO[bytes], name: str, header: Sequence[str], rows: Iterable[Sequence[Cell | None]]
) -> None:
    # Late, as where workbooks are read.
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for row in itertools.chain([header], rows):
        sheet.append([cell_of(sheet, each) for each in row])
    save(book, stream)


def cell_of(sheet: Any, cell: Cell | None) -> object:  # noqa: ANN401  (openpyxl's sheets have no type of their own)
    """``cell`` for a write-only sheet: a text stays one, whatever it looks like."""
    if isinstance(cell, int | float) and not _is_kept(cell):
        cell = repr(cell)
    if not isinstance(cell, str):
        return cell
    from openpyxl.cell import WriteOnlyCell

    made = WriteOnlyCell(sheet, value=_fitting(guarded(cell)))
    made.data_type = "s"
    made.number_format = "@"
    return made


def _is_kept(number: float) -> bool:
    """Whether a spreadsheet keeps the number as it is, and so does the library that writes it."""
    if isinstance(number, int):
        return abs(number) < 10**_DIGITS
    return float(f"{number:.{_DIGITS}g}") == number


def save(book: Workbook, stream: IO[bytes]) -> None:
    """Write the workbook as it would be written at any other time."""
    book.properties.creator = "matchmaker"
    book.properties.created = dt.datetime(*_THEN[:3])  # noqa: DTZ001  (a workbook's times have no zone)
    raw = io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as made, zipfile.ZipFile(stream, "w") as kept:
        for name in sorted(made.namelist()):
            content = made.read(name)
            if name == _CORE:
                content = _at_no_time(content)
            part = zipfile.ZipInfo(name, _THEN)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.external_attr = 0o600 << 16
            kept.writestr(part, content)


def _at_no_time(properties: bytes) -> bytes:
    """The properties of a workbook without when it was last changed."""
    head, _, rest = properties.partition(b"<dcterms:modified")
    _, _, tail = rest.partition(b"</dcterms:modified>")
    return head + tail
