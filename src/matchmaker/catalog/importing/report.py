"""What an import of the catalog did, or why it did nothing."""

from __future__ import annotations

import msgspec

from matchmaker.core import sheets
from matchmaker.core.sheets import Counts, Faults, LineFault, Phases

__all__ = ("Counts", "Faults", "ImportReport", "LineFault", "Phases")


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
    """In order of lines."""
    seconds: Phases = Phases()

    @property
    def is_written(self) -> bool:
        """Whether the lines of the file are now in the transaction."""
        return self.rejected == 0

    def as_any(self) -> sheets.ImportReport:
        """The same as every room reports it."""
        return sheets.ImportReport(
            lines=self.lines,
            rejected=self.rejected,
            found=self.found,
            counts={"provider": self.providers, "offering": self.offerings},
            faults=self.faults,
            seconds=self.seconds,
        )
