"""The life of organisations against a model that knows nothing of how they are kept."""

from __future__ import annotations

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
from sqlalchemy import text
from tests.factories import taxonomy
from tests.objects import organisations
from tests.stateful import Transactions, length, transactions

from matchmaker.core import events
from matchmaker.core.db import Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.machine import Actor
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity import organisations as service
from matchmaker.identity import queries, schemas
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import (
    ApiKeyId,
    Organisation,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
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
    def fit(self) -> bool:
        """Whether it says all that is verified."""
        is_provider = "provider" in self.terms["roles"]
        return "region" in self.terms and (not is_provider or "provider_kind" in self.terms)


def principal(organisation_id: OrganisationId, *roles: OrganisationRole) -> Principal:
    return Principal(
        organisation_id=organisation_id,
        roles=frozenset(roles),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


class OrganisationLife(RuleBasedStateMachine):
    """Organisations, an operator and a stranger, and what they do to them."""

    run: ClassVar[Transactions]
    met: ClassVar[Counter[str]]
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[OrganisationId, Modelled] = {}

    @initialize(target=known)
    def begin(self) -> OrganisationId:
        async def make(session: Session) -> list[Any]:
            return await organisations(await session.connection(), count=2)

        operator, stranger = self.run(make)
        self.operator = principal(OrganisationId(operator), OrganisationRole.OPERATOR)
        self.stranger = principal(OrganisationId(stranger), OrganisationRole.SME)
        made = self.made({"name": {"en": "A"}, "roles": ["sme"], "region": "210200"})
        self.move(made, "self", "submit")
        return made

    def caller(self, organisation_id: OrganisationId, by: str) -> Principal:
        if by == "self":
            return principal(organisation_id, OrganisationRole.SME)
        return self.operator if by == "operator" else self.stranger

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=known, region=st.sampled_from(["210200", None]))
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
        reserved = {"roles"} | (set() if now.state in {"draft", "changes_requested"} else {"name"})
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

    def outcome(self, work: Callable[[Session], Awaitable[object]]) -> str | None:
        """The slug of the failure; None where there is none."""
        try:
            self.run(work)
        except MatchmakerError as failure:
            self.met[failure.slug] += 1
            return failure.slug
        self.met["done"] += 1
        return None

    def agrees(self, id_: OrganisationId) -> None:
        now = self.model[id_]

        async def look(session: Session) -> tuple[Organisation | None, int]:
            return await queries.organisation(session, id_), await events.head(session)

        found, head = self.run(look)
        assert found is not None
        now.verified.append((head, now.terms["name"] if now.state == "verified" else None))
        assert (found.state.value, found.revision) == (now.state, now.revision)
        assert (found.name, sorted(found.roles)) == (now.terms["name"], now.terms["roles"])
        assert (found.region, found.provider_kind) == (
            now.terms.get("region"),
            now.terms.get("provider_kind"),
        )

    def teardown(self) -> None:
        for id_, now in self.model.items():
            told = self.run(
                lambda session, of=id_: events.after(session, 0, 1000, subject_id=of)  # type: ignore[misc]
            )
            assert [each.event.kind for each in told] == now.told
            assert self.run(lambda session, of=id_: self.verified(session, of)) == now.verified  # type: ignore[misc]

    async def verified(
        self, session: Session, id_: OrganisationId
    ) -> list[tuple[int, dict[str, str] | None]]:
        """The verified name at each position that was looked at."""
        held = text(
            "select name from mm.organisation_live where organisation_id = :id"
            " and from_position <= :at and (to_position is null or to_position > :at)"
        )
        return [
            (at, await session.scalar(held, {"id": id_, "at": at}))
            for at, _ in self.model[id_].verified
        ]


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


def test_organisations_live_as_the_model_says(server: Server, settings: Settings) -> None:
    with transactions(server, settings) as run:
        OrganisationLife.run, OrganisationLife.met = run, Counter()
        run_state_machine_as_test(OrganisationLife, settings=length())
    assert OrganisationLife.met.keys() == OUTCOMES


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
    server: Server,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    broken: Callable[..., object],
) -> None:
    monkeypatch.setattr(where, name, broken)
    once = hypothesis.settings(
        length(), phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    with transactions(server, settings) as run:
        OrganisationLife.run, OrganisationLife.met = run, Counter()
        with pytest.raises(AssertionError):
            run_state_machine_as_test(OrganisationLife, settings=once)
