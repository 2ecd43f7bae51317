"""What an organisation says of itself as a provider; who it is says its organisation."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import Line, Text


class SupplyCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supply card as a whole; what is left out is unknown."""

    summary: Text | None = None
    website: Line | None = None


class SupplyCardPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change of a supply card; null takes it away."""

    summary: TextPatch | UnsetType | None = UNSET
    website: Line | UnsetType | None = UNSET
