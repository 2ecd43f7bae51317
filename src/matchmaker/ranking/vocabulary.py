"""The ordered and grouped codes that features compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Scales and stages lowest first, the scenes in order, and the family of each category."""

    scales: tuple[str, ...]
    stages: tuple[str, ...]
    scenes: tuple[str, ...]
    families: Mapping[str, str]
