"""The adaptive questionnaire: what can still change the level, and what to ask next.

Pure: the same answers give the same next question. Points and levels of scenes only ever raise a
level, so the level of the least and of the greatest completion of some answers bound that of every
one, and a question that no undecided rule reads can be left out whatever its answer would be.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from matchmaker.taxonomy import maturity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from matchmaker.taxonomy.documents import LevelRule, Questionnaire
    from matchmaker.taxonomy.maturity import Answer
    from matchmaker.taxonomy.registry import Taxonomy

HIGHEST: Final = 4
"""The greatest level of a scene."""
_WEIGHT: Final = 2
"""How many answers a hint is worth; it moves the order alone."""


class Topic(enum.StrEnum):
    """What a question is about: points, or the level of a scene."""

    QUESTION = "question"
    SCENE = "scene"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that is still worth asking."""

    topic: Topic
    code: str


@dataclass(frozen=True, slots=True)
class Form:
    """A questionnaire with what it is made of: its scenes in order, and which are binding."""

    questionnaire: Questionnaire
    scenes: tuple[str, ...]
    binding: frozenset[str]

    @property
    def points(self) -> dict[str, Decimal]:
        """The greatest points of each scored question, in order."""
        return {
            question.code: question.points
            for part in self.questionnaire.parts
            for question in part.questions
        }

    @property
    def size(self) -> int:
        """How many questions there are, a scene being one."""
        return len(self.points) + len(self.scenes)


@dataclass(frozen=True, slots=True)
class Standing:
    """What some answers allow: least and greatest points, and the levels those could mean."""

    low: int
    high: int
    least: Decimal
    most: Decimal

    @property
    def level(self) -> int | None:
        """The level, where every completion of the answers has the same."""
        return self.low if self.low == self.high else None

    @property
    def score(self) -> Decimal | None:
        """The points, where every scored question is answered."""
        return self.least if self.least == self.most else None


def form_of(taxonomy: Taxonomy, questionnaire: Questionnaire) -> Form:
    """The questionnaire with its scenes."""
    scenes = tuple(taxonomy.scheme(questionnaire.scenes).entries)
    return Form(questionnaire, scenes, maturity.binding_scenes(taxonomy, questionnaire))


def standing(form: Form, answers: Mapping[str, Answer], scenes: Mapping[str, int]) -> Standing:
    """What ``answers`` and the known levels of ``scenes`` allow.

    Raises:
        AnswerOutOfRange: an answer is not among its question's, or no question has its name.
    """
    found = maturity.score(form.questionnaire, answers)
    points = form.points
    most = found.total + sum((points[code] for code in found.unanswered), Decimal(0))
    best = {code: scenes.get(code, HIGHEST) for code in form.scenes}
    rule = form.questionnaire
    return Standing(
        low=maturity.level(rule, found.total, scenes, form.binding),
        high=maturity.level(rule, most, best, form.binding),
        least=found.total,
        most=most,
    )


def worth_asking(
    form: Form,
    answers: Mapping[str, Answer],
    scenes: Mapping[str, int],
    *,
    read: Collection[str] = (),
    hint: Hint | None = None,
) -> list[Asked]:
    """Every question that can still change something, the one to ask next first.

    Args:
        form: The questionnaire.
        answers: What has been answered.
        scenes: The levels that are known.
        read: Questions and scenes that something else reads: matches, eligibility. They are asked
            whatever the level is.
        hint: What is probably true of the firm. It moves the order, never what is asked.

    Raises:
        AnswerOutOfRange: as `standing`.
    """
    progress = _Progress(form, standing(form, answers, scenes), answers, scenes, hint or Hint())
    useful = dict.fromkeys(progress.needed(), 0)
    chosen = [asked for way in progress.shortest() for asked in way if asked in useful]
    for asked in chosen:
        useful[asked] += 1
    place = {asked: number for number, asked in enumerate(dict.fromkeys([*chosen, *useful]))}
    ranked = sorted(useful, key=lambda asked: (-useful[asked], place[asked]))
    also = [asked for asked in progress.unanswered() if asked.code in read and asked not in useful]
    return [*ranked, *also]


