"""The life of needs against a model that knows nothing of how they are kept."""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import uuid4

import hypothesis
import msgspec
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.factories import taxonomy
from tests.objects import organisations
from tests.stateful import Transactions, length, transactions

from matchmaker.core import events
from matchmaker.core.db import Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.demand import content, queries, service
from matchmaker.demand.declaration import NeedDraft, NeedPatch
from matchmaker.demand.models import NeedId, NeedVersion
from matchmaker.demand.queries import FoundNeed
from matchmaker.identity.access import Principal, Scope, event_actor
from matchmaker.identity.models import (
    ApiKeyId,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

DAY = dt.date(2030, 1, 1)
FACTS = ("kind", "text", "scenes", "budget", "ready_by", "title")
STEPS = {
    "open": (("draft",), "open", {"owner"}, "need.opened"),
    "engage": (("open",), "engaged", {"owner"}, "need.engaged"),
    "release": (("engaged",), "open", {"owner"}, "need.released"),
    "fulfil": (("engaged",), "fulfilled", {"owner"}, "need.fulfilled"),
    "withdraw": (
        ("draft", "open", "engaged"),
        "withdrawn",
        {"owner", "operator"},
        "need.withdrawn",
    ),
    "expire": (("open",), "expired", {"clock"}, "need.expired"),
    "reopen": (("expired",), "draft", {"owner"}, "need.reopened"),
}

days = st.none() | st.integers(0, 60).map(lambda days: (DAY + dt.timedelta(days)).isoformat())
texts = st.sampled_from(["a", "b", "c", None])
titles = st.sampled_from([{"en": "T"}, {"en": "U"}, None])
stated = {
    "scenes": st.sampled_from([["quality"], ["energy", "quality"], None]),
    "budget": st.sampled_from([{"amount": 5, "currency": "CNY"}, None]),
    "ready_by": days,
    "expires_on": days,
}
visibilities = st.sampled_from(["private", "public"])
drafts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["solution", "research", "finance"]),
        "visibility": visibilities,
        "text": texts,
        "title": titles,
    },
    optional=stated,
)
changes = st.fixed_dictionaries(
    {},
    optional={
        **stated,
        "text": texts,
        "budget": stated["budget"] | st.just({"amount": 7}),
        "title": titles | st.just({"zh": "题"}),
        "visibility": visibilities,
    },
)


@dataclass
class Modelled:
    """What a need should be."""

    owner: str
    terms: dict[str, Any]
    state: str = "draft"
    revision: int = 1
    versions: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=lambda: ["need.created"])

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.terms[name] for name in FACTS if self.terms.get(name) is not None}


def unfit(terms: dict[str, Any], today: dt.date) -> bool:
    """Whether a need that says so may not be open."""
    says = {"solution": ("text", "scenes"), "research": ("text",), "finance": ("text", "budget")}
    if not any(terms.get(name) for name in says[terms["kind"]]):
        return True
    if terms["visibility"] != "private" and not terms.get("title"):
        return True
    dates = (terms.get("ready_by"), terms.get("expires_on"))
    return any(date is not None and date < today.isoformat() for date in dates)


