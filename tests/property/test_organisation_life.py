"""The life of organisations against a model that knows nothing of how they are kept."""

from __future__ import annotations

from collections.abc import Callable
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

from matchmaker.core.machine import Actor
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity import organisations as service
from matchmaker.identity import queries, schemas
from matchmaker.identity.access import Principal
from matchmaker.identity.models import (
    OrganisationId,
    OrganisationRole,
)

OPEN = ("draft", "submitted", "changes_requested", "rejected", "verified", "suspended")
STEPS: dict[str, tuple[tuple[str, ...], str, set[str]]] = {
    "submit": (("draft", "changes_requested"), "submitted", {"self", "operator"}),
    "withdraw": (("submitted",), "draft", {"self"}),
    "request_changes": (("submitted",), "changes_requested", {"operator"}),
    "reject": (("submitted",), "rejected", {"operator"}),
    "reconsider": (("rejected",), "submitted", {"operator"}),
    "verify": (("submitted",), "verified", {"operator"}),
    "suspend": (("verified",), "suspended", {"operator"}),
    "reinstate": (("suspended",), "verified", {"operator"}),
    "close": (OPEN, "closed", {"self", "operator"}),
}
TOLD = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "request_changes": "changes_requested",
    "reject": "rejected",
    "reconsider": "reconsidered",
    "verify": "verified",
    "suspend": "suspended",
    "reinstate": "reinstated",
    "close": "closed",
}

callers = st.sampled_from(["self", "self", "operator", "operator", "stranger"])
changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([{"en": "A"}, {"en": "B", "zh": None}]),
        "region": st.sampled_from(["210200", "330100", None, "999999"]),
        "roles": st.sampled_from([["sme"], ["provider", "sme"]]),
        "provider_kind": st.sampled_from(["software_vendor", None]),
    },
)


@dataclass
class Modelled:
    """What an organisation should be."""

    terms: dict[str, Any]
    state: str = "draft"
    revision: int = 1
    verified: list[tuple[int, dict[str, str] | None]] = field(default_factory=list)
    """The name it was verified under right after each event that was seen last."""
    told: list[str] = field(default_factory=lambda: ["organisation.registered"])

    @property
    def said(self) -> tuple[Any, ...]:
        """Name, roles, region and kind."""
        optional = (self.terms.get(name) for name in ("region", "provider_kind"))
        return self.terms["name"], self.terms["roles"], *optional

    @property
    def fit(self) -> bool:
        """Whether it says all that is verified."""
        is_provider = "provider" in self.terms["roles"]
        return "region" in self.terms and (not is_provider or "provider_kind" in self.terms)


