"""What is compared: each ranker puts all solutions in order for one need."""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from tests.benchmark.psg.catalogue import Need, Solution
from tests.benchmark.psg.serving import Serving

from matchmaker.matching import composing
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchInput
from matchmaker.ranking.tokens import Tokenizer

Order = Sequence[str]
K1: Final = 1.2
B: Final = 0.75


@dataclass(frozen=True, slots=True)
class Ranker:
    """``order`` ranks everything for a need and is judged; ``answer`` is what is timed.

    The second argument of ``order`` draws how equal scores are ordered, from 0.
    """

    order: Callable[[Need, int], Order]
    answer: Callable[[Need], object]


class SlateDiffers(Exception):
    """The answer does not begin as the order that was judged."""


def served(
    serving: Serving,
    solutions: Sequence[Solution],
    *,
    has_profile: bool = True,
    codes: Mapping[str, str] | None = None,
) -> Ranker:
    """The ranker behind POST /v1/match.

    The order is the whole slate, of which the answer shows the first ten. Equal scores are ordered
    by a hash of the input: blanks after the text change that and nothing else. ``codes`` gives each
    category's code, for the control run.
    """
    matcher, caller = serving.matcher, Caller()

    def request(need: Need, draw: int = 0) -> MatchInput:
        return request_of(need, draw, has_profile=has_profile, categories=codes or {})

    def order(need: Need, draw: int) -> Order:
        run, found = matcher.run(request(need, draw), caller)
        slate = composing.slate_of(found, len(found.scored)).offerings
        if [item.offering for item in run.answer.items] != list(slate[: len(run.answer.items)]):
            raise SlateDiffers(need.id)
        ids = (serving.external_ids[found.index.offering_ids[place]] for place in slate)
        return [solutions[int(name.removeprefix("o"))].id for name in ids]

    return Ranker(order, lambda need: matcher.match(request(need), caller, "en"))


def request_of(
    need: Need, draw: int = 0, *, has_profile: bool = True, categories: Mapping[str, str]
) -> MatchInput:
    """The request of ``need``, checked as if it had come over the wire."""
    industries = list(need.industries) if has_profile else []
    wanted: dict[str, Any] = {"kind": "solution", "text": need.text + " " * draw}
    if need.text in categories:
        wanted["categories"] = [categories[need.text]]
    profile = {"industries": industries} if industries else None
    return msgspec.convert({"profile": profile, "need": wanted}, MatchInput)


class Bm25:
    """BM25 over title and description in plain tokens, each word of the need counted once.

    idf = ln(1 + (N - df + .5) / (df + .5)); equal scores in an order drawn by a hash.
    """

    def __init__(self, solutions: Iterable[Solution], tokenizer: Tokenizer) -> None:
        """Index ``solutions``; the tokenizer's glossary is not used."""
        self._plain = tokenizer.plain
        self._counts = {
            each.id: Counter([*self._plain(each.title), *self._plain(each.description)])
            for each in solutions
        }
        holding = Counter(token for counts in self._counts.values() for token in counts)
        total = len(self._counts)
        self._idf = {
            token: math.log(1 + (total - df + 0.5) / (df + 0.5)) for token, df in holding.items()
        }
        self._norms = self._norms_of({name: c.total() for name, c in self._counts.items()})

    def order(self, need: Need, draw: int = 0) -> Order:
        """All solutions, best first."""
        words = list(dict.fromkeys(self._plain(need.text)))
        scores = {name: self._score(name, words) for name in self._counts}
        return sorted(scores, key=lambda name: (-scores[name], _tie(need.id, name, draw)))

    def _score(self, name: str, words: Sequence[str]) -> float:
        counts, norm = self._counts[name], self._norms[name]
        return sum(
            self._idf[word] * counts[word] * (K1 + 1) / (counts[word] + norm)
            for word in words
            if word in counts
        )

    @staticmethod
    def _norms_of(lengths: Mapping[str, int]) -> dict[str, float]:
        average = sum(lengths.values()) / max(len(lengths), 1) or 1
        return {name: K1 * (1 - B + B * length / average) for name, length in lengths.items()}


def shuffled(solutions: Iterable[Solution]) -> Ranker:
    """An order that knows nothing, drawn for each need; the draw is its seed."""
    ids = sorted(solution.id for solution in solutions)

    def order(need: Need, seed: int = 0) -> Order:
        return random.Random(f"{seed} {need.id}").sample(ids, len(ids))  # noqa: S311  (no secret)

    return Ranker(order, order)


def _tie(need: str, solution: str, draw: int) -> bytes:
    return hashlib.sha256(f"{draw} {need} {solution}".encode()).digest()[:8]
