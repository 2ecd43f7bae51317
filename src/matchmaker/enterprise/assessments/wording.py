"""Assessments as they are answered, in the asked language."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.enterprise.assessments import schemas, service
from matchmaker.enterprise.assessments.charts import Chart
from matchmaker.taxonomy.asking import HIGHEST, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.language import Language
    from matchmaker.enterprise.assessments.declaration import AssessmentTerms
    from matchmaker.enterprise.assessments.models import Assessment
    from matchmaker.enterprise.assessments.peers import Cell, Figures
    from matchmaker.enterprise.assessments.reading import Outcome, Reader
    from matchmaker.taxonomy.asking import Asked, Standing

_SCHEMES: Final = "maturity_scheme"
_SCENES: Final = "sme_scene"
_BY: Final = ("region", "scale", "industry", "all")
_NOTHING: Final = Bilingual(zh="不足一级", en="below level 1")


class Speaker:
    """Writes what is stored in one language."""

    def __init__(self, reader: Reader, language: Language) -> None:
        """Speak ``language``, by the released names."""
        self.reader, self.language = reader, language

    def assessment(self, found: Assessment) -> schemas.Assessment:
        """The whole assessment."""
        said, erased = service.terms(found), found.erased_at is not None
        outcome = None if erased else service.result_of(found)
        return schemas.Assessment(
            id=found.id,
            organisation_id=found.organisation_id,
            scheme=self._named(_SCHEMES, found.scheme),
            checkpoint=found.checkpoint,
            mode=said.mode.value,
            assessed_on=said.assessed_on,
            assessor=said.assessor,
            value=said.value,
            answers=said.answers,
            scenes=said.scenes,
            dimensions=said.dimensions,
            evidence=said.evidence,
            remark=said.remark,
            state=found.state,
            note=found.note,
            progress=None if outcome or erased else self._progress(found.scheme, said),
            result=None if outcome is None else self.result(found.scheme, outcome),
            created_at=found.created_at,
            changed_at=found.changed_at,
            completed_at=found.completed_at,
            erased=erased,
        )

    def result(self, scheme: str, outcome: Outcome) -> schemas.AssessmentResult:
        """What followed, with the same stage under other schemes."""
        is_whole = outcome.least == outcome.most
        return schemas.AssessmentResult(
            level=self._named(scheme, outcome.level),
            stage=self._named("stage", outcome.stage),
            confidence=outcome.confidence,
            score=_number(outcome.least) if is_whole else None,
            score_least=_number(outcome.least),
            score_most=_number(outcome.most),
            scenes=outcome.scenes,
            crosswalk=[
                schemas.Equivalent(
                    scheme=self._named(_SCHEMES, other),
                    levels=[self._named(other, code) for code in levels],
                    confidence=confidence,
                )
                for other, levels, confidence in self.reader.crosswalk(scheme, outcome.stage)
            ],
            taxonomy=outcome.taxonomy,
        )

    def questions(
        self, scheme: str, said: AssessmentTerms, asked: Sequence[Asked]
    ) -> schemas.OpenQuestions:
        """What is still worth asking."""
        form = self.reader.form(scheme)
        return schemas.OpenQuestions(
            questions=[self._question(scheme, each) for each in asked],
            answered=len(said.answers or {}) + len(said.scenes or {}),
            asked_in_all=0 if form is None else form.size,
            progress=self._progress(scheme, said),
        )

    def series(self, scheme: str, found: Sequence[Assessment]) -> schemas.History:
        """The checkpoints of one firm, with what changed between them."""
        told, before = [], None
        for each in found:
            outcome = service.result_of(each)
            if outcome is None:
                continue
            told.append(
                schemas.Checkpoint(
                    assessment_id=each.id,
                    checkpoint=each.checkpoint,
                    assessed_on=each.assessed_on,
                    state=each.state,
                    result=self.result(scheme, outcome),
                    change=None if before is None else self._change(*before, outcome),
                )
            )
            before = each.checkpoint, outcome
        return schemas.History(scheme=self._named(_SCHEMES, scheme), checkpoints=told)

    def benchmark(
        self,
        found: Assessment,
        outcome: Outcome,
        cells: Sequence[tuple[Cell | None, Figures | None]],
    ) -> schemas.Benchmark:
        """The firm among its peers."""
        return schemas.Benchmark(
            scheme=self._named(_SCHEMES, found.scheme),
            checkpoint=found.checkpoint,
            least=self.reader.policy.batch,
            own=self.result(found.scheme, outcome),
            cells=[
                self._cell(by, cell, figures)
                for by, (cell, figures) in zip(_BY, cells, strict=True)
            ],
        )

    def chart(self, outcome: Outcome, figures: Figures | None) -> Chart:
        """The picture of what was found, beside the narrowest peers that are told."""
        scenes = self.reader.taxonomy.scheme(_SCENES)
        return Chart(
            names={code: scenes.name(code, self.language) for code in scenes.entries},
            levels=outcome.scenes,
            means={} if figures is None else figures.scenes,
            language=self.language,
        )

    def _change(self, since: int, before: Outcome, after: Outcome) -> schemas.Change:
        taxonomy = self.reader.taxonomy
        ranks = [taxonomy.entry("stage", each.stage).rank or 0 for each in (before, after)]
        whole = [each.least for each in (before, after) if each.least == each.most]
        scores = [Decimal(each) for each in whole if each is not None]
        return schemas.Change(
            since=since,
            stages=ranks[1] - ranks[0],
            score=float(scores[1] - scores[0]) if len(scores) == len(ranks) else None,
            scenes={
                code: level - before.scenes[code]
                for code, level in after.scenes.items()
                if code in before.scenes and level != before.scenes[code]
            },
        )

    def _progress(self, scheme: str, said: AssessmentTerms) -> schemas.Progress | None:
        standing = self.reader.standing(scheme, said)
        if standing is None:
            return None
        asked = self.reader.open_questions(scheme, said)
        return _progress(standing, len(asked))

    def _question(self, scheme: str, asked: Asked) -> schemas.OpenQuestion:
        if asked.topic is Topic.SCENE:
            entry = self.reader.taxonomy.entry(_SCENES, asked.code)
            return schemas.OpenQuestion(
                at=f"#/scenes/{asked.code}",
                name=self._named(_SCENES, asked.code).name,
                type="level",
                options=[
                    schemas.OpenOption(code=str(level), name=self._level(entry.extra, level))
                    for level in range(HIGHEST + 1)
                ],
            )
        questionnaire = self.reader.taxonomy.questionnaire(scheme)
        question = next(
            each
            for part in questionnaire.parts
            for each in part.questions
            if each.code == asked.code
        )
        return schemas.OpenQuestion(
            at=f"#/answers/{asked.code}",
            name=self._said(question.labels.zh, question.labels.en),
            type=question.type,
            options=[
                schemas.OpenOption(code=option.code, name=self._said(option.zh, option.en))
                for option in question.options
            ],
        )

    def _level(self, extra: object, level: int) -> str:
        known = extra["levels"] if level else ()  # type: ignore[index]
        for each in known:
            if each["level"] == level:
                return str(each[self.language])
        return _NOTHING.in_language(self.language)

    def _cell(self, by: str, cell: Cell | None, figures: Figures | None) -> schemas.PeerCell:
        division, scale, province = (None, None, None) if cell is None else cell
        place = None if province is None else f"{province}0000"
        return schemas.PeerCell(
            by=by,
            division=None if division is None else self._named("gbt_4754_2017", division),
            scale=None if scale is None else self._named("scale", scale),
            province=None if place is None else self._named("gbt_2260", place),
            figures=None
            if figures is None
            else schemas.PeerFigures(
                firms=figures.firms, stages=dict(figures.stages), scenes=dict(figures.scenes)
            ),
        )

    def _named(self, scheme: str, code: str) -> schemas.NamedCode:
        return schemas.NamedCode(
            code=code, name=self.reader.taxonomy.name(scheme, code, self.language)
        )

    def _said(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en


def _progress(standing: Standing, open_questions: int) -> schemas.Progress:
    return schemas.Progress(
        level_least=standing.low,
        level_most=standing.high,
        score_least=float(standing.least),
        score_most=float(standing.most),
        open_questions=open_questions,
    )


def _number(said: str | None) -> float | None:
    return None if said is None else float(said)
