"""The life of pools against a model that knows nothing of how they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, precondition, rule
from tests.factories import taxonomy
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.catalog.pools import queries, service
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolPatch
from matchmaker.catalog.pools.terms import Terms
from matchmaker.core import rows
from matchmaker.core.db import Session
from matchmaker.core.machine import Actor
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

CHECKER = Checker(taxonomy(), FieldCatalogue(taxonomy()))
R = OrganisationRole
STEPS = {
    "close": ("open", "closed", {"owner", "operator"}, "pool.closed"),
    "reopen": ("closed", "open", {"owner"}, "pool.reopened"),
}
OTHER_NOUN = {"field": "profile.employees", "op": "gte", "value": 5}
"""A rule that a pool may not have: it reads what no offering has."""


def at_least(cases: int) -> dict[str, Any]:
    return {"field": "evidence.cases", "op": "gte", "value": cases}


def tier(code: str) -> dict[str, Any]:
    return {"code": code, "name": {"en": code.upper()}, "rule": at_least(4)}


parts = st.sampled_from(["one", "one", "two", "operator"])
names = st.sampled_from([{"en": "A"}, {"en": "B"}, {"zh": "甲", "en": "A"}])
sound = {
    "rule": st.sampled_from([at_least(1), at_least(2)]),
    "tiers": st.sampled_from([[], [tier("a")], [tier("a"), tier("b")]]),
    "admission_days": st.sampled_from([None, 30]),
    "description": st.sampled_from([None, {"en": "D"}]),
}
faulty = {
    **sound,
    "rule": sound["rule"] | sound["rule"] | st.just(OTHER_NOUN),
    "tiers": sound["tiers"] | sound["tiers"] | st.just([tier("a"), tier("a")]),
}
terms = st.fixed_dictionaries({"name": names, **sound})
changes = st.fixed_dictionaries({}, optional={"name": names, **faulty})


@dataclass
class Modelled:
    """What a pool should be; its terms are those of every version."""

    owner: str
    code: str
    terms: list[dict[str, Any]]
    state: str = "open"
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["pool.created"])


def is_unusable(said: dict[str, Any]) -> bool:
    codes = [each["code"] for each in said["tiers"]]
    return said["rule"] == OTHER_NOUN or len(codes) != len(set(codes))


def patched(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The terms after a merge patch, by RFC 7386; rules and tiers are replaced whole."""
    found = {**before, **change}
    for text in ("name", "description"):
        if change.get(text) is not None:
            found[text] = {**(before[text] or {}), **change[text]}
    return found


