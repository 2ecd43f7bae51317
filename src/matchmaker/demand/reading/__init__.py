"""Free text read into a draft of a need, each part with the characters it was read from."""

from __future__ import annotations

from matchmaker.demand.reading.reader import Reader, load

__all__ = ["Reader", "load"]
