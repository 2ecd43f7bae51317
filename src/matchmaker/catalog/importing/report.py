"""What an import did, or why it did nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matchmaker.core.errors import FieldFault

LISTED = 1000
"""The most faults a report lists; all are counted."""


class LineFault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with one line."""

    line: int
    pointer: str
    """JSON pointer as a fragment, ``#/packages/0/price``; ``#`` is the whole line."""
    code: str
    message: Text


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines of one type."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def written(self) -> int:
        """Lines after which something stored is another than before."""
        return self.new + self.changed


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
    providers: Counts = Counts()
    offerings: Counts = Counts()
    faults: tuple[LineFault, ...] = ()
    """In order of lines, at most `LISTED`."""
    seconds: Phases = Phases()

    @property
    def is_written(self) -> bool:
        """Whether the lines of the file are now in the transaction."""
        return self.rejected == 0


class Faults:
    """Faults as they are found."""

    def __init__(self) -> None:
        """No faults yet."""
        self._lines: set[int] = set()
        self._found = 0
        self._listed: list[LineFault] = []

    @property
    def rejected(self) -> int:
        """Lines with at least one fault."""
        return len(self._lines)

    @property
    def found(self) -> int:
        """Faults in all."""
        return self._found

    def add(self, line: int, found: Iterable[FieldFault]) -> bool:
        """Whether ``found`` held any fault."""
        before = self._found
        for one in found:
            self._found += 1
            self._lines.add(line)
            if len(self._listed) < LISTED:
                self._listed.append(
                    LineFault(
                        line=line,
                        pointer=one.pointer,
                        code=one.code,
                        message=Text(zh=one.message.zh, en=one.message.en),
                    )
                )
        return self._found > before

    def listed(self) -> tuple[LineFault, ...]:
        """The first faults, in order of lines."""
        return tuple(sorted(self._listed, key=lambda fault: fault.line))
