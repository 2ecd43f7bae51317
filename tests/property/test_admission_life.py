"""The life of admissions against a model that knows nothing of how they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import taxonomy
from tests.objects import offering
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.catalog.admissions import queries, service
from matchmaker.catalog.admissions.models import AdmissionId
from matchmaker.catalog.evidence.machine import EvidenceState
from matchmaker.catalog.evidence.models import Evidence, EvidenceType
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolPatch
from matchmaker.catalog.pools.terms import Terms
from matchmaker.core.db import Session
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.models import (
    OrganisationRole,
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


class AdmissionLife(Life):
    """One offering in one pool: its provider, its agency, others, and the clock."""

    @initialize()
    def apply(self) -> None:
        self.today = DAY
        self.now = Modelled()
        self.now.answers.append(self.now.answer)

        provider, agency, other, operator, _ = self.people

        async def make(session: Session) -> UUID:
            return await offering(await session.connection(), provider)

        self.offering_id = OfferingId(self.run(make))
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
        ways = self.ways(is_hindered=False)
        if ways:
            name = ways[nth % len(ways)]
            self.take(name, STEPS[name][2], note, None)

    @rule(nth=st.integers(0, 1))
    def attempt(self, nth: int) -> None:
        """A step that would lead on if nothing were missing for it."""
        ways = self.ways(is_hindered=True)
        if ways:
            name = ways[nth % len(ways)]
            self.take(name, STEPS[name][2], "because", None)

    def ways(self, *, is_hindered: bool) -> list[str]:
        """The steps out of the present state that people may take, hindered or not."""
        stopped_by = "transition_hindered" if is_hindered else None
        return [
            name
            for name, (sources, _, actor, _) in STEPS.items()
            if self.now.state in sources
            and actor != "clock"
            and self.refusal(name, actor, "because", stale=False) == stopped_by
        ]

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

    @rule(
        what=st.sampled_from(["case", "case", "claim", "lose", "close"]),
        asked=st.none() | st.integers(1, 3),
    )
    def around(self, what: str, asked: int | None) -> None:
        """Something changes for the offering, or the agency asks for something else."""
        if asked is not None:
            self.ask_for(asked)
        elif what == "close":
            self.close_or_open()
        elif what == "lose":
            self.lose_every_case()
        elif (self.now.cases or 0) < 4:
            self.state_case(is_verified=what == "case")

    def state_case(self, *, is_verified: bool) -> None:
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

    def lose_every_case(self) -> None:
        async def work(session: Session) -> None:
            connection: AsyncConnection = await session.connection()
            await connection.execute(
                text("update mm.evidence set state = 'refused' where offering_id = :id"),
                {"id": self.offering_id},
            )

        self.run(work)
        self.now.cases = self.now.cases and 0

    def ask_for(self, asked: int) -> None:
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

        ((head, *stored, decided),) = self.run.rows(SELECT, self.admission_id)
        now.listed.append((head, now.state in LISTED))
        assert stored == [now.state, now.tier, now.valid_until, now.revision]
        assert [row[:2] for row in decided] == list(map(list, enumerate(now.answers, 1)))
        assert len(decided) == now.revision
        assert decided[-1][2:] == [now.state, now.tier]

    def teardown(self) -> None:
        if not hasattr(self, "admission_id"):
            return
        now = self.now
        found = self.run(lambda session: queries.find_admission(session, self.admission_id))
        listed = self.run(self.listed_then)
        # The clock looks at every admission there is: the next life starts without this one's.
        self.run(self.forget)
        assert found is not None
        assert (found.admission.state.value, found.admission.tier) == (now.state, now.tier)
        assert (found.decision.number, found.decision.answer) == (now.revision, now.answers[-1])
        assert self.told(self.admission_id) == now.told
        assert listed == now.listed

    async def listed_then(self, session: Session) -> list[tuple[int, bool]]:
        """Whether the pool holds the offering at each position that was looked at."""
        held = {
            position: self.offering_id in await queries.pool_codes(session, position)
            for position in {position for position, _ in self.now.listed}
        }
        return [(position, held[position]) for position, _ in self.now.listed]

    async def forget(self, session: Session) -> None:
        connection = await session.connection()
        await connection.execute(
            text("update mm.admission set valid_until = null where id = :id"),
            {"id": self.admission_id},
        )


SELECT = """
    select (select max(position) from mm.event), state, tier, valid_until, revision,
        (select jsonb_agg(jsonb_build_array(number, answer, state, tier) order by number)
            from mm.admission_decision where admission_id = admission.id)
    from mm.admission where id = $1
"""

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


def test_admissions_live_as_the_model_says(run: Transactions) -> None:
    assert live(AdmissionLife, run).keys() == OUTCOMES


async def _follows_nobody(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [(service, "hindrances", lambda *_: {}), (queries, "follow_live", _follows_nobody)],
    ids=["admitted without its rule", "an index that no decision reaches"],
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
        live_once(AdmissionLife, run)
