"""The life of admissions against a model that knows nothing of how they are kept."""

from __future__ import annotations

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
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import taxonomy
from tests.objects import offering, organisations
from tests.stateful import Transactions, length, transactions

from matchmaker.catalog.admissions import queries, service
from matchmaker.catalog.admissions.models import AdmissionId
from matchmaker.catalog.evidence.machine import EvidenceState
from matchmaker.catalog.evidence.models import Evidence, EvidenceType
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolPatch
from matchmaker.catalog.pools.terms import Terms
from matchmaker.core import events
from matchmaker.core.db import Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import (
    ApiKeyId,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

FIELDS = FieldCatalogue(taxonomy())
CHECKER = Checker(taxonomy(), FIELDS)
DAY = dt.date(2030, 1, 1)
LASTS = 5
R = OrganisationRole

LISTED = {"admitted", "warned"}
HELD = {*LISTED, "suspended"}
STEPS = {
    "admit": ({"applied"}, "admitted", "agency", "admitted"),
    "admit_by_exception": ({"applied"}, "admitted", "agency", "admitted_by_exception"),
    "refuse": ({"applied"}, "refused", "agency", "refused"),
    "warn": ({"admitted"}, "warned", "agency", "warned"),
    "clear": ({"warned"}, "admitted", "agency", "cleared"),
    "suspend": ({"admitted", "warned"}, "suspended", "agency", "suspended"),
    "reinstate": ({"suspended"}, "admitted", "agency", "reinstated"),
    "remove": (HELD, "removed", "agency", "removed"),
    "leave": ({"applied", *HELD}, "removed", "provider", "left"),
    "expire": (HELD, "expired", "clock", "expired"),
    "reapply": ({"refused", "removed", "expired"}, "applied", "provider", "reapplied"),
}
REASONED = {"admit_by_exception", "warn", "suspend", "remove"}


@dataclass
class Modelled:
    """What the admission should be, and what is so around it."""

    state: str = "applied"
    tier: str | None = None
    valid_until: dt.date | None = None
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["admission.applied"])
    answers: list[str] = field(default_factory=list)
    cases: int | None = None
    """Verified cases; None: nobody has stated any."""
    asked: int = 2
    is_open: bool = True
    listed: list[tuple[int, bool]] = field(default_factory=list)
    """Whether it was in the pool right after each event that was seen last."""

    @property
    def answer(self) -> str:
        if self.cases is None:
            return "unknown"
        return "yes" if self.cases >= self.asked else "no"

    @property
    def reached(self) -> str | None:
        if self.answer != "yes" or self.cases is None:
            return None
        return "qualified" if self.cases >= self.asked + 1 else "nurtured"

    def decide(self, verb: str) -> None:
        self.revision += 1
        self.told.append(f"admission.{verb}")
        self.answers.append(self.answer)


