"""Everything one process needs to answer matches, and the two uses of it: match and explain."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from matchmaker.core.canonical import Canonical, canonical
from matchmaker.core.errors import NotFound, Unauthenticated
from matchmaker.core.language import Bilingual, Language
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching import schemas, service, wording
from matchmaker.matching.phrases import Phrasebook, Speaker
from matchmaker.matching.run import MatchRun, Versions, match_run

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Generator

    from matchmaker.matching.index import IndexHolder, Published
    from matchmaker.matching.query import Caller, Reader
    from matchmaker.matching.service import Model, Scoring
    from matchmaker.ranking.query import Query


class OfferingNotConsidered(NotFound):
    """The offering is none the caller's match considers.

    Unknown, of another kind, not visible or not live.
    """

    slug = "offering_not_considered"
    title = Bilingual(
        zh="该服务不在本次匹配范围内", en="The offering is not considered in this match"
    )


class StoringNeedsAccount(Unauthenticated):
    """Only a caller with an account can store a match."""

    slug = "storing_needs_account"
    title = Bilingual(zh="保存匹配结果需要登录", en="Storing a match needs an account")


@dataclass
class Timer:
    """Milliseconds of the named stretches of one request."""

    timings: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def stretch(self, name: str) -> Generator[None]:
        """Measure what runs inside."""
        started = time.perf_counter()
        yield
        self.timings[name] = round((time.perf_counter() - started) * 1000, 3)


@dataclass(frozen=True, slots=True)
class Matcher:
    """The published index, the model, and what reads needs and writes answers."""

    holder: IndexHolder
    model: Model
    reader: Reader
    book: Phrasebook
    now: Callable[[], dt.datetime]

    def match(
        self, request: schemas.MatchRequest, caller: Caller, language: Language
    ) -> schemas.MatchAnswer:
        """The answer in words.

        Raises:
            StoringNeedsAccount: the caller asked to store the run and is anonymous.
            UnusableInput: an unknown code or a rule that cannot hold.
            IndexNotReady: no index is published.
        """
        if request.persist:
            raise StoringNeedsAccount
        timer = Timer()
        with timer.stretch("match"):
            run, found = self.run(request, caller)
        with timer.stretch("words"):
            speaker = self.speaker(found, language)
            answer = wording.answer_of(run, speaker)
        return msgspec.structs.replace(answer, timings_ms=timer.timings)

    def run(self, request: schemas.MatchRequest, caller: Caller) -> tuple[MatchRun, Scoring]:
        """The match in numbers and codes."""
        published = self.holder.current()
        query = self.query(request, caller)
        answer, found = service.match(query, published.index, self.model, limit=request.limit)
        run = match_run(
            query,
            published,
            answer,
            self.versions(published),
            scope=caller.scope,
            decoded=_decoded(request),
        )
        return run, found

    def explain(
        self, request: schemas.ExplainRequest, caller: Caller, language: Language
    ) -> schemas.Explanation:
        """Where one considered offering stands.

        Raises:
            OfferingNotConsidered: the match does not consider it.
            StoringNeedsAccount, UnusableInput, IndexNotReady: as `match`.
        """
        if request.persist:
            raise StoringNeedsAccount
        published = self.holder.current()
        query = self.query(request, caller)
        found = service.score(query, published.index, self.model, ())
        offering = published.index.place(request.offering_id)
        if offering is None or not found.verdict.considered[offering]:
            raise OfferingNotConsidered
        return wording.explanation_of(
            service.standing_of(found, offering, request.limit),
            published,
            self.versions(published),
            self.speaker(found, language),
        )

    def query(self, request: schemas.MatchRequest, caller: Caller) -> Query:
        """The query of ``request``, as of now."""
        return self.reader.build(
            request.profile, request.need, pools=request.pools, caller=caller, as_of=self.now()
        )

    def versions(self, published: Published) -> Versions:
        """What shapes an answer on ``published``."""
        of_index = published.versions
        return Versions(
            base=of_index.base,
            delta=of_index.delta,
            text=of_index.text,
            model=self.model.card.name,
            curation=self.model.card.curation,
            taxonomy=of_index.taxonomy,
            glossary=of_index.glossary,
        )

    def speaker(self, found: Scoring, language: Language) -> Speaker:
        """What writes the texts of ``found``."""
        return Speaker(found, self.book, self.reader.fields, language)


def _decoded(request: schemas.MatchRequest) -> dict[str, Canonical]:
    """The decoded input with its defaults filled in."""
    return {
        "profile": canonical(request.profile or ProfileFacts()),
        "need": canonical(request.need),
        "pools": canonical(request.pools),
        "limit": request.limit,
    }