def patched(terms: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The terms after a merge patch, by RFC 7386."""
    found = copy.deepcopy(terms)
    for name, value in change.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict):
            found[name] = {**(found.get(name) or {}), **value}
        else:
            found[name] = value
    return found


def principal(organisation_id: OrganisationId, role: OrganisationRole) -> Principal:
    return Principal(
        organisation_id=organisation_id,
        roles=frozenset({role}),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


class NeedLife(RuleBasedStateMachine):
    """Two firms, an operator and the clock, and what they do to needs."""

    run: ClassVar[Transactions]
    checker: ClassVar[Checker]
    met: ClassVar[Counter[str]]
    needs = Bundle("needs")

    def __init__(self) -> None:
        super().__init__()
        self.today = DAY
        self.model: dict[NeedId, Modelled] = {}

    @initialize(target=needs, owner=st.sampled_from(["one", "two"]), visibility=visibilities)
    def begin(self, owner: str, visibility: str) -> NeedId:
        """Three organisations and an open need: by chance alone few lives would get far."""

        async def make(session: Session) -> list[Any]:
            return await organisations(await session.connection(), count=3)

        ids = [OrganisationId(id_) for id_ in self.run(make)]
        self.who = {
            "one": principal(ids[0], OrganisationRole.SME),
            "two": principal(ids[1], OrganisationRole.SME),
            "operator": principal(ids[2], OrganisationRole.OPERATOR),
        }
        fit = {"kind": "solution", "visibility": visibility, "text": "a", "title": {"en": "T"}}
        need_id = self.made(owner, fit)
        self.move(need_id, "owner", "open")
        return need_id

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=needs, owner=st.sampled_from(["one", "two"]), draft=drafts)
    def create(self, owner: str, draft: dict[str, Any]) -> NeedId:
        return self.made(owner, draft)

    def made(self, owner: str, draft: dict[str, Any]) -> NeedId:
        caller = self.who[owner]
        found = self.run(
            lambda session: service.create(
                session,
                msgspec.convert(draft, NeedDraft),
                organisation_id=caller.organisation_id,
                by=event_actor(caller),
                checker=self.checker,
            )
        )
        terms = {name: value for name, value in draft.items() if value is not None}
        made = self.model[found.need.id] = Modelled(owner, terms)
        made.versions.append(made.facts)
        self.agrees(found.need.id)
        return found.need.id

    @rule(
        need_id=needs,
        by=st.sampled_from(["owner", "owner", "owner", "owner", "one", "two", "operator"]),
        change=changes,
        off=st.sampled_from([0] * 10 + [-1, 1]),
    )
    def patch(self, need_id: NeedId, by: str, change: dict[str, Any], off: int) -> None:
        now = self.model[need_id]
        name = now.owner if by == "owner" else by
        after = patched(now.terms, change)
        expected = None
        if name != now.owner:
            expected = "need_not_found"
        elif off:
            expected = "stale_version"
        elif now.state not in {"draft", "open"}:
            expected = "need_not_editable"
        elif len(after.get("budget") or {}) == 1:
            expected = "invalid_content"
        elif after != now.terms and now.state == "open" and unfit(after, self.today):
            expected = "need_incomplete"
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                need_id,
                msgspec.convert(change, NeedPatch),
                principal=self.who[name],
                revision=now.revision + off,
                checker=self.checker,
                today=self.today,
            )
        )
        assert outcome == expected
        if expected is None and after != now.terms:
            before = now.facts
            now.terms = after
            now.revision += 1
            now.told.append("need.revised")
            if now.facts != before:
                now.versions.append(now.facts)
        self.agrees(need_id)

    @rule(
        need_id=needs,
        by=st.sampled_from(["owner", "owner", "one", "two", "operator"]),
        step=st.sampled_from([*STEPS, "open", "engage"]),
    )
    def move(self, need_id: NeedId, by: str, step: str) -> None:
        now = self.model[need_id]
        name = now.owner if by == "owner" else by
        sources, target, actors, kind = STEPS[step]
        part = "owner" if name == now.owner else name
        expected = None
        if part not in {"owner", "operator"}:
            expected = "need_not_found"
        elif part not in actors:
            expected = "not_your_transition"
        elif now.state not in sources:
            expected = "illegal_transition"
        elif step == "open" and unfit(now.terms, self.today):
            expected = "transition_hindered"
        outcome = self.outcome(
            lambda session: service.take_step(
                session,
                need_id,
                TransitionRequest(transition=step),
                principal=self.who[name],
                now=dt.datetime.combine(self.today, dt.time(12), dt.UTC),
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(kind)
        self.agrees(need_id)

    @rule(need_id=needs, nth=st.integers(0, 2))
    def advance(self, need_id: NeedId, nth: int) -> None:
        """A step that leads on."""
        state = self.model[need_id].state
        steps = [
            name for name, (from_, _, by, _) in STEPS.items() if state in from_ and "owner" in by
        ]
        if steps:
            self.move(need_id, "owner", steps[nth % len(steps)])

    @rule(need_id=needs, by=st.sampled_from(["one", "two", "operator", None]))
    def read(self, need_id: NeedId, by: str | None) -> None:
        now = self.model[need_id]
        reader = None if by is None else self.who[by]
        is_public = now.state == "open" and now.terms["visibility"] == "public"
        outcome = self.outcome(lambda session: service.find(session, need_id, reader))
        seen = by in {now.owner, "operator"} or is_public
        assert outcome == (None if seen else "need_not_found")

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days)
        expired = set(self.run(lambda session: service.expire_due(session, self.today)))
        for need_id, now in self.model.items():
            last = now.terms.get("expires_on")
            due = now.state == "open" and last is not None and last < self.today.isoformat()
            assert (need_id in expired) is due
            if due:
                now.state = "expired"
                now.revision += 1
                now.told.append("need.expired")

    def outcome(self, work: Callable[[Session], Awaitable[FoundNeed]]) -> str | None:
        """The slug of the failure; None where there is none."""
        try:
            self.run(work)
        except MatchmakerError as failure:
            self.met[failure.slug] += 1
            return failure.slug
        self.met["done"] += 1
        return None

    def agrees(self, need_id: NeedId) -> None:
        now = self.model[need_id]

        async def look(session: Session) -> FoundNeed | None:
            return await queries.find_need(session, need_id, None)

        found = self.run(look)
        assert found is not None
        need, version = found.need, found.version
        assert (need.state.value, need.revision) == (now.state, now.revision)
        assert version.number == len(now.versions)
        last = now.terms.get("expires_on")
        assert (need.visibility.value, need.expires_on and need.expires_on.isoformat()) == (
            now.terms["visibility"],
            last,
        )
        assert said(version) == now.facts

    def teardown(self) -> None:
        for need_id, now in self.model.items():
            assert self.run(lambda session, id_=need_id: history(session, id_)) == (  # type: ignore[misc]
                now.versions,
                now.told,
            )


def said(version: NeedVersion) -> dict[str, Any]:
    """What a stored version says, as a caller stated it."""
    found = msgspec.to_builtins(content.stated(version))
    return {name: value for name, value in found.items() if value is not None}


async def history(session: Session, need_id: NeedId) -> tuple[list[dict[str, Any]], list[str]]:
    """What every version says, in order, and the kinds of events that tell of the need."""
    listed = await queries.list_versions(session, need_id, after=None, limit=1000)
    found = [await queries.find_version(session, need_id, each.number) for each in listed]
    assert [each.number for each in listed] == list(range(1, len(listed) + 1))
    told = await events.after(session, 0, 1000, subject_id=need_id)
    return [said(version) for version in found if version is not None], [
        each.event.kind for each in told
    ]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(taxonomy(), FieldCatalogue(taxonomy()))


OUTCOMES = {
    "done",
    "illegal_transition",
    "invalid_content",
    "need_incomplete",
    "need_not_editable",
    "need_not_found",
    "not_your_transition",
    "stale_version",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_needs_live_as_the_model_says(server: Server, settings: Settings, checker: Checker) -> None:
    with transactions(server, settings) as run:
        NeedLife.run, NeedLife.checker, NeedLife.met = run, checker, Counter()
        run_state_machine_as_test(NeedLife, settings=length())
    assert NeedLife.met.keys() == OUTCOMES


def test_control_a_need_that_strangers_read_is_noticed(
    server: Server, settings: Settings, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "sees_whole", lambda *_: True)
    once = hypothesis.settings(
        length(), phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    with transactions(server, settings) as run:
        NeedLife.run, NeedLife.checker, NeedLife.met = run, checker, Counter()
        with pytest.raises(AssertionError):
            run_state_machine_as_test(NeedLife, settings=once)
