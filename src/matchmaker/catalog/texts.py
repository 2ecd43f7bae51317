"""The tokens of an offering as they are stored: by language a length and two lists as strings.

An object with a key per token was five times as dear for the server to take in (2026-11-23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from matchmaker.core.language import LANGUAGES
from matchmaker.ranking.tokens import TokenCount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.core.wire import Text

_BETWEEN = " "


class Counted(Protocol):
    """What one language of one text holds."""

    @property
    def length(self) -> int:
        """Plain tokens in all."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each token occurs."""
        ...


class Tokenizer(Protocol):
    """Counts the tokens of one language's fields, each read apart."""

    def count(self, texts: Sequence[str]) -> Counted:
        """The tokens of ``texts``."""
        ...


def count(fields: Sequence[Text | None], tokenizer: Tokenizer) -> dict[str, Counted]:
    """The tokens by language of an offering's ``fields`` in their order, each read apart."""
    counted: dict[str, Counted] = {}
    for language in LANGUAGES:
        own = [getattr(text, language) for text in fields if text is not None]
        if said := [text for text in own if text]:
            counted[language] = tokenizer.count(said)
    return counted


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    length: int
    tokens: str
    counts: str
    """In the order of ``tokens``."""


def pack(counted: Mapping[str, Counted]) -> str:
    """JSON of the counts by language.

    Raises:
        ValueError: a token holds a space.
    """
    return msgspec.json.encode({name: _packed(count) for name, count in counted.items()}).decode()


def _packed(count: Counted) -> _Stored:
    tokens = _BETWEEN.join(count.counts)
    if tokens.count(_BETWEEN) != max(len(count.counts) - 1, 0):
        raise ValueError("a token holds a space")
    return _Stored(
        length=count.length, tokens=tokens, counts=_BETWEEN.join(map(str, count.counts.values()))
    )


def unpack(stored: object) -> dict[str, TokenCount]:
    """The counts by language from what `pack` wrote, decoded from JSON."""
    found = msgspec.convert(stored, dict[str, _Stored])
    return {
        name: TokenCount(
            one.length,
            dict(zip(one.tokens.split(), map(int, one.counts.split()), strict=True)),
        )
        for name, one in found.items()
    }
