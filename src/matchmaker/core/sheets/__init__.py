"""Files of lines: JSON Lines, CSV and XLSX, read into the same lines and written from them.

A line is a JSON object. In a sheet it is a row, its facts in columns named by the field catalogue;
what repeats within it (the packages of an offering) takes one row each.
"""

from __future__ import annotations

from matchmaker.core.sheets.formats import FileFormat
from matchmaker.core.sheets.layout import Children, Layout
from matchmaker.core.sheets.reading import Lines, read_lines
from matchmaker.core.sheets.report import Counts, Faults, ImportReport, LineFault, Phases
from matchmaker.core.sheets.writing import write_lines

__all__ = (
    "Children",
    "Counts",
    "Faults",
    "FileFormat",
    "ImportReport",
    "Layout",
    "LineFault",
    "Lines",
    "Phases",
    "read_lines",
    "write_lines",
)
