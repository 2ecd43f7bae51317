"""What is learned from: lists that were shown, encoded as they were when they were shown.

The encode is that of serving, on the index as it stood then: no fact is later than the impression.
A list whose steps come out otherwise than its run had them is left out, and counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
import numpy as np

from matchmaker.learning import queries
from matchmaker.matching import schemas, service
from matchmaker.matching.learned.shelf import parts_of
from matchmaker.matching.publisher import built_at
from matchmaker.matching.query import Caller
from matchmaker.matching.run import ENGINE, RULES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from matchmaker.core.db import ReadSession
    from matchmaker.learning.policy import Policy
    from matchmaker.learning.queries import Said, SaidRun
    from matchmaker.matching.editions import Edition
    from matchmaker.ranking.index import Index
    from matchmaker.ranking.lists import Floats
    from matchmaker.ranking.query import Query

OTHER_EDITION: Final = "other_edition"
NOT_REPRODUCED: Final = "not_reproduced"
NOTHING_SAID: Final = "nothing_said"


@dataclass(frozen=True, slots=True)
class JudgedList:
    """What one run showed, with how well each offering fits.

    ``steps`` of shape (rows, features) has NaN where the need does not open a feature; ``grades``
    and ``weights`` are of shape (rows,).
    """

    run_id: UUID
    need: str
    """Whose lists are never split: a stored need, or the same text."""
    firm: UUID
    as_of: dt.datetime
    query: Query
    index: Index
    steps: Floats
    grades: Floats
    weights: Floats

    @property
    def is_judged(self) -> bool:
        """Whether an order of it can be better than another."""
        return bool((self.grades[self.weights > 0] > 0).any())


@dataclass(frozen=True, slots=True)
class Dataset:
    """Judged lists, the earliest first, and how many were left out, by why."""

    lists: tuple[JudgedList, ...]
    left_out: Mapping[str, int]

    @property
    def needs(self) -> int:
        """How many needs are in it."""
        return len({each.need for each in self.lists})

    def rows(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Steps, grades, needs and weights of all rows, as a ranker takes them."""
        lengths = [len(each.grades) for each in self.lists]
        return (
            np.vstack([each.steps for each in self.lists]),
            np.concatenate([each.grades for each in self.lists]),
            np.repeat(np.arange(len(self.lists), dtype=np.float64), lengths),
            np.concatenate([each.weights for each in self.lists]),
        )


async def gathered(session: ReadSession, edition: Edition, policy: Policy) -> Dataset:
    """Everything that was said of matches, as it can be learned from by ``edition``."""
    runs = await queries.said_runs(session)
    said = await queries.said_of(session, [run.id for run in runs])
    left_out: Counter[str] = Counter()
    at_positions: dict[tuple[int, int], list[SaidRun]] = {}
    for run in runs:
        if _is_of(run, edition):
            position = run.body["versions"]["index"]
            at_positions.setdefault((position["base"], position["delta"]), []).append(run)
        else:
            left_out[OTHER_EDITION] += 1
    lists: list[JudgedList] = []
    for (base, delta), shown in sorted(at_positions.items()):
        index = (await built_at(session, edition, base, delta)).index
        for run in shown:
            found = list_of(run, said[run.id], index, edition=edition, policy=policy)
            if isinstance(found, str):
                left_out[found] += 1
            else:
                lists.append(found)
    lists.sort(key=lambda each: (each.as_of, each.run_id))
    return Dataset(tuple(_weighed(lists, policy)), dict(left_out))


