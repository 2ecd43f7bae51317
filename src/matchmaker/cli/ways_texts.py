"""How an assessment and a way are told on a terminal, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.cli.show import Page
    from matchmaker.core.wire import Money
    from matchmaker.enterprise.assessments.schemas import AssessmentResult, OpenQuestions
    from matchmaker.matching.schemas import MatchAnswer
    from matchmaker.pathway.schemas import ComputedWay, PathwayStep
    from matchmaker.taxonomy.fields import FieldWords

_MONEY: Final = "need.budget.amount"
_SHOWN: Final = 5
STANDS: Final = Bilingual(zh="评测结果", en="Where the firm stands")
LEVEL: Final = Bilingual(zh="等级", en="level")
STAGE: Final = Bilingual(zh="内部阶段", en="stage")
SURE: Final = Bilingual(zh="映射可信度", en="mapping is")
SCORE: Final = Bilingual(zh="得分", en="score")
BETWEEN: Final = Bilingual(zh="{least} 至 {most} 之间", en="between {least} and {most}")
SURENESS: Final[Mapping[str, Bilingual]] = {
    "high": Bilingual(zh="高", en="sure"),
    "medium": Bilingual(zh="中", en="fairly sure"),
    "low": Bilingual(zh="低", en="doubtful"),
}
ELSEWHERE: Final = Bilingual(zh="其他体系中的同等水平", en="The same stage elsewhere")
OPEN: Final = Bilingual(zh="还值得回答的题目", en="Questions that can still change the level")
SETTLED: Final = Bilingual(
    zh="等级已确定：共 {all} 题，已答 {answered} 题，其余各题不会改变等级。",
    en="The level is settled: {answered} of {all} questions were answered, the others change "
    "nothing.",
)
MORE: Final = Bilingual(zh="……另有 {count} 题", en="... and {count} more")
POSITION: Final = Bilingual(zh="现状与定位", en="Position")
KIND: Final = Bilingual(zh="企业类型", en="kind of firm")
AIM: Final = Bilingual(zh="目标", en="aim")
FROM_TO: Final = Bilingual(zh="由{level}级到{target}级", en="from level {level} to level {target}")
LACKS: Final = Bilingual(zh="差距", en="lacks")
MISSING: Final = Bilingual(
    zh="达到{level}级的场景还差 {scenes} 个，其中约束性场景至少 {binding} 个",
    en="{scenes} scenes at level {level}, {binding} of them binding",
)
POINTS: Final = Bilingual(zh="得分还差 {points} 分", en="{points} points of the score")
UNKNOWN: Final = Bilingual(zh="未评级的场景", en="not rated")
ENTRIES: Final = Bilingual(zh="从哪里入手", en="Where to begin")
PLAN: Final = Bilingual(zh="分步计划", en="The plan")
PHASE: Final = Bilingual(zh="第 {number} 期：{cost}", en="Phase {number}: {cost}")
WITHIN: Final = Bilingual(zh="（预算 {budget}）", en=" of {budget}")
STEP: Final = Bilingual(
    zh="{number}. {scene}：{before}级→{after}级，{what}；{low} 至 {high}；{count} 个产品",
    en="{number}. {scene} {before} -> {after}: {what}; {low} to {high}; {count} offerings",
)
WITH: Final = Bilingual(
    zh="{number}. {scene}：{before}级→{after}级，{what}；与第 {first} 步同一套餐，不另付费；"
    "{count} 个产品",
    en="{number}. {scene} {before} -> {after}: {what}; paid with step {first}; {count} offerings",
)
TOTAL: Final = Bilingual(
    zh="合计 {cost}，可以达到目标。", en="In all {cost}; the target is reached."
)
STOPPED: Final = Bilingual(zh="达不到目标：{why}", en="The target is not reached: {why}")
GAPS: Final = Bilingual(zh="供给缺口", en="supply gaps")
NEED_OF_STEP: Final = Bilingual(
    zh="由第一个切入点生成的需求，及其匹配结果", en="The need of the first entry point, matched"
)
GUIDE: Final = Bilingual(
    zh="依据：{issuer}，{edition}", en="After the guide of {issuer}, {edition}"
)


@dataclass(frozen=True, slots=True)
class Telling:
    """A page, and what is told on it."""

    page: Page

    def assessment(
        self, result: AssessmentResult | None, asked: OpenQuestions, first: int = 1
    ) -> None:
        """Level and stage, or what is still to be asked, from the heading ``first`` on."""
        page = self.page
        page.heading(first, STANDS)
        if result is not None:
            score = result.score
            told = f"{score:g}" if score is not None else None
            if told is None and result.score_least is not None:
                bounds = {"least": f"{result.score_least:g}", "most": f"{result.score_most:g}"}
                told = page.words(BETWEEN, **bounds)
            page.pairs(
                [
                    (page.words(LEVEL), result.level.name),
                    (page.words(STAGE), result.stage.name),
                    (page.words(SURE), page.words(SURENESS[result.confidence])),
                    *([(page.words(SCORE), told)] if told else []),
                ]
            )
            page.say("")
            page.say(page.words(ELSEWHERE), "dim")
            page.pairs(
                (each.scheme.name, " / ".join(level.name for level in each.levels) or "-")
                for each in result.crosswalk
            )
        if asked.questions:
            page.heading(first + 1, OPEN)
            shown = [f"{each.name} ({each.at})" for each in asked.questions[:_SHOWN]]
            rest = len(asked.questions) - len(shown)
            page.bullets("", [*shown, *([page.words(MORE, count=rest)] if rest else [])])
        elif asked.asked_in_all:
            counts = {"answered": asked.answered, "all": asked.asked_in_all}
            page.say("")
            page.say(page.words(SETTLED, **counts), "dim")

    def way(self, told: ComputedWay, words: FieldWords, first: int = 1) -> None:
        """Position, entry points and phases, under headings from the number ``first``."""
        page = self.page
        page.heading(first, POSITION)
        self._position(told)
        page.heading(first + 1, ENTRIES)
        for entry in told.entry_points:
            page.say(f"{entry.step}. {entry.scene.name}  {entry.score:.2f}", "bold")
            page.bullets("", entry.reasons)
        page.heading(first + 2, PLAN)
        for phase in told.phases:
            said = page.words(PHASE, number=phase.number, cost=_money(words, phase.cost))
            if phase.budget is not None:
                said += page.words(WITHIN, budget=_money(words, phase.budget))
            page.say(said, "bold")
            page.bullets("", [self._step(step, words) for step in phase.steps])
        if told.stopped is not None:
            page.say(page.words(STOPPED, why=told.stopped.explanation), "yellow")
        else:
            page.say(page.words(TOTAL, cost=_money(words, told.cost)), "green")
        gaps = [
            f"{gap.scene.name} {gap.level_before} -> {gap.level_after}" for gap in told.supply_gaps
        ]
        page.bullets(page.words(GAPS), gaps, "yellow")
        for guide in told.guides:
            page.say(page.words(GUIDE, issuer=guide.issuer, edition=guide.edition), "dim")

    def first_match(self, title: str, answer: MatchAnswer, number: int) -> None:
        """The first offerings for the need of the best step to begin with."""
        page = self.page
        page.heading(number, NEED_OF_STEP)
        page.say(title, "bold")
        page.bullets(
            "", [f"{item.title} / {item.provider.name} ({item.fit})" for item in answer.items]
        )

    def _position(self, told: ComputedWay) -> None:
        page, stands = self.page, told.position
        gap = stands.gap
        lacks = [page.words(MISSING, level=gap.scene_level, scenes=gap.scenes, binding=gap.binding)]
        if gap.points:
            lacks.append(page.words(POINTS, points=f"{gap.points:g}"))
        page.pairs(
            [
                (page.words(KIND), stands.archetype.title),
                (page.words(AIM), page.words(FROM_TO, level=stands.level, target=stands.target)),
            ]
        )
        page.say(stands.archetype.strategy, "italic")
        if stands.archetype.focus:
            page.say(stands.archetype.focus, "italic")
        page.bullets(page.words(LACKS), lacks)
        page.bullets(page.words(UNKNOWN), [each.name for each in stands.unknown][:_SHOWN])

    def _step(self, step: PathwayStep, words: FieldWords) -> str:
        said = {
            "number": step.number,
            "scene": step.scene.name,
            "before": step.level_before,
            "after": step.level_after,
            "what": step.what,
            "count": step.offerings,
        }
        if step.together and step.number != step.together[0]:
            return self.page.words(WITH, first=step.together[0], **said)
        low, high = _money(words, step.cost_from), _money(words, step.cost_to)
        return self.page.words(STEP, low=low, high=high, **said)


def _money(words: FieldWords, money: Money) -> str:
    return words.value(_MONEY, money.amount)
