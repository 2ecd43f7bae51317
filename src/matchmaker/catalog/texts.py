"""The tokens of an offering as they are stored: by language a length and two lists as strings.

An object with a key per token was five times as dear for the server to take in (2026-11-23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from matchmaker.core.language import LANGUAGES
from matchmaker.ranking.tokens import PackedCount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.core.wire import Text
    from matchmaker.ranking.tokens import TokenCount

_STORED: Final = msgspec.json.Decoder(dict[str, PackedCount])


class Tokenizer(Protocol):
    """Counts the tokens of one language's fields, each read apart."""

    def count(self, texts: Sequence[str]) -> TokenCount:
        """The tokens of ``texts``."""
        ...


def count(fields: Sequence[Text | None], tokenizer: Tokenizer) -> dict[str, TokenCount]:
    """The tokens by language of an offering's ``fields`` in their order, each read apart."""
    counted: dict[str, TokenCount] = {}
    for language in LANGUAGES:
        own = [getattr(text, language) for text in fields if text is not None]
        if said := [text for text in own if text]:
            counted[language] = tokenizer.count(said)
    return counted


def pack(counted: Mapping[str, TokenCount]) -> str:
    """JSON of the counts by language.

    Raises:
        ValueError: a token holds a space.
    """
    return msgspec.json.encode({name: count.packed() for name, count in counted.items()}).decode()


def unpack(stored: str) -> dict[str, PackedCount]:
    """The counts by language from what `pack` wrote."""
    return _STORED.decode(stored)
