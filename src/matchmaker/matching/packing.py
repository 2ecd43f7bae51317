"""Blocks of decoded offerings as bytes: what the encoder gave, kept and read back.

What is packed is a function of immutable versions and of the encoder; its name says which one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np

from matchmaker.core.canonical import canonical, digest
from matchmaker.matching import sayings
from matchmaker.matching.decoding import SplitCard
from matchmaker.matching.run import ENGINE, RULES
from matchmaker.ranking.coding import (
    Block,
    PriceCodes,
    SaidCodes,
    TextCodes,
    block_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matchmaker.matching.decoding import Decoded
    from matchmaker.ranking.coding import Whole
    from matchmaker.ranking.columns import Int

FORMAT: Final = 1
_ID: Final = 16


class UnreadableBlock(ValueError):
    """The bytes are not those that were packed."""


class Coded(NamedTuple):
    """Offerings as codes, with the versions and the providers they are of, and their cards."""

    versions: Sequence[bytes]
    providers: Sequence[bytes]
    block: Block
    cards: Sequence[SplitCard]

    def at(self, places: Int) -> Coded:
        """Those at ``places``."""
        chosen = places.tolist()
        return Coded(
            [self.versions[place] for place in chosen],
            [self.providers[place] for place in chosen],
            self.block.at(places),
            [self.cards[place] for place in chosen],
        )


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    versions: bytes
    providers: bytes
    ids: str
    offerings: list[bytes]
    rows: list[bytes]
    currencies: list[str]
    units: list[tuple[tuple[int, int, bool], ...]]
    languages: list[str]
    tokens: str
    arrays: list[tuple[str, bytes]]
    cards: bytes


_DECODER: Final = msgspec.msgpack.Decoder(_Packed)


def encoder_name(stages: Sequence[str], words: str) -> str:
    """Names all that shapes a block beside the versions: the code, the ladder, the ``words``."""
    return digest(
        canonical(
            {
                "engine": ENGINE,
                "format": FORMAT,
                "rules": RULES,
                "stages": list(stages),
                "words": words,
            }
        )
    )


def coded(decoded: Sequence[Decoded]) -> Coded:
    """Decoded offerings as codes."""
    return Coded(
        [each.version_id.bytes for each in decoded],
        [each.provider_id.bytes for each in decoded],
        block_of([each.line for each in decoded]),
        [each.card for each in decoded],
    )


def seal(encoder: str, body: bytes) -> bytes:
    """What shows that the ``encoder`` of this name gave just this ``body``."""
    return hashlib.sha256(encoder.encode() + b"\n" + body).digest()


def pack(given: Coded) -> bytes:
    """``given`` as bytes.

    Raises:
        OverflowError: a number in it has more than 64 bits.
    """
    block, cards = given.block, [part for card in given.cards for part in card]
    lengths = np.array([*map(len, cards)], np.int64)
    return msgspec.msgpack.encode(
        _Packed(
            versions=b"".join(given.versions),
            providers=b"".join(given.providers),
            ids=" ".join(block.ids),
            offerings=[*map(sayings.pack, block.offerings.distinct)],
            rows=[*map(sayings.pack, block.rows.distinct)],
            currencies=[*block.prices.currencies],
            units=[*block.prices.units],
            languages=[*block.texts.languages],
            tokens=" ".join(block.texts.tokens),
            arrays=[_narrowed(array) for array in (*_arrays(block), lengths)],
            cards=b"".join(cards),
        )
    )


class Unpacker:
    """Unpacks block after block; what several say is one object, and is decoded once."""

    def __init__(self, encoder: str) -> None:
        """Nothing read yet; ``encoder`` is whose blocks are taken."""
        self._encoder, self._said = encoder, cache(sayings.unpack)

    def unpack(self, sealed: bytes, body: bytes) -> Coded:
        """What was packed.

        Raises:
            UnreadableBlock: it is not what the encoder has sealed.
        """
        if seal(self._encoder, body) != sealed:
            raise UnreadableBlock("the seal is of something else")
        try:
            found = _DECODER.decode(body)
            *arrays, lengths = (np.frombuffer(data, kind) for kind, data in found.arrays)
            return Coded(
                _ids(found.versions),
                _ids(found.providers),
                self._block(found, arrays),
                _cards(found.cards, lengths),
            )
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise UnreadableBlock(str(error)) from error

    def _block(self, found: _Packed, arrays: Sequence[Whole]) -> Block:
        packages, number, each, row_number, row_each, *rest = arrays
        prices, texts = rest[: len(PriceCodes._fields) - 2], rest[len(PriceCodes._fields) - 2 :]
        return Block(
            found.ids.split(),
            packages,
            SaidCodes([*map(self._said, found.offerings)], number, each),
            SaidCodes([*map(self._said, found.rows)], row_number, row_each),
            PriceCodes(found.currencies, found.units, *prices),
            TextCodes(found.languages, found.tokens.split(), *texts),
        )


def _arrays(block: Block) -> tuple[Whole, ...]:
    """The arrays of ``block``, in the order in which `_block` takes them."""
    said = (block.offerings, block.rows)
    return (
        block.packages,
        *(array for codes in said for array in (codes.number, codes.each)),
        *block.prices[2:],
        *block.texts[2:],
    )


def _narrowed(array: Whole) -> tuple[str, bytes]:
    """The same numbers in the smallest type that holds them."""
    is_signed = int(array.min(initial=0)) < 0
    kind = np.dtype(np.int64) if is_signed else np.min_scalar_type(int(array.max(initial=0)))
    return kind.str, array.astype(kind).tobytes()


def _ids(joined: bytes) -> list[bytes]:
    return [joined[start : start + _ID] for start in range(0, len(joined), _ID)]


def _cards(joined: bytes, lengths: NDArray[np.integer[Any]]) -> list[SplitCard]:
    ends = accumulate(lengths.tolist(), initial=0)
    parts = iter([joined[start:end] for start, end in pairwise(ends)])
    return [SplitCard(before, next(parts)) for before in parts]