def principal(organisation_id: OrganisationId, *roles: OrganisationRole) -> Principal:
    return Principal(
        organisation_id=organisation_id,
        roles=frozenset(roles),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


def terms(asked: int) -> dict[str, Any]:
    def at_least(cases: int) -> dict[str, Any]:
        return {"field": "evidence.cases", "op": "gte", "value": cases}

    return {
        "name": {"en": "Pool"},
        "rule": at_least(asked),
        "tiers": [
            {"code": "nurtured", "name": {"en": "N"}, "rule": {"all": []}},
            {"code": "qualified", "name": {"en": "Q"}, "rule": at_least(asked + 1)},
        ],
        "admission_days": LASTS,
    }


class AdmissionLife(RuleBasedStateMachine):
    """One offering in one pool: its provider, its agency, others, and the clock."""

    run: ClassVar[Transactions]
    met: ClassVar[Counter[str]]

    @initialize()
    def apply(self) -> None:
        self.today = DAY
        self.now = Modelled()
        self.now.answers.append(self.now.answer)

        async def people(session: Session) -> tuple[list[Any], Any]:
            connection = await session.connection()
            ids = await organisations(connection, count=4)
            return ids, await offering(connection, ids[0])

        ids, offering_id = self.run(people)
        provider, agency, other, operator = (OrganisationId(id_) for id_ in ids)
        self.offering_id = OfferingId(offering_id)
        self.verifier = operator
        self.who = {
            "provider": principal(provider, R.PROVIDER, R.AGENCY),
            "agency": principal(agency, R.AGENCY),
            "other": principal(other, R.AGENCY, R.PROVIDER),
            "operator": principal(operator, R.OPERATOR),
        }
        stated = msgspec.convert(terms(self.now.asked), Terms)
        code = f"p-{uuid4().hex}"
        made = self.run(
            lambda session: pools.create(session, self.who["agency"], code, stated, checker=CHECKER)
        )
        self.pool_id: PoolId = made.pool.id
        self.pool_revision = 1
        found = self.run(
            lambda session: service.apply(
                session,
                self.who["provider"],
                self.pool_id,
                self.offering_id,
                fields=FIELDS,
                today=self.today,
            )
        )
        self.admission_id: AdmissionId = found.admission.id

    @rule(
        step=st.sampled_from([*STEPS, "admit", "reapply"]),
        by=st.sampled_from(["provider", "agency", "agency", "other", "operator"]),
        note=st.sampled_from([None, " ", "because"]),
        seen=st.sampled_from([None, None, 0, 1]),
    )
    def take(self, step: str, by: str, note: str | None, seen: int | None) -> None:
        sources, target, actor, verb = STEPS[step]
        now = self.now
        expected = self.refusal(step, by, note, stale=bool(seen))
        outcome = self.outcome(
            lambda session: service.take_step(
                session,
                self.who[by],
                self.admission_id,
                TransitionRequest(transition=step, note=note),
                fields=FIELDS,
                today=self.today,
                revision=None if seen is None else now.revision + seen,
            )
        )
        assert outcome == expected
        if expected is None:
            assert now.state in sources
            assert by == actor
            if now.state == "applied" and target == "admitted":
                now.tier, now.valid_until = now.reached, self.today + dt.timedelta(LASTS)
            elif target not in HELD:
                now.tier = now.valid_until = None
            now.state = target
            now.decide(verb)

    def refusal(self, step: str, by: str, note: str | None, *, stale: bool) -> str | None:
        """The slug of what must stop the step."""
        sources, _, actor, _ = STEPS[step]
        now = self.now
        hindered = {
            "admit": now.answer != "yes",
            "admit_by_exception": now.answer == "yes",
            "reapply": not now.is_open,
        }
        is_reasoned = step in REASONED or (step == "refuse" and now.answer != "no")
        checks = (
            (by == "other", "admission_not_found"),
            (stale, "stale_version"),
            (by != actor, "not_your_transition"),
            (now.state not in sources, "illegal_transition"),
            (hindered.get(step, False), "transition_hindered"),
            (is_reasoned and not (note or "").strip(), "note_required"),
        )
        return next((slug for stopped, slug in checks if stopped), None)

    @rule(nth=st.integers(0, 4), note=st.sampled_from(["because", "because", None]))
    def advance(self, nth: int, note: str | None) -> None:
        """A step that leads on, or lacks its reason: by chance alone few would get far."""
        open_ = [
            name
            for name, (sources, _, actor, _) in STEPS.items()
            if self.now.state in sources
            and actor != "clock"
            and self.refusal(name, actor, "because", stale=False) is None
        ]
        if open_:
            name = open_[nth % len(open_)]
            self.take(name, STEPS[name][2], note, None)

    @rule(
        by=st.sampled_from(["provider", "agency", "agency", "other", "operator"]),
        off=st.sampled_from([0, 0, 0, 1]),
    )
    def reassess(self, by: str, off: int) -> None:
        now = self.now
        allowed = {"agency", "provider"} if now.state == "applied" else {"agency"}
        checks = (
            (by == "other", "admission_not_found"),
            (by not in allowed, "not_your_transition"),
            (now.state not in {"applied", *HELD}, "illegal_transition"),
            (bool(off), "stale_version"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.reassess(
                session,
                self.who[by],
                self.admission_id,
                revision=now.revision + off,
                note=None,
                fields=FIELDS,
                today=self.today,
            )
        )
        assert outcome == expected
        if expected is None:
            now.tier = now.reached if now.state in HELD else None
            now.decide("reassessed")

    @precondition(lambda self: (self.now.cases or 0) < 4)
    @rule(is_verified=st.booleans())
    def case(self, *, is_verified: bool) -> None:
        """The provider states a case; somebody has verified it, or not."""
        state = EvidenceState.VERIFIED if is_verified else EvidenceState.CLAIMED

        async def work(session: Session) -> None:
            session.add(
                Evidence(
                    organisation_id=self.who["provider"].organisation_id,
                    offering_id=self.offering_id,
                    type=EvidenceType.CASE,
                    claim={"en": "Done"},
                    state=state,
                    verified_by=self.verifier,
                )
            )

        self.run(work)
        self.now.cases = (self.now.cases or 0) + is_verified

    @precondition(lambda self: (self.now.cases or 0) > 0)
    @rule()
    def lose_every_case(self) -> None:
        async def work(session: Session) -> None:
            connection: AsyncConnection = await session.connection()
            await connection.execute(
                text("update mm.evidence set state = 'refused' where offering_id = :id"),
                {"id": self.offering_id},
            )

        self.run(work)
        self.now.cases = 0

    @rule(asked=st.integers(1, 3))
    def ask_for_other(self, asked: int) -> None:
        """The agency changes what the pool asks: decisions from now on follow it."""
        stated = terms(asked)
        patch = msgspec.convert({"rule": stated["rule"], "tiers": stated["tiers"]}, PoolPatch)
        found = self.run(
            lambda session: pools.revise(
                session,
                self.who["agency"],
                self.pool_id,
                patch,
                revision=self.pool_revision,
                checker=CHECKER,
            )
        )
        assert found.pool.revision == self.pool_revision + (asked != self.now.asked)
        self.pool_revision = found.pool.revision
        self.now.asked = asked

    @rule()
    def close_or_open(self) -> None:
        step = "close" if self.now.is_open else "reopen"
        found = self.run(
            lambda session: pools.take_step(
                session, self.who["agency"], self.pool_id, TransitionRequest(transition=step)
            )
        )
        self.pool_revision = found.pool.revision
        self.now.is_open = not self.now.is_open

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days)
        now = self.now
        due = now.valid_until is not None and now.valid_until < self.today
        expired = self.run(lambda session: service.expire_due(session, self.today, fields=FIELDS))
        assert expired == due
        if due:
            now.state, now.tier, now.valid_until = "expired", None, None
            now.decide("expired")

    @invariant()
    def agrees(self) -> None:
        now = getattr(self, "now", None)
        if now is None:
            return

        async def look(session: Session) -> tuple[Any, Any, int]:
            found = await queries.find_admission(session, self.admission_id)
            listed = await queries.list_decisions(
                session, self.admission_id, after=None, limit=1000
            )
            return found, listed, await events.head(session)

        found, listed, head = self.run(look)
        now.listed.append((head, now.state in LISTED))
        row = found.admission
        assert (row.state.value, row.tier, row.valid_until, row.revision) == (
            now.state,
            now.tier,
            now.valid_until,
            now.revision,
        )
        assert [one.number for one in listed] == list(range(1, now.revision + 1))
        assert [one.answer for one in listed] == now.answers
        assert (listed[-1].state.value, listed[-1].tier) == (now.state, now.tier)

    def teardown(self) -> None:
        if not hasattr(self, "admission_id"):
            return
        told = self.run(
            lambda session: events.after(session, 0, 1000, subject_id=self.admission_id)
        )
        listed = self.run(self.listed_then)
        # The clock looks at every admission there is: the next life starts without this one's.
        self.run(self.forget)
        assert [each.event.kind for each in told] == self.now.told
        assert listed == self.now.listed

    async def listed_then(self, session: Session) -> list[tuple[int, bool]]:
        """Whether the pool holds the offering at each position that was looked at."""
        return [
            (position, self.offering_id in await queries.pool_codes(session, position))
            for position, _ in self.now.listed
        ]

    async def forget(self, session: Session) -> None:
        connection = await session.connection()
        await connection.execute(
            text("update mm.admission set valid_until = null where id = :id"),
            {"id": self.admission_id},
        )

    def outcome(self, work: Callable[[Session], Awaitable[object]]) -> str | None:
        """The slug of the failure; None where there is none."""
        try:
            self.run(work)
        except MatchmakerError as failure:
            self.met[failure.slug] += 1
            return failure.slug
        self.met["done"] += 1
        return None


OUTCOMES = {
    "admission_not_found",
    "done",
    "illegal_transition",
    "not_your_transition",
    "note_required",
    "stale_version",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_admissions_live_as_the_model_says(server: Server, settings: Settings) -> None:
    with transactions(server, settings) as run:
        AdmissionLife.run, AdmissionLife.met = run, Counter()
        run_state_machine_as_test(AdmissionLife, settings=length())
    assert AdmissionLife.met.keys() == OUTCOMES


async def _follows_nobody(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [(service, "hindrances", lambda *_: {}), (queries, "follow_live", _follows_nobody)],
    ids=["admitted without its rule", "an index that no decision reaches"],
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
        AdmissionLife.run, AdmissionLife.met = run, Counter()
        with pytest.raises(AssertionError):
            run_state_machine_as_test(AdmissionLife, settings=once)
