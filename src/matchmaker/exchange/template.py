"""An empty workbook for one kind of file: what each column asks, and every code it may hold."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from matchmaker.core.sheets import codecs
from matchmaker.core.sheets.columns import Column
from matchmaker.core.sheets.tabular import CODES
from matchmaker.core.sheets.writing import save
from matchmaker.exchange import wording
from matchmaker.exchange.carrying import KnownKeys
from matchmaker.exchange.kinds import KINDS, ExchangeKind

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from matchmaker.core.sheets import Layout
    from matchmaker.taxonomy.fields import FieldCatalogue

COMMENT: Final = "# "
"""What the row with the labels begins with: it is no line."""
_CHOSEN_FROM: Final = 100
"""The most codes that a cell offers as a list."""
_ROWS: Final = 5000
_WIDTH: Final = 22


def write_template(stream: IO[bytes], kind: ExchangeKind, fields: FieldCatalogue) -> None:
    """Write the template of ``kind``: the same bytes for the same release."""
    layout = KINDS[kind].layout
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = layout.sheet
    codes = book.create_sheet(CODES)
    header = layout.header(KnownKeys(fields))
    ranges = _write_codes(codes, header, fields)
    for number, name in enumerate(header, 1):
        _text(sheet.cell(1, number), name).font = Font(bold=True)
        labelled = _text(sheet.cell(2, number), _label(layout, name, fields, is_first=number == 1))
        labelled.alignment = Alignment(wrap_text=True, vertical="top")
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTH
        if name in ranges and _codec(layout, name) is codecs.TEXT:
            choice = DataValidation(type="list", formula1=ranges[name], allow_blank=True)
            choice.add(f"{letter}3:{letter}{_ROWS}")
            sheet.add_data_validation(choice)
    sheet.freeze_panes = "A3"
    save(book, stream)


def _label(layout: Layout, name: str, fields: FieldCatalogue, *, is_first: bool) -> str:
    said = wording.label(fields, name)
    lines = [name] if said is None else [said.zh, said.en]
    form = wording.form(fields, name, _codec(layout, name))
    if form is not None:
        lines += [form.zh] if form.zh == form.en else [form.zh, form.en]
    return (COMMENT if is_first else "") + "\n".join(lines)


def _codec(layout: Layout, name: str) -> codecs.Codec:
    place = layout.place(name)
    return place.part.codec if place and isinstance(place.part, Column) else codecs.JSON


def _write_codes(sheet: Worksheet, header: list[str], fields: FieldCatalogue) -> dict[str, str]:
    """The range of codes by column, of those with few enough to choose from."""
    schemes: dict[str, str] = {}
    ranges: dict[str, str] = {}
    for name in header:
        scheme = wording.vocabulary(fields, name)
        if scheme is None or scheme not in fields.taxonomy.schemes:
            continue
        if scheme not in schemes:
            schemes[scheme] = _write_scheme(sheet, 3 * len(schemes) + 1, scheme, fields)
        if len(fields.taxonomy.scheme(scheme).entries) <= _CHOSEN_FROM:
            ranges[name] = schemes[scheme]
    return ranges


def _write_scheme(sheet: Worksheet, column: int, scheme: str, fields: FieldCatalogue) -> str:
    """The range that the codes of ``scheme`` stand in, names beside them."""
    taxonomy = fields.taxonomy
    entries = list(taxonomy.scheme(scheme).entries)
    for place, title in enumerate((scheme, "zh", "en")):
        _text(sheet.cell(1, column + place), title).font = Font(bold=True)
    for row, code in enumerate(entries, 2):
        _text(sheet.cell(row, column), code)
        _text(sheet.cell(row, column + 1), taxonomy.name(scheme, code, "zh"))
        _text(sheet.cell(row, column + 2), taxonomy.name(scheme, code, "en"))
    letter = get_column_letter(column)
    return f"{quote_sheetname(CODES)}!${letter}$2:${letter}${len(entries) + 1}"


def _text(cell: object, value: str) -> Cell:
    """``cell`` with a text that stays one, whatever it looks like."""
    assert isinstance(cell, Cell)  # noqa: S101  (nothing is merged in a new sheet)
    cell.value = value
    cell.data_type = "s"
    cell.number_format = "@"
    return cell
