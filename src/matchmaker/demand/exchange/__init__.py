"""Needs out of files and into them, a line for each need."""

from __future__ import annotations

from matchmaker.demand.exchange.exporting import need_lines
from matchmaker.demand.exchange.importing import import_needs
from matchmaker.demand.exchange.lines import NEEDS, NeedLine

__all__ = ("NEEDS", "NeedLine", "import_needs", "need_lines")
