"""Search engines that run in the process, on the very tokens of our index: tantivy and bm25s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import bm25s
import numpy as np
import tantivy
from numpy.typing import NDArray
from tests.factories import times

from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.query import Query
from matchmaker.rules import AllOf, Leaf

FILTERED: Final = ("categories", "deployment")
UNSTATED: Final = "?"
"""Stands for a set that the provider left out: it stays in, as ours does."""
TEXT: Final = "text"
_SPACES: Final = "spaces"
_MEMORY: Final = 512_000_000

Search = Callable[[], object]


def tokens_of(offering: OfferingFacts) -> list[str]:
    """Its tokens in all languages, each as often as it stands there."""
    counted = (times(each).items() for each in offering.text.values())
    return [token for token, often in chain.from_iterable(counted) for _ in range(often)]


def asked(query: Query) -> list[str]:
    """The tokens of a need."""
    return [*(query.plain or ()), *query.concepts]


def filters(query: Query) -> dict[str, list[str]]:
    """The two musts of a selective need, by the set that they ask of."""
    assert isinstance(query.need_must, AllOf)
    leaves = [part for part in query.need_must.parts if isinstance(part, Leaf)]
    return {leaf.field.removeprefix("offering."): [*_texts(leaf), UNSTATED] for leaf in leaves}


def facet(offering: OfferingFacts, name: str) -> list[str]:
    """A filtered set of the offering."""
    members = offering.declared.get(name)
    return sorted(members) if isinstance(members, frozenset) else [UNSTATED]


class Tantivy:
    """One segment in memory, one thread."""

    def __init__(self, offerings: Sequence[OfferingFacts]) -> None:
        """Index them."""
        builder = tantivy.SchemaBuilder()
        builder.add_text_field(TEXT, tokenizer_name=_SPACES, index_option="freq")
        for name in FILTERED:
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        spaces = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer(_SPACES, spaces)
        writer = self._index.writer(_MEMORY, 1)
        for offering in offerings:
            facets = {name: facet(offering, name) for name in FILTERED}
            document = tantivy.Document(**{TEXT: [" ".join(tokens_of(offering))], **facets})
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()
        assert self._searcher.num_docs == len(offerings)

    @property
    def segments(self) -> int:
        """How many parts a search looks at."""
        return int(self._searcher.num_segments)

    def search(self, query: Query, k: int) -> Search:
        """The search of a need, its query built beforehand; documents are not fetched."""
        schema, make = self._schema, tantivy.Query
        words = [
            (tantivy.Occur.Should, make.term_query(schema, TEXT, token, "freq"))
            for token in asked(query)
        ]
        parts = [(tantivy.Occur.Must, make.boolean_query(words))]
        for name, wanted in filters(query).items():
            within = make.const_score_query(make.term_set_query(schema, name, wanted), 0.0)
            parts.append((tantivy.Occur.Must, within))
        whole = make.boolean_query(parts)
        return lambda: self._searcher.search(whole, k, count=False)


class Bm25s:
    """Scores of everything by numba, then a mask."""

    def __init__(self, offerings: Sequence[OfferingFacts]) -> None:
        """Index them."""
        self._engine = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend="numba")
        self._engine.index([tokens_of(each) for each in offerings], show_progress=False)
        self._masks: Mapping[str, Mapping[str, NDArray[np.bool_]]] = {
            name: _masks([facet(each, name) for each in offerings]) for name in FILTERED
        }
        self._nothing = np.zeros(len(offerings), np.bool_)

    def search(self, query: Query, k: int) -> Search:
        """The search of a need; making its mask is a part of it."""
        words, wanted = [asked(query)], filters(query)

        def find() -> object:
            mask = np.logical_and.reduce(list(self._wanted(wanted)))
            return self._engine.retrieve(
                words, k=k, weight_mask=mask.astype(np.float32), show_progress=False
            )

        return find

    def _wanted(self, wanted: Mapping[str, Sequence[str]]) -> Iterator[NDArray[np.bool_]]:
        for name, codes in wanted.items():
            known = self._masks[name]
            yield np.logical_or.reduce([known.get(code, self._nothing) for code in codes])


def _masks(facets: Sequence[Sequence[str]]) -> dict[str, NDArray[np.bool_]]:
    found: dict[str, NDArray[np.bool_]] = {}
    for place, codes in enumerate(facets):
        for code in codes:
            found.setdefault(code, np.zeros(len(facets), np.bool_))[place] = True
    return found


def _texts(leaf: Leaf) -> list[str]:
    assert isinstance(leaf.value, tuple)
    return [str(code) for code in leaf.value]
