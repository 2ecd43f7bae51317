"""Score and level of a questionnaire, and the internal stage of a maturity scheme's value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, TypeAlias

from matchmaker.taxonomy.errors import AnswerOutOfRange

if TYPE_CHECKING:
    from matchmaker.taxonomy.documents import Question, Questionnaire
    from matchmaker.taxonomy.entries import Entry
    from matchmaker.taxonomy.registry import Taxonomy

Answer: TypeAlias = str | Sequence[str] | int | Decimal
"""An option's code, several of them, or a percentage from 0 to 100."""

_NONE = "none"
_FULL = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Points in all and by question; an unanswered question counts nothing and is listed."""

    total: Decimal
    points: Mapping[str, Decimal]
    unanswered: tuple[str, ...]


def score(questionnaire: Questionnaire, answers: Mapping[str, Answer]) -> Score:
    """The points of the answers.

    Raises:
        AnswerOutOfRange: an answer is not among its question's, or no question has its name.
    """
    questions = {
        question.code: question for part in questionnaire.parts for question in part.questions
    }
    for code in answers:
        if code not in questions:
            raise AnswerOutOfRange.of(code)
    points = {code: _points(questions[code], answer) for code, answer in answers.items()}
    return Score(
        total=sum(points.values(), Decimal(0)),
        points=points,
        unanswered=tuple(code for code in questions if code not in answers),
    )


def level(
    questionnaire: Questionnaire, total: Decimal, scenes: Mapping[str, int], binding: frozenset[str]
) -> int:
    """The highest level whose score and scene tests both pass, else 0.

    Args:
        questionnaire: The questionnaire whose rule holds.
        total: The points in all.
        scenes: The level of each scene, 0 to 4; a missing scene is at 0.
        binding: The scenes that count as binding (``binding_scenes``).
    """
    for rule in sorted(questionnaire.levels, key=lambda rule: -rule.level):
        reached = [code for code, at in scenes.items() if at >= rule.scene_level]
        is_wide = len(reached) >= rule.min_scenes
        if (
            total >= rule.min_score
            and is_wide
            and len(binding.intersection(reached)) >= rule.min_binding
        ):
            return rule.level
    return 0


def binding_scenes(taxonomy: Taxonomy, questionnaire: Questionnaire) -> frozenset[str]:
    """The scenes that the questionnaire's rule of levels counts as binding."""
    scenes = taxonomy.scheme(questionnaire.scenes).entries
    return frozenset(code for code, entry in scenes.items() if entry.extra.get("binding") is True)


def stage(taxonomy: Taxonomy, scheme: str, value: str) -> str | None:
    """The internal stage that a raw value of a maturity scheme stands for; null if it has none.

    Raises:
        CodeNotFound: there is no such maturity scheme.
    """
    told = taxonomy.entry("maturity_scheme", scheme).extra
    levels = taxonomy.scheme(scheme).entries
    found = levels.get(value) if str(told["reading"]).startswith("level") else None
    if found is None and "maximum" in told:
        number = _number(value, Decimal(str(told["maximum"])))
        found = None if number is None else _LEVEL_OF[str(told["reading"])](levels.values(), number)
    return None if found is None else str(found.extra["stage"])


def _below(levels: Iterable[Entry], number: Decimal) -> Entry | None:
    return next((entry for entry in levels if number < Decimal(str(entry.extra["below"]))), None)


def _of_mean(levels: Iterable[Entry], number: Decimal) -> Entry | None:
    return next((entry for entry in levels if entry.code == str(int(number))), None)


def _reached(levels: Iterable[Entry], number: Decimal) -> Entry | None:
    found: Entry | None = None
    for entry in levels:
        least = entry.extra["min_score"]
        if least is None or number >= Decimal(str(least)):
            found = entry
    return found


_LEVEL_OF: Final[Mapping[str, Callable[[Iterable[Entry], Decimal], Entry | None]]] = {
    "score": _below,
    "mean_level": _of_mean,
    "level_or_score": _reached,
}


def _number(value: str, maximum: Decimal) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and 0 <= found <= maximum else None


def _points(question: Question, answer: Answer) -> Decimal:
    if question.type == "band_percent":
        return _of_band(question, answer)
    chosen = (answer,) if isinstance(answer, str) else answer
    if isinstance(chosen, int | Decimal):
        raise AnswerOutOfRange.of(question.code)
    points = {option.code: option.points for option in question.options}
    is_one = question.type == "single" or _NONE in chosen
    is_known = points.keys() >= set(chosen) and len(set(chosen)) == len(chosen)
    if not chosen or not is_known or (is_one and len(chosen) > 1):
        raise AnswerOutOfRange.of(question.code)
    return sum((points[code] for code in chosen), Decimal(0))


def _of_band(question: Question, answer: Answer) -> Decimal:
    if (
        isinstance(answer, bool)
        or not isinstance(answer, int | Decimal)
        or not 0 <= answer <= _FULL
    ):
        raise AnswerOutOfRange.of(question.code)
    return next(points for upper, points in question.bands if answer <= upper)