class PoolLife(Life):
    """Two agencies, an operator, and what they do to pools."""

    pools = Bundle("pools")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[PoolId, Modelled] = {}
        self.prefix = uuid4().hex
        one, two, operator, *_ = self.people
        self.who = {
            "one": principal(one, R.AGENCY),
            "two": principal(two, R.AGENCY),
            "operator": principal(operator, R.OPERATOR),
        }

    @initialize(target=pools, said=terms)
    def begin(self, said: dict[str, Any]) -> PoolId:
        return self.made("one", "first", said)

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=pools, by=st.sampled_from(["one", "two"]), said=terms)
    def create(self, by: str, said: dict[str, Any]) -> PoolId:
        return self.made(by, f"pool-{len(self.model)}", said)

    def made(self, by: str, code: str, said: dict[str, Any]) -> PoolId:
        found = self.run(
            lambda session: service.create(
                session,
                self.who[by],
                f"{self.prefix}-{code}",
                msgspec.convert(said, Terms),
                checker=CHECKER,
            )
        )
        self.model[found.pool.id] = Modelled(by, f"{self.prefix}-{code}", [said])
        self.agrees(found.pool.id)
        return found.pool.id

    @rule(
        by=parts,
        code=st.sampled_from(["first", "new"]),
        said=st.fixed_dictionaries({}, optional={"rule": faulty["rule"]}),
    )
    def create_what_cannot_be(self, by: str, code: str, said: dict[str, Any]) -> None:
        whole = {"name": {"en": "A"}, "rule": at_least(1), "tiers": [], **said}
        if code == "new" and not is_unusable(whole):
            return
        outcome = self.outcome(
            lambda session: service.create(
                session,
                self.who[by],
                f"{self.prefix}-{code}",
                msgspec.convert(whole, Terms),
                checker=CHECKER,
            )
        )
        assert outcome == ("unusable_rule" if is_unusable(whole) else "pool_code_taken")

    @rule(
        pool_id=pools,
        by=st.sampled_from(["owner"] * 5 + ["one", "two", "operator"]),
        change=changes,
        off=st.sampled_from([0] * 6 + [-1, 1]),
    )
    def revise(self, pool_id: PoolId, by: str, change: dict[str, Any], off: int) -> None:
        now = self.model[pool_id]
        name = now.owner if by == "owner" else by
        before = now.terms[-1]
        after = patched(before, change)
        checks = (
            (name != now.owner, "not_your_pool"),
            (bool(off), "stale_version"),
            (after != before and is_unusable(after), "unusable_rule"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                self.who[name],
                pool_id,
                msgspec.convert(change, PoolPatch),
                revision=now.revision + off,
                checker=CHECKER,
            )
        )
        assert outcome == expected
        if expected is None and after != before:
            now.terms.append(after)
            now.revision += 1
            now.told.append("pool.revised")
        self.agrees(pool_id)

    @rule(pool_id=pools, by=parts, step=st.sampled_from([*STEPS]))
    def move(self, pool_id: PoolId, by: str, step: str) -> None:
        now = self.model[pool_id]
        source, target, actors, kind = STEPS[step]
        part = "owner" if by == now.owner else by
        checks = (
            (part not in actors, "not_your_transition"),
            (now.state != source, "illegal_transition"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.take_step(
                session, self.who[by], pool_id, TransitionRequest(transition=step)
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(kind)
        self.agrees(pool_id)

    def agrees(self, pool_id: PoolId) -> None:
        now = self.model[pool_id]
        ((*stands, said),) = self.run.rows(SELECT, pool_id)
        number = len(now.terms)
        assert stands == [now.code, now.state, now.revision, number]
        assert said == now.terms[-1]

    def teardown(self) -> None:
        for pool_id, now in self.model.items():
            said = self.run(lambda session, id_=pool_id: history(session, id_))  # type: ignore[misc]
            assert said == now.terms
            assert self.told(pool_id) == now.told
        missing = PoolId(uuid4())
        assert self.outcome(lambda session: service.find(session, missing)) == "pool_not_found"


SELECT = """
    select code, state, pool.revision, version, jsonb_build_object('name', name, 'description',
        description, 'rule', rule, 'tiers', tiers, 'admission_days', admission_days)
    from mm.pool join mm.pool_version on pool_id = pool.id and number = version
    where pool.id = $1
"""


async def history(session: Session, pool_id: PoolId) -> list[dict[str, Any]]:
    """What every version says, in order."""
    listed = await queries.list_versions(session, pool_id, after=None, limit=1000)
    assert [each.number for each in listed] == list(range(1, len(listed) + 1))
    for each in listed:
        assert (await service.find_version(session, pool_id, each.number)).id == each.id
    return [msgspec.json.decode(msgspec.json.encode(service.terms_of(each))) for each in listed]


OUTCOMES = {
    "done",
    "illegal_transition",
    "not_your_pool",
    "not_your_transition",
    "pool_code_taken",
    "pool_not_found",
    "stale_version",
    "unusable_rule",
}
"""Everything that may come of what the machine does."""


def test_pools_live_as_the_model_says(run: Transactions) -> None:
    assert live(PoolLife, run).keys() == OUTCOMES


def test_control_a_pool_that_anybody_closes_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "actors_of", lambda *_: frozenset({Actor.OWNER}))
    with pytest.raises(AssertionError):
        live_once(PoolLife, run)


def test_control_a_version_that_is_written_over_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault: what a pool says changes, and its number stays."""

    async def revised(*_: object, revision: int, **__: object) -> int:
        return revision

    monkeypatch.setattr(rows, "revise", revised)
    with pytest.raises(AssertionError):
        live_once(PoolLife, run)
