"""The life of needs against a model that knows nothing of how they are kept."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    precondition,
    rule,
)
from tests.factories import taxonomy
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.core import wire
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.transitions import TransitionRequest
from matchmaker.demand import content, queries, service
from matchmaker.demand.declaration import NeedDraft, NeedPatch
from matchmaker.demand.models import NeedId, NeedVersion
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import (
    OrganisationRole,
)
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

CHECKER = Checker(taxonomy(), FieldCatalogue(taxonomy()))
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
        "budget": stated["budget"] | st.sampled_from([{"amount": 7}, {"amount": None}]),
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


class NeedLife(Life):
    """Two firms, an operator and the clock, and what they do to needs."""

    needs = Bundle("needs")

    def __init__(self) -> None:
        super().__init__()
        self.today = DAY
        self.model: dict[NeedId, Modelled] = {}
        one, two, operator, *_ = self.people
        self.who = {
            "one": principal(one, OrganisationRole.SME),
            "two": principal(two, OrganisationRole.SME),
            "operator": principal(operator, OrganisationRole.OPERATOR),
        }

    @initialize(target=needs, owner=st.sampled_from(["one", "two"]), visibility=visibilities)
    def begin(self, owner: str, visibility: str) -> NeedId:
        """An open need: by chance alone few lives would get far."""
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
                checker=CHECKER,
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
        checks = (
            (None in (change.get("budget") or {}).values(), "invalid_content"),
            (name != now.owner, "need_not_found"),
            (bool(off), "stale_version"),
            (now.state not in {"draft", "open"}, "need_not_editable"),
            (len(after.get("budget") or {}) == 1, "invalid_content"),
            (
                after != now.terms and now.state == "open" and unfit(after, self.today),
                "need_incomplete",
            ),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)

        async def work(session: Session) -> None:
            await service.revise(
                session,
                need_id,
                wire.decode(msgspec.json.encode(change), NeedPatch),
                principal=self.who[name],
                revision=now.revision + off,
                checker=CHECKER,
                today=self.today,
            )

        outcome = self.outcome(work)
        assert outcome == expected
        if expected is None and after != now.terms:
            before = now.facts
            now.terms = after
            now.revision += 1
            now.told.append("need.revised")
            if now.facts != before:
                now.versions.append(now.facts)
        self.agrees(need_id)

    @rule(need_id=needs)
    def empty(self, need_id: NeedId) -> None:
        """Its owner takes back most of what it says."""
        self.patch(need_id, "owner", dict.fromkeys(["text", "scenes", "budget"]), 0)

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

    def agrees(self, need_id: NeedId) -> None:
        now = self.model[need_id]
        (stored,) = self.run.rows(
            "select state, need.revision, visibility, expires_on, number, title, facts"
            " from mm.need join mm.need_version on need_version.id = current_version_id"
            " where need.id = $1",
            need_id,
        )
        *stands, expires_on, number, title, facts = stored
        assert stands == [now.state, now.revision, now.terms["visibility"]]
        assert (expires_on and expires_on.isoformat()) == now.terms.get("expires_on")
        assert number == len(now.versions)
        assert {**facts, **({"title": title} if title else {})} == now.facts

    def teardown(self) -> None:
        for need_id, now in self.model.items():
            found = self.run(lambda session, id_=need_id: history(session, id_))  # type: ignore[misc]
            assert found == now.versions
            assert self.told(need_id) == now.told


def said(version: NeedVersion) -> dict[str, Any]:
    """What a stored version says, as a caller stated it."""
    found = msgspec.to_builtins(content.stated(version))
    return {name: value for name, value in found.items() if value is not None}


async def history(session: ReadSession, need_id: NeedId) -> list[dict[str, Any]]:
    """What every version says, in order."""
    listed = await queries.list_versions(session, need_id, after=None, limit=1000)
    found = [await queries.find_version(session, need_id, each.number) for each in listed]
    assert [each.number for each in listed] == list(range(1, len(listed) + 1))
    return [said(version) for version in found if version is not None]


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


def test_needs_live_as_the_model_says(run: Transactions) -> None:
    assert live(NeedLife, run).keys() == OUTCOMES


def test_control_a_need_that_strangers_read_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "sees_whole", lambda *_: True)
    with pytest.raises(AssertionError):
        live_once(NeedLife, run)
