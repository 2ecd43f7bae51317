"""Pathways as they are answered, in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.language import Bilingual
from matchmaker.core.wire import Money
from matchmaker.enterprise.assessments.schemas import NamedCode
from matchmaker.pathway import schemas, service
from matchmaker.pathway.computing import cited
from matchmaker.pathway.position import archetype

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.core.language import Language
    from matchmaker.pathway import computing, position
    from matchmaker.pathway.comparing import Shift
    from matchmaker.pathway.computing import Asked, Cited, Way
    from matchmaker.pathway.models import Pathway
    from matchmaker.pathway.released import CycleStep, Said, Wayfinder

_SCENES: Final = "sme_scene"
_MONEY: Final = "need.budget.amount"
_THOUSAND: Final = 1000
_STOPPED: Final[Mapping[str, Bilingual]] = {
    "supply": Bilingual(
        zh="平台上没有产品能把足够多的场景提升到目标等级；缺口见 supply_gaps。",
        en="Nothing on offer brings enough scenes to the target; supply_gaps name what lacks.",
    ),
    "budget": Bilingual(
        zh="各年预算不足以达到目标；cost 为不限预算时的最低费用，cost 为空表示还缺产品。",
        en="The budgets do not reach the target; cost is the least it takes without a limit, null "
        "where offerings lack too.",
    ),
    "search": Bilingual(
        zh="在限定的计算量内没有找到可行的方案，也不能排除；请放宽预算或降低目标后再试。",
        en="No plan was found within the limits of the search, and none is excluded; try wider "
        "budgets or a lower target.",
    ),
}
_FOR_GOALS: Final = Bilingual(
    zh="符合企业目标：{goals}。", en="It serves what the firm wants: {goals}."
)
_BINDING: Final = Bilingual(
    zh="属于等级规则要求的约束性场景。", en="It is one of the scenes that the rule of levels binds."
)
_COSTS: Final = Bilingual(
    zh="首年费用 {low} 起，通常不超过 {high}。",
    en="It costs from {low} in the first year, usually no more than {high}.",
)
_TOGETHER: Final = Bilingual(
    zh="同一个产品套餐也能完成第 {steps} 步，只付一次费用。",
    en="One package does this step and {steps} too, and is paid once.",
)
_TAKES: Final = Bilingual(
    zh="通常 {weeks} 周内上线。", en="It is usually live within {weeks} weeks."
)
_OFFERED: Final = Bilingual(
    zh="平台上有 {count} 个产品可以做到。", en="{count} offerings of the pool can do it."
)
_ADVISED: Final = Bilingual(
    zh="{issuer}的指引（{edition}）把它排在第 {place} 位。",
    en="The guide of {issuer} ({edition}) recommends it as number {place}.",
)
_NO_PROGRAMMES: Final = Bilingual(
    zh="尚不能判断哪些扶持政策适用于这一步；已发布的政策见 /v1/programmes。",
    en="Which programmes may pay for it is not worked out yet; /v1/programmes lists them.",
)


class Speaker:
    """Writes what was computed in one language."""

    def __init__(self, released: Wayfinder, language: Language) -> None:
        """Speak ``language``, by the released names."""
        self.released, self.language = released, language

    def pathway(self, found: Pathway, shifts: Sequence[Shift]) -> schemas.Pathway:
        """The whole pathway.

        Raises:
            PathwayErased: what it was computed from was erased.
        """
        told = self.way(service.way_of(found), service.asked_of(found))
        return schemas.Pathway(
            **{name: getattr(told, name) for name in told.__struct_fields__},
            id=found.id,
            organisation_id=found.organisation_id,
            assessment_id=found.assessment_id,
            previous_id=found.previous_id,
            state=found.state,
            note=found.note,
            moved=[
                schemas.Shift(
                    kind=shift.kind,
                    scene=self._named(_SCENES, shift.scene),
                    level_before=shift.start,
                    level_after=shift.end,
                    before=shift.before,
                    after=shift.after,
                )
                for shift in shifts
            ],
            created_at=found.created_at,
        )

    def way(self, way: Way, asked: Asked) -> schemas.ComputedWay:
        """What was computed."""
        return schemas.ComputedWay(
            reaches=way.reaches,
            proven=way.proven,
            cost=self._money(way, way.cost),
            position=self._position(way, asked),
            entry_points=list(self._entries(way, asked)),
            phases=[self._phase(way, phase) for phase in way.phases],
            stopped=None if way.stopped is None else self._stopped(way, way.stopped),
            supply_gaps=[
                schemas.SupplyGap(
                    scene=self._named(_SCENES, gap.scene),
                    level_before=gap.start,
                    level_after=gap.end,
                    offerings=gap.offerings,
                )
                for gap in way.gaps
            ],
            guides=[self._cited(each) for each in cited(self.released, asked)],
            cycle=[
                schemas.CycleStep(code=each.code, text=self._said(each))
                for each in self.released.rules.cycle
            ],
            as_of=way.as_of,
            editions=way.editions,
        )

    def summary(self, found: Pathway) -> schemas.PathwaySummary:
        """The pathway in a list."""
        erased = found.erased_at is not None
        way = None if erased else service.way_of(found)
        return schemas.PathwaySummary(
            id=found.id,
            assessment_id=found.assessment_id,
            previous_id=found.previous_id,
            state=found.state,
            erased=erased,
            reaches=None if way is None else way.reaches,
            target=None if way is None else way.position.target,
            cost=None if way is None else self._money(way, way.cost),
            created_at=found.created_at,
        )

    def _position(self, way: Way, asked: Asked) -> schemas.Position:
        stands = way.position
        kind = archetype(self.released, asked.facts)
        focus = self.released.strategies.stages.get(stands.stage or "")
        gaps: position.Gaps = stands.gaps
        return schemas.Position(
            archetype=schemas.Archetype(
                code=stands.archetype,
                title=self._said(kind.title),
                strategy=self._said(kind.strategy),
                focus=None if focus is None else self._said(focus),
                origin=self.released.strategies.origin,
            ),
            scale=self._maybe("scale", stands.scale),
            stage=self._maybe("stage", stands.stage),
            chain_role=self._maybe("chain_role", stands.chain_role),
            level=stands.level,
            target=stands.target,
            strengths=[self._named(_SCENES, code) for code in stands.strengths],
            unknown=[self._named(_SCENES, code) for code in stands.unknown],
            gap=schemas.Gap(
                level=gaps.level,
                scene_level=gaps.scene_level,
                scenes=gaps.scenes,
                binding=gaps.binding,
                points=None if gaps.points is None else float(gaps.points),
            ),
        )

    def _entries(self, way: Way, asked: Asked) -> Iterator[schemas.EntryPoint]:
        guides = cited(self.released, asked)
        steps = {step.number: step for phase in way.phases for step in phase.steps}
        for entry in way.entries:
            step = steps[entry.step]
            yield schemas.EntryPoint(
                step=entry.step,
                scene=self._named(_SCENES, step.scene),
                score=entry.score / _THOUSAND,
                value=entry.value / _THOUSAND,
                feasibility=entry.feasibility / _THOUSAND,
                supply=entry.supply / _THOUSAND,
                reasons=[*self._reasons(way, entry, step), *self._advice(guides, step.scene)],
            )

    def _reasons(self, way: Way, entry: computing.Entry, step: computing.Step) -> Iterator[str]:
        if entry.goals:
            between = "、" if self.language == "zh" else ", "
            names = between.join(self._named("goal", code).name for code in entry.goals)
            yield _FOR_GOALS.in_language(self.language).format(goals=names)
        if step.scene in self.released.form.binding:
            yield _BINDING.in_language(self.language)
        if step.together:
            others = [f"{number}" for number in step.together if number != step.number]
            steps = ("、" if self.language == "zh" else ", ").join(others)
            yield _TOGETHER.in_language(self.language).format(steps=steps)
        if step.cost or not step.together:
            words = self.released.fields.words(self.language, currency=way.currency)
            low, high = (words.value(_MONEY, amount) for amount in (step.cost, step.upper))
            yield _COSTS.in_language(self.language).format(low=low, high=high)
        if step.weeks is not None:
            yield _TAKES.in_language(self.language).format(weeks=step.weeks[1])
        yield _OFFERED.in_language(self.language).format(count=step.offerings)

    def _advice(self, guides: Sequence[Cited], scene: str) -> Iterator[str]:
        """What the most specific guide that names the scene says of it."""
        for guide in guides:
            if scene in guide.terms.scenes:
                yield _ADVISED.in_language(self.language).format(
                    issuer=guide.terms.issuer.in_language(self.language),
                    edition=guide.terms.edition,
                    place=guide.terms.scenes.index(scene) + 1,
                )
                return

    def _phase(self, way: Way, phase: computing.Phase) -> schemas.Phase:
        return schemas.Phase(
            number=phase.number,
            budget=None if phase.budget is None else self._money(way, phase.budget),
            cost=self._money(way, phase.cost),
            steps=[self._step(way, step) for step in phase.steps],
        )

    def _step(self, way: Way, step: computing.Step) -> schemas.PathwayStep:
        weeks = step.weeks or (None, None)
        return schemas.PathwayStep(
            number=step.number,
            scene=self._named(_SCENES, step.scene),
            level_before=step.start,
            level_after=step.end,
            what=self._level(step.scene, step.end),
            assumed=step.assumed,
            needs=step.needs,
            cost_from=self._money(way, step.cost),
            cost_to=self._money(way, step.upper),
            weeks_from=weeks[0],
            weeks_to=weeks[1],
            skills=[self._named("skill", code) for code in step.skills],
            courses=step.courses,
            scenarios=[self._named("im_scenario", code) for code in step.scenarios],
            standards=[self._named("cn_im_standard_2024", code) for code in step.standards],
            offerings=step.offerings,
            together=step.together,
            programmes=[],
            no_programmes=_NO_PROGRAMMES.in_language(self.language),
        )

    def _stopped(self, way: Way, said: computing.Shortfall) -> schemas.Shortfall:
        return schemas.Shortfall(
            reason=said.reason,
            scenes=said.scenes,
            binding=said.binding,
            cost=None if said.cost is None else self._money(way, said.cost),
            budget=None if said.budget is None else self._money(way, said.budget),
            explanation=_STOPPED[said.reason].in_language(self.language),
        )

    def _cited(self, guide: Cited) -> schemas.CitedGuide:
        terms, language = guide.terms, self.language
        return schemas.CitedGuide(
            id=guide.id,
            code=terms.code,
            edition=terms.edition,
            issuer=terms.issuer.in_language(language),
            source=terms.source.in_language(language),
            scenes=[self._named(_SCENES, code) for code in terms.scenes],
            pitfalls=[each.in_language(language) for each in terms.pitfalls],
        )

    def _level(self, scene: str, level: int) -> str:
        """What the level looks like, in the words of the scheme of scenes."""
        told = self.released.taxonomy.entry(_SCENES, scene).extra["levels"]
        return next(str(each[self.language]) for each in told if each["level"] == level)  # type: ignore[index, union-attr, call-overload]

    def _money(self, way: Way, amount: int) -> Money:
        return Money(amount=amount, currency=way.currency)

    def _maybe(self, scheme: str, code: str | None) -> NamedCode | None:
        return None if code is None else self._named(scheme, code)

    def _named(self, scheme: str, code: str) -> NamedCode:
        return NamedCode(code=code, name=self.released.taxonomy.name(scheme, code, self.language))

    def _said(self, text: Said | CycleStep) -> str:
        return text.zh if self.language == "zh" else text.en