class OrganisationLife(Life):
    """Organisations, an operator and a stranger, and what they do to them."""

    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[OrganisationId, Modelled] = {}
        self.operator = principal(self.people[0], OrganisationRole.OPERATOR)
        self.stranger = principal(self.people[1], OrganisationRole.SME)

    @initialize(target=known)
    def begin(self) -> OrganisationId:
        made = self.made({"name": {"en": "A"}, "roles": ["sme"], "region": "210200"})
        self.move(made, "self", "submit")
        return made

    def caller(self, organisation_id: OrganisationId, by: str) -> Principal:
        if by == "self":
            return principal(organisation_id, OrganisationRole.SME)
        return self.operator if by == "operator" else self.stranger

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=known, region=st.sampled_from([None, None, "210200"]))
    def register(self, region: str | None) -> OrganisationId:
        return self.made({"name": {"en": "A"}, "roles": ["sme"], "region": region})

    def made(self, draft: dict[str, Any]) -> OrganisationId:
        found = self.run(
            lambda session: service.register(
                session,
                taxonomy(),
                msgspec.convert(draft, schemas.OrganisationDraft),
                by=self.operator,
            )
        )
        self.model[found.id] = Modelled({n: v for n, v in draft.items() if v is not None})
        self.agrees(found.id)
        return found.id

    @rule(id_=known, by=callers, change=changes, off=st.sampled_from([0] * 8 + [-1, 1]))
    def revise(self, id_: OrganisationId, by: str, change: dict[str, Any], off: int) -> None:
        now = self.model[id_]
        after = {**now.terms, **change}
        if "name" in change:
            after["name"] = {n: v for n, v in change["name"].items() if v is not None}
        after = {name: value for name, value in after.items() if value is not None}
        differs = {name for name in change if after.get(name) != now.terms.get(name)}
        reserved = {"roles"} | (
            set() if now.state in {"draft", "changes_requested"} else {"name", "region"}
        )
        expected = None
        if by == "stranger":
            expected = "organisation_not_found"
        elif off:
            expected = "stale_version"
        elif after.get("region") == "999999" or (
            "provider_kind" in after and "provider" not in after["roles"]
        ):
            expected = "invalid_content"
        elif by == "self" and differs & reserved:
            expected = "operators_field"
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                taxonomy(),
                id_,
                msgspec.convert(change, schemas.OrganisationPatch),
                revision=now.revision + off,
                by=self.caller(id_, by),
            )
        )
        assert outcome == expected
        if expected is None and differs:
            now.terms = after
            now.revision += 1
            now.told.append("organisation.revised")
        self.agrees(id_)

    @rule(id_=known, by=callers, name=st.sampled_from([*STEPS, "submit", "verify"]))
    def move(self, id_: OrganisationId, by: str, name: str) -> None:
        now = self.model[id_]
        sources, target, actors = STEPS[name]
        expected = None
        if by == "stranger":
            expected = "organisation_not_found"
        elif by not in actors:
            expected = "not_your_transition"
        elif now.state not in sources:
            expected = "illegal_transition"
        elif name == "submit" and not now.fit:
            expected = "transition_hindered"
        outcome = self.outcome(
            lambda session: service.move(
                session, id_, TransitionRequest(transition=name), by=self.caller(id_, by)
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(f"organisation.{TOLD[name]}")
        self.agrees(id_)

    @rule(id_=known, nth=st.integers(0, 5))
    def advance(self, id_: OrganisationId, nth: int) -> None:
        """A step that leads on, short of the last one."""
        state = self.model[id_].state
        ways = [
            (by, name)
            for name, (sources, _, actors) in STEPS.items()
            for by in sorted(actors)
            if state in sources and name != "close"
        ]
        if ways:
            self.move(id_, *ways[nth % len(ways)])

    def agrees(self, id_: OrganisationId) -> None:
        now = self.model[id_]
        ((head, *stored),) = self.run.rows(SELECT, id_)
        now.verified.append((head, now.terms["name"] if now.state == "verified" else None))
        assert stored == [now.state, now.revision, *now.said]

    def teardown(self) -> None:
        for id_, now in self.model.items():
            found, _ = self.run(lambda session, of=id_: service.read(session, of, by=self.operator))  # type: ignore[misc]
            assert (found.state.value, found.revision) == (now.state, now.revision)
            assert (found.name, sorted(found.roles), found.region, found.provider_kind) == now.said
            assert self.told(id_) == now.told
            assert self.verified(id_) == now.verified

    def verified(self, id_: OrganisationId) -> list[tuple[int, dict[str, str] | None]]:
        """The verified name at each position that was looked at."""
        return self.run.rows(HELD, id_, [at for at, _ in self.model[id_].verified])


SELECT = """
    select (select max(position) from mm.event), state, revision,
        name, roles, region, provider_kind
    from mm.organisation where id = $1
"""
HELD = """
    select at, name from unnest($2::bigint[]) with ordinality as looked (at, nth)
    left join mm.organisation_live on organisation_id = $1
        and from_position <= at and (to_position is null or to_position > at)
    order by nth
"""

OUTCOMES = {
    "done",
    "illegal_transition",
    "invalid_content",
    "not_your_transition",
    "operators_field",
    "organisation_not_found",
    "stale_version",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_organisations_live_as_the_model_says(run: Transactions) -> None:
    assert live(OrganisationLife, run).keys() == OUTCOMES


async def _follows_nobody(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (service, "actors_of", lambda *_: frozenset({Actor.OWNER, Actor.OPERATOR})),
        (queries, "follow_live", _follows_nobody),
    ],
    ids=["an organisation that acts on itself as an operator", "an index that nobody leaves"],
)
def test_control_a_broken_life_is_noticed(
    run: Transactions,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    broken: Callable[..., object],
) -> None:
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(AssertionError):
        live_once(OrganisationLife, run)
