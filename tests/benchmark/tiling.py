"""A pool so many times over: what a match looks at grows, and nobody waits for it to be built."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.columns import Coded, Codes, Int
from matchmaker.ranking.index import Index
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.text import TextIndex
from matchmaker.ranking.texts import CodedTexts, FixedTexts

C = TypeVar("C", bound=Coded)
N = TypeVar("N", bound=np.generic)


def tiled(index: Index, times: int) -> Index:
    """``index`` so many times over; every offering of it has as many packages as any other."""
    assert len({*index.planes.counts}) == 1
    size = index.offerings

    def of_rows(values: NDArray[N]) -> NDArray[N]:
        return np.concatenate([np.tile(values[s], times) for _, s in index.planes.slices])

    def offerings(column: C) -> C:
        return replace(column, codes=np.tile(column.codes, times))

    def rows(column: C) -> C:
        return replace(column, codes=of_rows(column.codes))

    price = index.price
    return replace(
        index,
        planes=Planes(tuple(count * times for count in index.planes.counts)),
        declared={name: offerings(column) for name, column in index.declared.items()},
        rows={name: rows(column) for name, column in index.rows.items()},
        stages=rows(index.stages),
        levels=rows(index.levels),
        cases=offerings(index.cases),
        record=offerings(index.record),
        attested=offerings(index.attested),
        price=replace(
            price,
            currency=of_rows(price.currency),
            flat=of_rows(price.flat),
            yearly=of_rows(price.yearly),
            units=cast("Codes", of_rows(price.units)),
        ),
        text=_text(index.text, size, times),
        offering_ids=FixedTexts(_named(index.offering_ids.texts, times)),
        by_id=np.concatenate([index.by_id + each * size for each in range(times)]),
        provider_ids=_providers(index.provider_ids, times),
        kind=offerings(index.kind),
        public=np.tile(index.public, times),
        pools=offerings(index.pools),
        valid_from=np.tile(index.valid_from, times),
        valid_to=np.tile(index.valid_to, times),
        musts=offerings(index.musts),
    )


def _named(texts: NDArray[np.bytes_], times: int) -> NDArray[np.bytes_]:
    """The ids of each time with its number in place of the first character."""
    found = np.tile(texts, times)
    letters = found.view(np.uint8).reshape(len(found), -1)
    letters[:, 0] = np.repeat(np.arange(times) + ord("0"), len(texts))
    return found


def _providers(providers: CodedTexts, times: int) -> CodedTexts:
    """Others each time."""
    names = [f"{each}{name}" for each in range(times) for name in providers.names]
    first = np.repeat(np.arange(times) * len(providers.names), len(providers))
    return CodedTexts(
        (np.tile(providers.codes.astype(np.int64), times) + first).astype(np.uint32), names
    )


def _text(text: TextIndex, size: int, times: int) -> TextIndex:
    """Its postings, those of each token one pool after the other."""
    held = np.unpackbits(text.held, axis=1, count=size)
    token = np.repeat(np.arange(len(text.start) - 1), np.diff(text.start))
    order = np.argsort(np.tile(token, times), kind="stable")
    places: Int = np.repeat(np.arange(times), len(token)) * size + np.tile(text.offering, times)
    return replace(
        text,
        start=text.start * times,
        offering=places[order].astype(np.int32),
        impact=np.tile(text.impact, times)[order],
        dense=np.tile(text.dense, (1, times)),
        held=np.packbits(np.tile(held, (1, times)), axis=1),
    )
