"""The formats of files, by name, media type and ending; what can be wrong with any of them."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping


class FileFormat(enum.StrEnum):
    """How a file holds its lines."""

    JSONL = "jsonl"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """As a request or an answer names it."""
        return MEDIA_TYPES[self]


MEDIA_TYPES: Final[Mapping[FileFormat, str]] = MappingProxyType(
    {
        FileFormat.JSONL: "application/x-ndjson",
        FileFormat.CSV: "text/csv",
        FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)
BY_MEDIA_TYPE: Final[Mapping[str, FileFormat]] = MappingProxyType(
    {media_type: name for name, media_type in MEDIA_TYPES.items()}
)

REASONS: Final[Mapping[str, Bilingual]] = MappingProxyType(
    {
        "not_utf8": Bilingual(
            zh="文件不是 UTF-8 编码；请另存为“CSV UTF-8”",
            en="the file is not UTF-8; save it as CSV UTF-8",
        ),
        "unreadable_csv": Bilingual(zh="无法按 CSV 读取", en="cannot be read as CSV"),
        "unreadable_workbook": Bilingual(
            zh="无法按 XLSX 工作簿读取", en="cannot be read as an XLSX workbook"
        ),
        "workbook_too_large": Bilingual(
            zh="工作簿过大：解压后最多 {limit} 字节",
            en="the workbook is too large: at most {limit} bytes unpacked",
        ),
        "too_many_rows": Bilingual(zh="最多 {limit} 行", en="at most {limit} rows"),
        "too_many_columns": Bilingual(zh="最多 {limit} 列", en="at most {limit} columns"),
        "no_header": Bilingual(
            zh="第一行应为列名，如 {example}",
            en="the first row must name the columns, as {example}",
        ),
        "unknown_column": Bilingual(zh="没有名为“{value}”的列", en="there is no column {value!r}"),
        "repeated_column": Bilingual(
            zh="列“{value}”重复出现", en="the column {value!r} stands twice"
        ),
        "outside_columns": Bilingual(
            zh="该行的单元格多于列名", en="the row has more cells than there are columns"
        ),
        "formula": Bilingual(
            zh="单元格是公式；请填写数值", en="the cell is a formula; put its value there"
        ),
        "wrong_cell": Bilingual(
            zh="单元格的类型（{value}）不适用于该列",
            en="a cell of type {value} does not fit the column",
        ),
        "invalid_json": Bilingual(zh="单元格不是有效的 JSON", en="the cell is not valid JSON"),
    }
)


def fault(pointer: str, code: str, **parts: str | int) -> FieldFault:
    """The fault ``code`` at ``pointer``, told with ``parts``."""
    reason = REASONS[code]
    return FieldFault(
        pointer, code, Bilingual(zh=reason.zh.format(**parts), en=reason.en.format(**parts))
    )
