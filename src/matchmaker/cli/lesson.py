"""The learning scene of the demo: judged lists, a model, the gate, the promotion, better lists.

What the firms of it go by is invented (seeds/demo/lesson.yaml). The registry promotes the model by
its own rules, in a transaction that is undone: the pool goes on ranking by what ranked before.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np

from matchmaker.cli import sample
from matchmaker.core import db, shipped
from matchmaker.core.clock import utc_now
from matchmaker.core.events import CLI
from matchmaker.core.ids import uuid7
from matchmaker.core.language import Bilingual
from matchmaker.learning import dataset, gate, service, training
from matchmaker.learning.dataset import Dataset, JudgedList
from matchmaker.matching.learned import queries
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.machine import MODEL, ModelState
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.cli.session import Database
    from matchmaker.cli.show import Page
    from matchmaker.core.db import Session
    from matchmaker.learning.gate import Report
    from matchmaker.matching.matcher import Matcher
    from matchmaker.released import Released

_PLAN: Final = "demo/lesson.yaml"
_TITLE: Final = Bilingual(zh="系统如何学习", en="How it learns")
_INVENTED: Final = Bilingual(
    zh="示例企业的取舍是虚构的：{lists}份结果各有企业选定的产品，其中较早的{train}份用来学习，"
    "较晚的需求留作检验。",
    en="What the firms decide is invented: of each of {lists} lists some offering was taken. The "
    "{train} earlier ones are learned from, the needs that came later are held out.",
)
_RULE: Final = Bilingual(zh="启用条件", en="the gate asks")
_IS: Final = Bilingual(zh="实际", en="is")
_BOUND: Final = Bilingual(zh="界限", en="bound")
_RULES: Final = {
    "needs": Bilingual(zh="留作检验的需求数，不少于", en="needs held out, at least"),
    "gain": Bilingual(zh="平均有提高，大于", en="better in the mean, above"),
    "lower_end": Bilingual(zh="提高幅度的下限，不低于", en="lower end of the gain, at least"),
    "worst_slice": Bilingual(zh="最差分组的变化，不低于", en="the worst slice, at least"),
    "gini_rise": Bilingual(zh="曝光集中度上升，不超过", en="exposure more uneven by, at most"),
    "monotone_violations": Bilingual(
        zh="改进反而降分的次数，不超过", en="improvements that lower a score, at most"
    ),
    "text_over_scene_fit": Bilingual(
        zh="文字与场景的跨度之比，不超过", en="words beside scenes, at most"
    ),
}
_BETTER: Final = Bilingual(
    zh="在留作检验的{needs}条需求上，NDCG@10 由 {before} 升至 {after}。",
    en="On the {needs} needs held out nDCG@10 goes from {before} to {after}.",
)
_PROMOTED: Final = Bilingual(
    zh="已按规则启用，随后撤销：示例库仍按原来的方式排序。",
    en="It was promoted by the rules, and that was undone: the pool ranks as it did before.",
)
_REFUSED: Final = Bilingual(zh="未通过，未启用。", en="It did not pass, and was not promoted.")


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the firms of the scene go by; the file says what each entry is."""

    scheme: str
    edition: str
    origin: str
    turns: int
    trees: int
    goes_by: dict[str, float]
    grades: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What came of it."""

    lists: int
    train: int
    report: Report
    state: ModelState


async def learn(running: Database, released: Released, matcher: Matcher) -> Lesson:
    """The lesson of the demo's needs; nothing of it is left in the database."""
    means, plan = released.learning, _plan()
    trees = msgspec.structs.replace(means.policy.trees, max_iter=plan.trees)
    policy = msgspec.structs.replace(means.policy, trees=trees)
    data = Dataset(tuple(judged(matcher, plan)), {})
    train, held_out = dataset.split(data, means.policy)
    files = await asyncio.to_thread(
        training.learned, train, means.card, policy, name=f"lesson-{uuid7()}"
    )
    async with running.transaction() as session, db.undone(session):
        made = await registry.keep(session, files, card=means.card.version, by=CLI)
        champion = await queries.in_state(session, ModelState.CHAMPION)
        now = means.card
        if champion is not None:
            now = await service.as_served(session, champion, means.card)
        model = await service.as_served(session, made, means.card)
        report = gate.judged(held_out, model, now, means.policy.gate)
        against = None if champion is None else champion.id
        found = service.Evaluated(made.id, against, report)
        await service.keep_evaluation(session, found, CLI)
        state = await _promoted(session, made.name, means.card.version, report)
    return Lesson(len(data.lists), len(train.lists), report, state)


async def _promoted(session: Session, name: str, card: str, report: Report) -> ModelState:
    """Where the model stands after the two steps that lead to where it ranks."""
    model = await registry.named(session, name)
    for each in ("shadow", "promote") if report.is_passed else ():
        step = MODEL.step(each)
        assert step is not None  # noqa: S101  (the machine's own name)
        model = await registry.move(session, model, step, CLI, card=card)
    return model.state


def judged(matcher: Matcher, plan: Plan) -> Iterator[JudgedList]:
    """What the demo's needs are shown, with what their firms would take of it."""
    now = utc_now()
    profiles = {firm.external_id: firm.profile for firm in sample.firms()}
    needs = sample.needs(now.date())
    names = tuple(matcher.model.card.features)
    total = plan.turns * len(needs)
    for number in range(total):
        turn, place = divmod(number, len(needs))
        line = needs[place]
        budget = line.need.budget
        if budget is not None and turn:
            amount = budget.amount * (turn + 2) // 2
            budget = msgspec.structs.replace(budget, amount=amount)
        need = msgspec.structs.replace(line.need, budget=budget)
        asked = MatchInput(profile=profiles.get(line.profile), need=need)
        as_of = now - dt.timedelta(minutes=total - number)
        run, _ = matcher.run(asked, Caller(), as_of=as_of)
        steps = [item.steps for item in run.answer.items]
        worth = [sum(w * each.get(n, 0) for n, w in plan.goes_by.items()) for each in steps]
        grades = np.zeros(len(steps))
        for grade, best in zip(plan.grades, np.argsort(worth)[::-1], strict=False):
            grades[best] = grade
        yield JudgedList(
            run_id=UUID(int=number),
            need=f"{line.external_id} {turn}",
            firm=UUID(int=place),
            as_of=as_of,
            query=run.query,
            index=run.published.index,
            steps=np.array([[each.get(n, np.nan) for n in names] for each in steps], np.float64),
            grades=grades,
            weights=np.ones(len(steps)),
        )


def tell(page: Page, found: Lesson, number: int) -> None:
    """The scene under the heading ``number``."""
    page.heading(number, _TITLE)
    page.say(page.words(_INVENTED, lists=found.lists, train=found.train))
    report = found.report
    page.table(
        (_RULE, _IS, _BOUND),
        [
            (page.words(_RULES[each.rule]), _figure(each.value), _figure(each.bound))
            for each in report.findings
        ],
        texts_at=0,
    )
    page.say(
        page.words(
            _BETTER,
            needs=report.needs,
            before=_figure(report.ndcg_now),
            after=_figure(report.ndcg),
        ),
        "bold",
    )
    is_promoted = found.state is ModelState.CHAMPION
    page.say(page.words(_PROMOTED if is_promoted else _REFUSED))


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"


def _plan() -> Plan:
    content = (shipped.folder("seeds") / _PLAN).read_bytes()
    return msgspec.yaml.decode(content, type=Plan)
