"""One fact as one cell, and back: what people can read where that is enough, JSON elsewhere.

A cell that holds something else than its column asks for comes out as it stands: whoever checks the
line says what is wrong with it, the same for every format.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import msgspec

from matchmaker.core import wire
from matchmaker.core.errors import MatchmakerError

if TYPE_CHECKING:
    from collections.abc import Mapping

Cell: TypeAlias = str | int | float | bool | dt.date | dt.time | dt.timedelta
"""What a cell can hold; workbooks know more than text."""

BETWEEN: Final = "|"
RANGE: Final = ".."
"""Not a hyphen: a spreadsheet takes 2-4 for a day."""
UNKNOWN: Final = "?"
"""A null that must not be left out: the scene is touched, its levels are not known."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,18}([.][0-9]{1,20})?([eE][-+]?[0-9]{1,3})?")
"""Any number of 64 bits as the shortest text that gives it back: 0.00012345678901234567."""
_SPAN: Final = re.compile(r"([0-9]{1,18})[.][.]([0-9]{1,18})")
_CODES: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)[.][.]([A-Za-z0-9][A-Za-z0-9_-]*)")
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "是"), True),
    **dict.fromkeys(("false", "no", "否"), False),
}
_GUARDED: Final = "=+-@\t'"
_canonical = msgspec.json.Encoder(order="sorted")


class CellRefused(Exception):
    """The cell cannot be a fact of its column; ``code`` says why, ``value`` what it is."""

    def __init__(self, code: str, value: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.value = value


class Codec(Protocol):
    """One kind of fact."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401  (what JSON holds)
        """The cell of ``value``."""
        ...

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401  (what JSON holds)
        """What ``cell`` says, as JSON; a guarded text is open already.

        Raises:
            CellRefused: its type is none of the column's.
        """
        ...


def guarded(text: str) -> str:
    """``text`` as no spreadsheet takes it for a formula, and the empty one as something."""
    return f"'{text}" if not text or _is_mistakable(text) else text


def unguarded(cell: str) -> str:
    """The text that ``guarded`` was given."""
    rest = cell[1:]
    return rest if cell.startswith("'") and (not rest or rest[0] in _GUARDED) else cell


def _is_mistakable(text: str) -> bool:
    if text[0] == "'":
        return len(text) == 1 or text[1] in _GUARDED
    return text[0] in _GUARDED


def as_json(value: object) -> str:
    """``value`` as JSON, keys in order."""
    return _canonical.encode(value).decode()


def from_json(text: str) -> Any:  # noqa: ANN401  (what JSON holds)
    """What ``text`` says.

    Raises:
        CellRefused: it is no JSON.
    """
    try:
        return wire.decode(text.encode(), Any)
    except (MatchmakerError, UnicodeEncodeError) as error:
        raise CellRefused("invalid_json") from error


def plain(cell: Cell) -> Any:  # noqa: ANN401  (what JSON holds)
    """A cell as JSON holds it.

    Raises:
        CellRefused: it is a time, which JSON has no word for.
    """
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        raise CellRefused("wrong_cell", type(cell).__name__)
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


class TextCodec:
    """Any text, and codes."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The text."""
        return str(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """The text; a whole number stands for its digits."""
        found = plain(cell)
        if isinstance(found, bool | float):
            raise CellRefused("wrong_cell", type(found).__name__)
        return str(found)


class NumberCodec:
    """A number, whole or not."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The number."""
        return cast("Cell", value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """The number, or the text that is none."""
        if not isinstance(cell, str):
            return plain(cell)
        if _WHOLE.fullmatch(cell):
            return int(cell)
        return float(cell) if _DECIMAL.fullmatch(cell) else cell


class FlagCodec:
    """Yes or no."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The flag."""
        return bool(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """The flag, or what is none."""
        return _FLAGS.get(cell.lower(), cell) if isinstance(cell, str) else plain(cell)


class DateCodec:
    """A day, ``2026-11-23``; a workbook's own date says the same."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The day in ISO 8601."""
        return str(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """The day in ISO 8601."""
        if isinstance(cell, dt.datetime):
            if cell.time() != dt.time():
                raise CellRefused("wrong_cell", "datetime")
            return cell.date().isoformat()
        return cell.isoformat() if isinstance(cell, dt.date) else plain(cell)


class JsonCodec:
    """What has no plainer form: a rule, a list of cases."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The value as JSON."""
        return as_json(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """What the JSON says."""
        return from_json(cell) if isinstance(cell, str) else plain(cell)


class SetCodec:
    """Codes, ``quality|energy``."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """The codes in their order; the empty list as ``[]``."""
        codes = cast("list[str]", value)
        return BETWEEN.join(codes) if codes else as_json(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """The codes in their order; one that looks like a number stands for its digits."""
        if isinstance(cell, str) and cell.startswith("["):
            return from_json(cell)
        text = cast("str", TextCodec().decode(cell))
        return [code.strip() for code in text.split(BETWEEN)]


class SpanCodec:
    """From-to of numbers, ``2..4``, or of codes, ``not_started..leading``."""

    def __init__(self, pattern: re.Pattern[str], end: type[int | str]) -> None:
        """Read both ends of ``pattern`` as ``end``."""
        self._pattern = pattern
        self._end = end

    def encode(self, value: Any) -> Cell:  # noqa: ANN401
        """Both ends."""
        said = RANGE.join(map(str, value))
        return said if self._pattern.fullmatch(said) else as_json(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401
        """Both ends, or the text that names no two."""
        if not isinstance(cell, str):
            return plain(cell)
        if found := self._pattern.fullmatch(cell):
            return [self._end(each) for each in found.groups()]
        return from_json(cell) if cell.startswith("[") else cell


TEXT: Final = TextCodec()
NUMBER: Final = NumberCodec()
FLAG: Final = FlagCodec()
DATE: Final = DateCodec()
JSON: Final = JsonCodec()
SET: Final = SetCodec()
SPAN: Final = SpanCodec(_SPAN, int)
CODE_SPAN: Final = SpanCodec(_CODES, str)
