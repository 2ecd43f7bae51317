"""The life of a joint need and of the firms in it, against a model that knows no table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import text
from tests.factories import taxonomy
from tests.objects import organisations
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.core.db import Session
from matchmaker.core.machine import Actor
from matchmaker.core.transitions import TransitionRequest
from matchmaker.demand import queries, service
from matchmaker.demand.declaration import NeedDraft
from matchmaker.demand.joining import service as joining
from matchmaker.demand.models import NeedId
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationId, OrganisationRole, OrganisationState
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

CHECKER = Checker(taxonomy(), FieldCatalogue(taxonomy()))
NOW = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
MOVES = {
    "open": ("draft", "open", "need.opened"),
    "engage": ("open", "engaged", "need.engaged"),
    "release": ("engaged", "open", "need.released"),
}
SHARED = {"draft", "open"}
"""States in which a need takes members."""
FIRMS = ("first", "second", "third")

firms = st.sampled_from(FIRMS)
callers = st.sampled_from(["owner", "owner", "owner", *FIRMS, "operator"])


@dataclass
class Modelled:
    """What the need should be, and the state and the revision of each firm's part in it."""

    state: str = "draft"
    revision: int = 1
    parts: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=lambda: ["need.created"])


class NeedMemberLife(Life):
    """A firm with a need, three that it may ask to share it, one of them not always active."""

    @initialize(steps=st.sampled_from([(), ("open",), ("open", "engage")]), is_active=st.booleans())
    def begin(self, steps: tuple[str, ...], *, is_active: bool) -> None:
        """A need on its way, and a firm that was asked: by chance few lives would get far."""
        self.now = Modelled()
        self.is_active = True
        owner, first, second, operator, _ = self.people

        async def make(session: Session) -> tuple[UUID, NeedId]:
            (third,) = await organisations(await session.connection())
            draft = {"kind": "solution", "text": "a", "title": {"en": "T"}}
            found = await service.create(
                session,
                msgspec.convert(draft, NeedDraft),
                organisation_id=owner,
                by=event_actor(principal(owner, OrganisationRole.SME)),
                checker=CHECKER,
            )
            return third, found.need.id

        third, self.need_id = self.run(make)
        firm_ids = {"owner": owner, "first": first, "second": second, "third": third}
        self.ids = {name: OrganisationId(id_) for name, id_ in firm_ids.items()}
        self.who = {name: principal(id_, OrganisationRole.SME) for name, id_ in self.ids.items()}
        self.who["operator"] = principal(operator, OrganisationRole.OPERATOR)
        self.invite("owner", "first")
        for step in steps:
            self.move(step, "owner")
        if not is_active:
            self.suspend_or_not()

    @rule(by=callers, firm=st.sampled_from(["owner", *FIRMS, "third", "third"]))
    def invite(self, by: str, firm: str) -> None:
        now = self.now
        checks = (
            (by != "owner", "need_not_found"),
            (now.state not in SHARED, "need_not_editable"),
            (firm == "owner" or (firm == "third" and not self.is_active), "firm_not_invitable"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: joining.invite(session, self.need_id, self.ids[firm], self.who[by])
        )
        assert outcome == expected
        # Who was asked before is not asked again.
        if expected is None and firm not in now.parts:
            now.parts[firm] = "invited"
            now.told.append("need.member_invited")
        self.agrees()

    @rule(by=st.sampled_from([*FIRMS, "operator"]), firm=firms)
    def join(self, by: str, firm: str) -> None:
        now = self.now
        checks = (
            (not self.sees(by), "need_not_found"),
            (firm not in now.parts, "need_member_not_found"),
            (by != firm, "not_your_transition"),
            (now.parts.get(firm) != "invited", "illegal_transition"),
            (now.state not in SHARED, "transition_hindered"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: joining.take_step(
                session,
                self.need_id,
                self.ids[firm],
                TransitionRequest(transition="accept"),
                principal=self.who[by],
            )
        )
        assert outcome == expected
        if expected is None:
            now.parts[firm] = "accepted"
            now.told.append("need.member_joined")
        self.agrees()

    @rule(nth=st.integers(0, 5))
    def advance(self, nth: int) -> None:
        """Something that leads on, or would if the need were still shared."""
        now = self.now
        ways: list[tuple[Callable[[str, str], None], str, str]] = [
            *((self.move, step, "owner") for step, way in MOVES.items() if way[0] == now.state),
            *((self.join, firm, firm) for firm, state in now.parts.items() if state == "invited"),
            *((self.invite, "owner", firm) for firm in FIRMS if firm not in now.parts),
        ]
        act, one, other = ways[nth % len(ways)]
        act(one, other)

    @rule(by=callers, firm=firms)
    def remove(self, by: str, firm: str) -> None:
        now = self.now
        checks = (
            (not self.sees(by), "need_not_found"),
            (firm not in now.parts or by not in {"owner", firm}, "need_member_not_found"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: joining.remove(session, self.need_id, self.ids[firm], self.who[by])
        )
        assert outcome == expected
        if expected is None:
            stood = now.parts.pop(firm)
            now.told.append("need.invitation_ended" if stood == "invited" else "need.member_left")
        self.agrees()

    @rule(step=st.sampled_from([*MOVES, "release"]), by=st.sampled_from(["owner"] * 3 + [*FIRMS]))
    def move(self, step: str, by: str) -> None:
        """The need goes its own way: a member reads it, and does not move it."""
        now = self.now
        source, target, kind = MOVES[step]
        checks = (
            (not self.sees(by), "need_not_found"),
            (by != "owner", "not_your_transition"),
            (now.state != source, "illegal_transition"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.take_step(
                session,
                self.need_id,
                TransitionRequest(transition=step),
                principal=self.who[by],
                now=NOW,
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(kind)
        self.agrees()

    @rule(by=st.sampled_from(["owner", *FIRMS, *FIRMS]))
    def match(self, by: str) -> None:
        """Who was asked reads the need, and matches it once it has joined."""
        outcome = self.outcome(
            lambda session: service.get_need(session, self.need_id, self.who[by], taxonomy())
        )
        may = by in {"owner", "operator"} or self.now.parts.get(by) == "accepted"
        assert outcome == (None if may else "need_not_found")

    @rule()
    def suspend_or_not(self) -> None:
        """The third firm may not act, or may again; what it joined it stays in."""
        self.is_active = not self.is_active
        state = OrganisationState.VERIFIED if self.is_active else OrganisationState.SUSPENDED

        async def work(session: Session) -> None:
            await session.execute(
                text("update mm.organisation set state = :state where id = :id"),
                {"state": state, "id": self.ids["third"]},
            )

        self.run(work)

    def sees(self, by: str) -> bool:
        return by in {"owner", "operator"} or by in self.now.parts

    def agrees(self) -> None:
        now = self.now
        (need,) = self.run.rows("select state, revision from mm.need where id = $1", self.need_id)
        assert need == (now.state, now.revision)
        parts = self.run.rows(
            "select organisation_id, state, revision from mm.need_member where need_id = $1",
            self.need_id,
        )
        assert set(parts) == {
            (self.ids[firm], state, 1 + (state == "accepted")) for firm, state in now.parts.items()
        }

    def teardown(self) -> None:
        if not hasattr(self, "need_id"):
            return
        self.run(self.check_listed)
        assert self.told(self.need_id) == self.now.told

    async def check_listed(self, session: Session) -> None:
        listed = await queries.list_members(session, self.need_id, after=None, limit=100)
        asked = [self.ids[firm] for firm in self.now.parts]
        assert [member.organisation_id for member in listed] == asked
        for firm in FIRMS:
            joined = await queries.list_needs(
                session, self.ids[firm], queries.NeedFilter(joined=True), after=None, limit=100
            )
            is_listed = self.need_id in {found.need.id for found in joined}
            assert is_listed is (firm in self.now.parts)


OUTCOMES = {
    "done",
    "firm_not_invitable",
    "illegal_transition",
    "need_member_not_found",
    "need_not_editable",
    "need_not_found",
    "not_your_transition",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_joint_needs_live_as_the_model_says(run: Transactions) -> None:
    assert live(NeedMemberLife, run).keys() == OUTCOMES


def test_control_one_who_joins_another_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "actors_of", lambda *_: frozenset({Actor.OWNER}))
    with pytest.raises(AssertionError):
        live_once(NeedMemberLife, run)


def test_control_one_who_joins_what_is_closed_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "hindrances_of", lambda _: {})
    with pytest.raises(AssertionError):
        live_once(NeedMemberLife, run)
