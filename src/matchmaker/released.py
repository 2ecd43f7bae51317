"""Everything released with the code that is needed to answer, loaded once."""

from __future__ import annotations

from functools import cached_property
from itertools import chain as joined
from typing import TYPE_CHECKING

from matchmaker.catalog.life.facts import Declarations
from matchmaker.core import limits
from matchmaker.core.clock import utc_now
from matchmaker.demand import reading
from matchmaker.enterprise.assessments import policy as assessment_policy
from matchmaker.enterprise.assessments.reading import Reader as AssessmentReader
from matchmaker.enterprise.reach import policy as reach_policy
from matchmaker.exchange.kinds import Means
from matchmaker.feed.webhooks import policy
from matchmaker.identity.sightings import jobs as sighting_jobs
from matchmaker.learning import policy as learning_policy
from matchmaker.learning.service import Means as LearningMeans
from matchmaker.matching import editions, phrases
from matchmaker.matching.experiments import rules as experiment_rules
from matchmaker.matching.index import IndexHolder, IndexVersions
from matchmaker.matching.learned import pages as model_pages
from matchmaker.matching.learned.shelf import Shelf
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.registry import PHRASES
from matchmaker.pathway import released as ways
from matchmaker.policy.guides import released as guides
from matchmaker.taxonomy.checking import Checker

if TYPE_CHECKING:
    from pathlib import Path


class Released:
    """Everything released with the code that requests are answered with, loaded once."""

    def __init__(self, seeds: Path) -> None:
        """Load the taxonomy, the model and the words of ``seeds``."""
        self._seeds, loaded = seeds, editions.load(seeds)
        self.taxonomy, self.words, self.parts = loaded.taxonomy, loaded.words, loaded.parts
        self.model, self.reader = loaded.model, loaded.reader
        self.checker = Checker(self.taxonomy, self.reader.fields)
        self.declarations = Declarations.of(self.taxonomy, self.words.tokenizer, self.words.version)
        self.book = phrases.load(seeds / PHRASES)
        self.webhooks = policy.load(seeds)
        self.general = guides.load(seeds, self.checker)
        self.wayfinder = ways.load(seeds, self.checker.fields, self.general)
        self.reach = reach_policy.load(seeds)
        self.sightings = sighting_jobs.load(seeds)
        self.limits = limits.load(seeds)
        self.model_words = model_pages.load(seeds)
        self.experiment_rules = experiment_rules.load(seeds)
        self.learning = LearningMeans(self.edition, learning_policy.load(seeds))
        self.assessing = AssessmentReader(self.checker, assessment_policy.load(seeds))

    @cached_property
    def need_reader(self) -> reading.Reader:
        """What reads needs out of free text; only who is asked for that makes it: 0.4 seconds."""
        phrases_of = {
            each.id: [*joined(*each.phrases.values())] for each in self.words.tokenizer.concepts
        }
        return reading.load(self._seeds, self.taxonomy, phrases_of)

    @property
    def edition(self) -> editions.Edition:
        """What shapes an index beside the offerings."""
        return editions.Edition(self.taxonomy, self.words, self.model, self.reader, self.parts)

    def matcher(self, index_folder: Path) -> Matcher:
        """A matcher on the index published below ``index_folder``."""
        holder = IndexHolder(index_folder, self.has_built)
        shelf = Shelf(index_folder)
        return Matcher(holder, self.model, self.reader, self.book, utc_now, shelf)

    def has_built(self, index: IndexVersions) -> bool:
        """Whether an index was built with this release."""
        return index.edition == self.edition.names

    def means(self) -> Means:
        """What imports are held against."""
        return Means(
            checker=self.checker,
            tokenizer=self.words.tokenizer,
            text_version=self.words.version,
        )