@dataclass(frozen=True, slots=True)
class Hint:
    """What is probably true of a firm.

    A level, levels of scenes that were stated elsewhere, and by question what share of its points
    it brings whatever the level.
    """

    level: int = 1
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    scenes: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far some answers have come towards a level, and what is to be expected of the rest."""

    form: Form
    standing: Standing
    answers: Mapping[str, Answer]
    scenes: Mapping[str, int]
    hint: Hint

    def unanswered(self) -> Iterator[Asked]:
        """All questions without an answer: binding scenes, others, then points, the most first."""
        open_scenes = [code for code in self.form.scenes if code not in self.scenes]
        for code in sorted(open_scenes, key=lambda code: code not in self.form.binding):
            yield Asked(Topic.SCENE, code)
        for code in self._open_points():
            yield Asked(Topic.QUESTION, code)

    def needed(self) -> list[Asked]:
        """Those that a rule reads whose outcome is open."""
        rules = self._undecided()
        by_score = any(self.standing.least < rule.min_score for rule in rules)
        any_scene = any(self._reached(rule, self.form.scenes) < rule.min_scenes for rule in rules)
        bound = any(self._reached(rule, self.form.binding) < rule.min_binding for rule in rules)
        return [
            asked
            for asked in self.unanswered()
            if (by_score if asked.topic is Topic.QUESTION else any_scene)
            or (bound and asked.code in self.form.binding)
        ]

    def shortest(self) -> Iterator[list[Asked]]:
        """The questions that would settle the level soonest, as far as can be told.

        Whoever passes a rule passes those below, and whoever fails it fails those above: the
        highest that will probably be passed is settled, and the lowest that will not.
        """
        rules = sorted(self._undecided(), key=lambda rule: rule.level)
        likely = [rule for rule in rules if self._is_likely(rule)]
        unlikely = [rule for rule in rules if rule not in likely]
        for rule in likely[-1:]:
            yield self._enough_points(rule)
            yield self._enough_scenes(rule)
        for rule in unlikely[:1]:
            ways = (self._too_few_points(rule), *self._too_few_scenes(rule))
            yield min(ways, key=lambda way: way[0])[1]

    def _undecided(self) -> list[LevelRule]:
        low, high = self.standing.low, self.standing.high
        return [rule for rule in self.form.questionnaire.levels if low < rule.level <= high]

    def _open_points(self) -> list[str]:
        points = self.form.points
        return sorted((c for c in points if c not in self.answers), key=lambda code: -points[code])

    def _reached(self, rule: LevelRule, codes: Collection[str]) -> int:
        return sum(self.scenes.get(code, -1) >= rule.scene_level for code in codes)

    def _share(self) -> float:
        """The share of the points that an open question will probably bring."""
        points = self.form.points
        open_points = sum(points[code] for code in self._open_points())
        asked = float(sum(points.values()) - open_points)
        prior = (2 * self.hint.level + 1) / (2 * HIGHEST + 2)
        return (float(self.standing.least) + _WEIGHT * 5 * prior) / (asked + _WEIGHT * 5)

    def _share_of(self, code: str) -> float:
        return self.hint.shares.get(code, self._share())

    def _chance(self, rule: LevelRule, code: str) -> float:
        """How probably the open scene ``code`` reaches what the rule asks."""
        if code in self.hint.scenes:
            return 0.95 if self.hint.scenes[code] >= rule.scene_level else 0.05
        prior = 0.75 if self.hint.level >= rule.scene_level else 0.25
        reached = self._reached(rule, self.form.scenes)
        return (reached + _WEIGHT * prior) / (len(self.scenes) + _WEIGHT)

    def _open_scenes(self, codes: Collection[str]) -> list[str]:
        return [code for code in self.form.scenes if code in codes and code not in self.scenes]

    def _is_likely(self, rule: LevelRule) -> bool:
        points = self.form.points
        score = float(self.standing.least) + sum(
            self._share_of(code) * float(points[code]) for code in self._open_points()
        )
        return score >= rule.min_score and all(
            self._reached(rule, codes)
            + sum(self._chance(rule, code) for code in self._open_scenes(codes))
            >= least
            for codes, least in self._tests(rule)
        )

    def _tests(self, rule: LevelRule) -> tuple[tuple[Collection[str], int], ...]:
        return (self.form.scenes, rule.min_scenes), (self.form.binding, rule.min_binding)

    def _enough_points(self, rule: LevelRule) -> list[Asked]:
        missing = float(rule.min_score - self.standing.least)
        gains = {code: self._share_of(code) for code in self._open_points()}
        return self._until(missing, gains)[1]

    def _too_few_points(self, rule: LevelRule) -> tuple[float, list[Asked]]:
        spare = float(self.standing.most - rule.min_score)
        losses = {code: 1 - self._share_of(code) for code in self._open_points()}
        return self._until(spare + 0.001, losses)

    def _until(self, missing: float, shares: Mapping[str, float]) -> tuple[float, list[Asked]]:
        """How many questions it takes to gain or lose ``missing`` points, and which."""
        expected = {code: share * float(self.form.points[code]) for code, share in shares.items()}
        chosen: list[Asked] = []
        for code in sorted(expected, key=lambda code: -expected[code]):
            if missing <= 0:
                break
            chosen.append(Asked(Topic.QUESTION, code))
            missing -= expected[code]
        return len(chosen) + max(0.0, missing), chosen

    def _enough_scenes(self, rule: LevelRule) -> list[Asked]:
        bound = rule.min_binding - self._reached(rule, self.form.binding)
        any_more = rule.min_scenes - self._reached(rule, self.form.scenes)
        chosen: list[Asked] = []
        for code in self._likely_first(rule, self.form.scenes):
            is_binding = code in self.form.binding
            if any_more <= 0 and (bound <= 0 or not is_binding):
                continue
            chosen.append(Asked(Topic.SCENE, code))
            any_more -= 1
            bound -= is_binding
        return chosen

    def _too_few_scenes(self, rule: LevelRule) -> Iterator[tuple[float, list[Asked]]]:
        for codes, least in self._tests(rule):
            failed = sum(self.scenes.get(code, HIGHEST) < rule.scene_level for code in codes)
            missing = float(len(codes) - least + 1 - failed)
            chosen: list[Asked] = []
            for code in reversed(self._likely_first(rule, codes)):
                if missing <= 0:
                    break
                chosen.append(Asked(Topic.SCENE, code))
                missing -= 1 - self._chance(rule, code)
            yield len(chosen) + max(0.0, missing) * len(codes), chosen

    def _likely_first(self, rule: LevelRule, codes: Collection[str]) -> list[str]:
        """Open scenes by how probably they reach what the rule asks, binding ones first."""
        return sorted(
            self._open_scenes(codes),
            key=lambda code: (-self._chance(rule, code), code not in self.form.binding),
        )
