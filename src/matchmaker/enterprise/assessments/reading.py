"""What an assessment says: whether it can be read, and which level, stage and scenes follow."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.taxonomy import asking, maturity
from matchmaker.taxonomy.errors import AnswerOutOfRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matchmaker.enterprise.assessments.declaration import AssessmentTerms
    from matchmaker.enterprise.assessments.policy import Policy
    from matchmaker.taxonomy.asking import Asked, Form, Hint, Standing
    from matchmaker.taxonomy.checking import Checker
    from matchmaker.taxonomy.registry import Taxonomy

_SCHEMES: Final = "maturity_scheme"
_SURE: Final = ("high", "medium", "low")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What followed from an assessment when it was completed, under one release."""

    level: str
    """The scheme's own result: a level's code, or the number it gave."""
    stage: str
    confidence: str
    """Of the way from the scheme's result to the stage."""
    least: str | None = None
    most: str | None = None
    """Bounds of the points; the same where every scored question is answered."""
    scenes: dict[str, int] = {}
    taxonomy: str


@dataclass(frozen=True, slots=True)
class Reader:
    """The released schemes that assessments are read by."""

    checker: Checker
    policy: Policy

    @property
    def taxonomy(self) -> Taxonomy:
        """The released tables."""
        return self.checker.taxonomy

    def form(self, scheme: str) -> Form | None:
        """The questionnaire of the scheme, where one is published."""
        found = self.taxonomy.questionnaires.get(scheme)
        return None if found is None else asking.form_of(self.taxonomy, found)

    def scheme_faults(self, scheme: str) -> Iterator[FieldFault]:
        """A fault if there is no such scheme of maturity."""
        yield from self.checker.code(scheme, _SCHEMES, "#/scheme")

    def faults(self, scheme: str, said: AssessmentTerms) -> Iterator[FieldFault]:
        """Everything that keeps ``said`` from being stored, as a draft even."""
        form = self.form(scheme)
        yield from self._answer_faults(form, said)
        yield from self.checker.codes(list(said.scenes or ()), "sme_scene", "#/scenes", keys=True)
        yield from self._dimension_faults(scheme, said.dimensions or {})
        if said.value is not None:
            if said.answers:
                told = Bilingual(zh="已有答案时结果由答案得出", en="follows from the answers")
                yield FieldFault("#/value", "value_and_answers", told)
            elif maturity.stage(self.taxonomy, scheme, said.value) is None:
                told = Bilingual(zh="不是该体系的结果", en="is no result of this scheme")
                yield FieldFault("#/value", "unknown_value", told)

    def standing(self, scheme: str, said: AssessmentTerms) -> Standing | None:
        """What the answers allow so far; None where there is no questionnaire to answer."""
        form = self.form(scheme)
        if form is None or said.value is not None:
            return None
        return asking.standing(form, answers_of(said), said.scenes or {})

    def open_questions(
        self,
        scheme: str,
        said: AssessmentTerms,
        *,
        read: frozenset[str] = frozenset(),
        hint: Hint | None = None,
    ) -> list[Asked]:
        """What is still worth asking, the next question first."""
        form = self.form(scheme)
        if form is None or said.value is not None:
            return []
        return asking.worth_asking(form, answers_of(said), said.scenes or {}, read=read, hint=hint)

    def lacks(self, scheme: str, said: AssessmentTerms) -> FieldFault | None:
        """What keeps ``said`` from being completed."""
        if self.outcome(scheme, said) is not None:
            return None
        if self.form(scheme) is not None:
            told = Bilingual(
                zh="等级尚未确定：还有会改变等级的题目",
                en="the level is open: there are questions that can still change it",
            )
            return FieldFault("#/answers", "level_open", told)
        told = Bilingual(zh="缺少该体系的结果", en="the result under the scheme is missing")
        return FieldFault("#/value", "missing_value", told)

    def outcome(self, scheme: str, said: AssessmentTerms) -> Outcome | None:
        """What follows from ``said``; None while the level is open."""
        found = self.standing(scheme, said)
        level = self._value(scheme, said) if found is None else _text(found.level)
        stage = None if level is None else maturity.stage(self.taxonomy, scheme, level)
        if level is None or stage is None:
            return None
        return Outcome(
            level=level,
            stage=stage,
            confidence=self.confidence(scheme),
            least=None if found is None else _plain(found.least),
            most=None if found is None else _plain(found.most),
            scenes=dict(said.scenes or {}),
            taxonomy=self.taxonomy.version,
        )

    def confidence(self, scheme: str) -> str:
        """How sure the way from the scheme to the ladder is."""
        return str(self.taxonomy.entry(_SCHEMES, scheme).extra["confidence"])

    def crosswalk(self, scheme: str, stage: str) -> Iterator[tuple[str, list[str], str]]:
        """Every other scheme with its levels of the same stage, and how sure both ways are."""
        own = self.confidence(scheme)
        for other in self.taxonomy.scheme(_SCHEMES).entries:
            if other != scheme:
                levels = self.taxonomy.scheme(other).entries.items()
                alike = [code for code, entry in levels if entry.extra.get("stage") == stage]
                yield other, alike, max(own, self.confidence(other), key=_SURE.index)

    def _value(self, scheme: str, said: AssessmentTerms) -> str | None:
        """The result as given, or the mean where all dimensions of a scheme of means are."""
        if said.value is not None or self.policy.dimensions.get(scheme) is None:
            return said.value
        if self.taxonomy.entry(_SCHEMES, scheme).extra["reading"] != "mean_level":
            return None
        known = self.dimensions(scheme)
        values = [Decimal(str((said.dimensions or {}).get(code, -1))) for code in known]
        return None if min(values) < 0 else _plain(sum(values, Decimal(0)) / len(values))

    def dimensions(self, scheme: str) -> list[str]:
        """The dimensions that a scheme values one by one."""
        named = self.policy.dimensions.get(scheme)
        if named is None:
            return []
        known = self.taxonomy.scheme(named.vocabulary)
        return [code for code in known.entries if not known.children.get(code)]

    def _dimension_faults(self, scheme: str, said: Mapping[str, float]) -> Iterator[FieldFault]:
        known = frozenset(self.dimensions(scheme))
        named = self.policy.dimensions.get(scheme)
        for code, value in said.items():
            if named is None or code not in known:
                told = Bilingual(zh="该体系没有这个维度", en="is no dimension of this scheme")
                yield FieldFault(f"#/dimensions/{code}", "unknown_dimension", told)
            elif value > named.maximum:
                told = Bilingual(zh=f"最大为 {named.maximum}", en=f"is at most {named.maximum}")
                yield FieldFault(f"#/dimensions/{code}", "out_of_range", told)

    def _answer_faults(self, form: Form | None, said: AssessmentTerms) -> Iterator[FieldFault]:
        if form is None:
            if said.answers:
                told = Bilingual(zh="该体系没有问卷", en="the scheme has no questionnaire")
                yield FieldFault("#/answers", "no_questionnaire", told)
            return
        for code, answer in answers_of(said).items():
            try:
                maturity.score(form.questionnaire, {code: answer})
            except AnswerOutOfRange:
                told = Bilingual(zh="答案不在选项中", en="is not among the answers of its question")
                yield FieldFault(f"#/answers/{code}", "answer_out_of_range", told)


def answers_of(said: AssessmentTerms) -> dict[str, maturity.Answer]:
    """The answers as a questionnaire takes them."""
    return dict(said.answers or {})


def _text(level: int | None) -> str | None:
    return None if level is None else str(level)


def _plain(number: Decimal) -> str:
    """The number without zeros at its end: 43.55, 100."""
    return f"{number.normalize():f}"
