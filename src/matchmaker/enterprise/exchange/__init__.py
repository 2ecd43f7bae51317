"""Profiles out of files and into them, a line for each firm."""

from __future__ import annotations

from matchmaker.enterprise.exchange.exporting import profile_lines
from matchmaker.enterprise.exchange.importing import import_profiles
from matchmaker.enterprise.exchange.lines import PROFILES, ProfileLine

__all__ = ("PROFILES", "ProfileLine", "import_profiles", "profile_lines")
