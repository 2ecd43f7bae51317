"""What an import did, or why it did nothing: the same for every kind and format of file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matchmaker.core.errors import FieldFault


class LineFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing wrong with one line."""

    line: int
    """From 1; in a sheet the row, the header being 1."""
    pointer: str
    """JSON pointer as a fragment, ``#/packages/0/price``; ``#`` is the whole line."""
    code: str
    message: Text
    sheet: str | None = None
    column: str | None = None
    """The column of the sheet that the pointer leads to."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines of one type."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def written(self) -> int:
        """Lines after which something stored is another than before."""
        return self.new + self.changed

    @staticmethod
    def of(outcomes: Mapping[Any, int]) -> Counts:
        """The counts of outcomes by their names."""
        return Counts(
            new=outcomes.get("new", 0),
            changed=outcomes.get("changed", 0),
            unchanged=outcomes.get("unchanged", 0),
        )


class Phases(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time went, in seconds: reading and checking, then writing."""

    decode: float = 0.0
    write: float = 0.0


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one file: with one line rejected, nothing of it is written."""

    lines: int
    rejected: int
    """Lines with at least one fault."""
    found: int
    """Faults in all."""
    counts: dict[str, Counts] = {}
    """By type of line."""
    faults: tuple[LineFault, ...] = ()
    """In order of lines."""
    seconds: Phases = Phases()

    @property
    def is_sound(self) -> bool:
        """Whether no line was rejected."""
        return self.rejected == 0


class Faults:
    """Faults as they are found; all of them are kept, for each names a line to be corrected."""

    def __init__(self) -> None:
        """No faults yet."""
        self._lines: set[tuple[str | None, int]] = set()
        self._listed: list[LineFault] = []

    @property
    def rejected(self) -> int:
        """Lines with at least one fault."""
        return len(self._lines)

    @property
    def found(self) -> int:
        """Faults in all."""
        return len(self._listed)

    def add(self, line: int, found: Iterable[FieldFault]) -> bool:
        """Whether ``found`` held any fault."""
        before = self.found
        for one in found:
            said = Text(zh=one.message.zh, en=one.message.en)
            self.note(LineFault(line=line, pointer=one.pointer, code=one.code, message=said))
        return self.found > before

    def note(self, fault: LineFault) -> None:
        """Keep ``fault``."""
        self._lines.add((fault.sheet, fault.line))
        self._listed.append(fault)

    def listed(self) -> tuple[LineFault, ...]:
        """Every fault, in order of lines."""
        return tuple(sorted(self._listed, key=lambda fault: (fault.sheet or "", fault.line)))