def list_of(
    run: SaidRun, said: Said, index: Index, *, edition: Edition, policy: Policy
) -> JudgedList | str:
    """The list of ``run`` on ``index``; else why it is left out."""
    asked = msgspec.convert(run.input, schemas.MatchInput)
    query = edition.reader.build(
        asked.profile,
        asked.need,
        pools=asked.pools,
        caller=Caller.of(run.body["caller"]),
        as_of=run.as_of,
    )
    found = service.score(query, index, edition.model, ())
    items: Sequence[Mapping[str, object]] = run.body["items"]
    steps = [_steps(found, str(item["offering_id"]), str(item["package"])) for item in items]
    if steps != [item["steps"] for item in items]:
        return NOT_REPRODUCED
    ids = [UUID(str(item["offering_id"])) for item in items]
    graded = [_grade(said, id_, policy, is_vouched=run.is_vouched) for id_ in ids]
    if not any(weight for _, weight in graded):
        return NOTHING_SAID
    names = tuple(edition.model.card.features)
    rows = [[row.get(name, np.nan) for name in names] for row in steps if row is not None]
    return JudgedList(
        run_id=run.id,
        need=str(run.need_id or query.digest),
        firm=run.firm,
        as_of=run.as_of,
        query=query,
        index=index,
        steps=np.array(rows, np.float64),
        grades=np.array([grade for grade, _ in graded], np.float64),
        weights=np.array(
            [
                weight * min(1 / said.propensity[id_], policy.most_weight)
                for id_, (_, weight) in zip(ids, graded, strict=True)
            ],
            np.float64,
        ),
    )


def split(data: Dataset, policy: Policy) -> tuple[Dataset, Dataset]:
    """What is learned from, and what is held out: the needs that came last, whole.

    What a need of the first was shown after the first list of the others is in neither.
    """
    first: dict[str, dt.datetime] = {}
    for each in data.lists:
        first.setdefault(each.need, each.as_of)
    in_order = sorted(first, key=lambda need: (first[need], need))
    held_out = frozenset(in_order[len(in_order) - round(len(in_order) * policy.held_out) :])
    since = min((first[need] for need in held_out), default=None)
    train = (
        each
        for each in data.lists
        if each.need not in held_out and (since is None or each.as_of < since)
    )
    later = (each for each in data.lists if each.need in held_out)
    return Dataset(tuple(train), {}), Dataset(tuple(later), {})


def _is_of(run: SaidRun, edition: Edition) -> bool:
    """Whether the run was answered with the grids and words of ``edition``, by this engine."""
    used = run.body["versions"]
    names = edition.names
    there = (parts_of(used["model"]).card, used["taxonomy"], used["glossary"])
    here = (names.model, names.taxonomy, names.glossary)
    return there == here and (used["engine"], used["rules"]) == (ENGINE, RULES)


def _steps(found: service.Scoring, offering_id: str, package: str) -> Mapping[str, int] | None:
    """The steps of the package as serving reads them; None where it is not there or excluded."""
    offering = found.index.place(offering_id)
    if offering is None or not found.verdict.scored[offering]:
        return None
    for in_part, row in found.rows_of(offering):
        if found.index.package_codes[row] == package:
            return service.steps_of(found, offering, in_part)
    return None


def _grade(
    said: Said, offering_id: UUID, policy: Policy, *, is_vouched: bool
) -> tuple[float, float]:
    """How well the offering fits, and how much that counts.

    Experts before the firm; what a firm did nothing with it was shown in vain, what no expert of a
    run that experts alone judged has judged counts as a candidate and no more.
    """
    if of_judges := said.grades.get(offering_id):
        return float(np.mean([*of_judges.values()])), 1.0
    if not is_vouched or not said.actions:
        return 0.0, 0.0
    actions = said.actions.get(offering_id, ())
    return float(max((policy.grades[action] for action in actions), default=0)), 1.0


def _weighed(lists: Sequence[JudgedList], policy: Policy) -> list[JudgedList]:
    """The lists, those of one need as one, and a firm's as `most_of_firm` needs at most."""
    of_need = Counter(each.need for each in lists)
    needs_of: dict[UUID, set[str]] = {}
    for each in lists:
        needs_of.setdefault(each.firm, set()).add(each.need)
    weighed = []
    for each in lists:
        by = min(1.0, policy.most_of_firm / len(needs_of[each.firm])) / of_need[each.need]
        weighed.append(replace(each, weights=each.weights * by))
    return weighed
