"""Everything one process needs to answer matches, and the two uses of it: match and explain."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import msgspec

from matchmaker.core.canonical import Canonical, canonical
from matchmaker.core.language import LANGUAGES, Language
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching import changing, composing, schemas, service, suggesting, wording
from matchmaker.matching.errors import OfferingNotConsidered
from matchmaker.matching.experiments.machine import Design
from matchmaker.matching.learned.shelf import joint_of
from matchmaker.matching.phrases import Phrasebook, Speaker
from matchmaker.matching.run import MatchRun, Versions, match_run
from matchmaker.ranking.exploring import SEEDS
from matchmaker.ranking.interleaving import Team

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Generator
    from uuid import UUID

    from matchmaker.matching.answer import Answer
    from matchmaker.matching.index import IndexHolder, IndexVersions, Published
    from matchmaker.matching.learned.shelf import Shelf
    from matchmaker.matching.query import Caller, Reader
    from matchmaker.matching.service import Model, Scoring
    from matchmaker.ranking.query import Query


class Part(NamedTuple):
    """The part of a run in an experiment: the arm of its firm, None where lists are merged."""

    experiment_id: UUID
    arm: Team | None


class Shadow(TypedDict):
    """What a model without effect would have shown: its version, and offerings in their order."""

    model: str
    offerings: list[str]


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
    shelf: Shelf | None = None
    """Learned models on the grids of ``model``; where one is the champion, it ranks."""
    exploration: float = 0.0
    """Share of the lists in which two places are swapped; none unless a portal turns it on."""
    is_trying: bool = False
    """Whether experiments that run have an effect; none unless a portal turns it on."""
    rival: Model | None = None
    """With one, its order and that of what ranks are merged into one list."""

    def draw(self) -> int | None:
        """The seed of one answer; None for those in which nothing is swapped or merged."""
        is_explored = self.exploration and secrets.randbelow(SEEDS) < self.exploration * SEEDS
        return secrets.randbelow(SEEDS) if self.rival is not None or is_explored else None

    @property
    def ranking(self) -> Model:
        """What ranks now: the champion, or the published card."""
        return self.model if self.shelf is None else self.shelf.champion(self.model)

    def pinned(self) -> Matcher:
        """The same, which ranks for ever by what ranks now: for many answers of one moment."""
        return replace(self, model=self.ranking, shelf=None)

    def on_trial(self, firm: str) -> tuple[Matcher, Part | None]:
        """What answers a match of the firm that is stored, and the part that this has in a trial.

        Where lists are merged nothing else is explored.
        """
        trial = self.shelf.trial(self.model) if self.is_trying and self.shelf is not None else None
        if trial is None:
            return self, None
        experiment_id = trial.contest.id
        if trial.contest.design is Design.INTERLEAVING:
            merging = replace(self, model=trial.a, rival=trial.b, shelf=None, exploration=0.0)
            return merging, Part(experiment_id, None)
        arm = trial.arm_of(firm)
        model = trial.a if arm is Team.A else trial.b
        return replace(self, model=model, shelf=None), Part(experiment_id, arm)

    def match(
        self, request: schemas.MatchInput, caller: Caller, language: Language
    ) -> schemas.MatchAnswer:
        """The answer in words.

        Raises:
            UnusableInput: an unknown code or a rule that cannot hold.
            IndexNotReady: no index is published.
        """
        timer = Timer()
        with timer.stretch("match"):
            run, found = self.run(request, caller, seed=self.draw())
        with timer.stretch("words"):
            answer = wording.answer_of(run, self.speaker(found, language))
        return msgspec.structs.replace(answer, timings_ms=timer.timings)

    def told(self, run: MatchRun, found: Scoring) -> dict[Language, schemas.MatchAnswer]:
        """The answer of ``run``, scored as ``found``, in every language."""
        return {
            language: wording.answer_of(run, self.speaker(found, language))
            for language in LANGUAGES
        }

    def run(
        self,
        request: schemas.MatchInput,
        caller: Caller,
        *,
        as_of: dt.datetime | None = None,
        published: Published | None = None,
        seed: int | None = None,
    ) -> tuple[MatchRun, Scoring]:
        """The match in numbers and codes.

        As of now and on the current index, unless others are given; with a ``seed`` explored.

        Raises:
            UnusableInput: an unknown code or a rule that cannot hold.
            IndexNotReady: no index is published.
        """
        published = published or self.holder.current()
        query, model = self.query(request, caller, as_of), self.ranking
        answer, found = service.match(
            query,
            published.index,
            model,
            published.curations_for(caller.organisation),
            limit=request.limit,
            seed=seed,
            rival=self.rival,
        )
        return self.run_of(answer, found, published, asked=request, caller=caller, seed=seed), found

    def run_of(
        self,
        answer: Answer,
        found: Scoring,
        published: Published,
        *,
        asked: schemas.MatchInput,
        caller: Caller,
        seed: int | None = None,
    ) -> MatchRun:
        """The run of an ``answer`` that was read from ``found``."""
        return match_run(
            found.query,
            published,
            answer,
            self.versions(published.versions, found.model),
            scope=caller.scope,
            decoded=_decoded(asked),
            seed=seed,
        )

    def explain(
        self, request: schemas.MatchInput, offering_id: str, caller: Caller, language: Language
    ) -> schemas.Explanation:
        """Where one considered offering stands now.

        Raises:
            OfferingNotConsidered: the match does not consider it.
            UnusableInput, IndexNotReady: as `match`.
        """
        run, found = self.run(request, caller)
        return self.standing(
            run, found, offering_id, asked=request, caller=caller, language=language
        )

    def standing(
        self,
        run: MatchRun,
        found: Scoring,
        offering_id: str,
        *,
        asked: schemas.MatchInput,
        caller: Caller,
        language: Language,
    ) -> schemas.Explanation:
        """Where one considered offering stands in ``run``, and what would change that.

        Raises:
            OfferingNotConsidered: the match does not consider it.
        """
        offering = run.published.index.place(offering_id)
        if offering is None or not found.verdict.considered[offering]:
            raise OfferingNotConsidered
        standing, speaker = (
            service.standing_of(found, offering, asked.limit),
            self.speaker(found, language),
        )
        told = wording.explanation_of(standing, run, speaker)
        if standing.name == "shown":
            return told

        def ask(changed: schemas.MatchInput) -> Query:
            return self.query(changed, caller, run.query.as_of)

        suggested = changing.suggested(asked, found, offering, ask)
        suggestions = suggesting.told(suggested, speaker)
        return msgspec.structs.replace(told, suggestions=suggestions)

    def query(
        self, request: schemas.MatchInput, caller: Caller, as_of: dt.datetime | None = None
    ) -> Query:
        """The query of ``request``, as of now unless another time is given.

        Raises:
            UnusableInput: an unknown code or a rule that cannot hold.
        """
        return self.reader.build(
            request.profile,
            request.need,
            pools=request.pools,
            caller=caller,
            as_of=as_of or self.now(),
        )

    def at_hand(self, versions: schemas.UsedVersions) -> Published | None:
        """The kept index on which an answer has just these ``versions``; None if there is none."""
        return self.holder.find(
            lambda of_index: wording.used_versions(self.versions(of_index)) == versions
        )

    def in_shadow(self, run: MatchRun, found: Scoring, limit: int) -> Shadow | None:
        """What the model in the shadow would have shown in place of ``run``, without effect.

        Under the same curations as ``found``, what the run was scored as.
        """
        model = None if self.shelf is None else self.shelf.shadow(self.model)
        if model is None:
            return None
        index = run.published.index
        scored = service.score(run.query, index, model, found.curations)
        slate = composing.slate_of(scored, limit)
        ids = [index.offering_ids[place] for place in slate.offerings[:limit]]
        return {"model": model.version, "offerings": ids}

    def versions(self, of_index: IndexVersions, ranking: Model | None = None) -> Versions:
        """What shapes an answer on the index, where ``ranking`` or what ranks now orders it."""
        model = (ranking or self.ranking).version or of_index.edition.model
        if self.rival is not None:
            model = joint_of(model, self.rival.version or of_index.edition.model)
        return Versions(
            base=of_index.base,
            delta=of_index.delta,
            text=of_index.text,
            model=model,
            curation=self.model.card.curation,
            taxonomy=of_index.edition.taxonomy,
            glossary=of_index.edition.glossary,
        )

    def speaker(self, found: Scoring, language: Language) -> Speaker:
        """What writes the texts of ``found``."""
        return Speaker(found, self.book, self.reader.fields, language)


def _decoded(request: schemas.MatchInput) -> dict[str, Canonical]:
    """The decoded input with its defaults filled in."""
    return {
        "profile": canonical(request.profile or ProfileFacts()),
        "need": canonical(request.need),
        "pools": canonical(request.pools),
        "limit": request.limit,
    }
