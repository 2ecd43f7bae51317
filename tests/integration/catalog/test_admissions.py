"""What is decided on admissions: who may, by what rule, on what grounds, and only once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import taxonomy
from tests.identities import Holder, holder
from tests.supply import acting, publish

from matchmaker.catalog.admissions import queries, service
from matchmaker.catalog.admissions.errors import (
    AdmissionNotFound,
    AlreadyApplied,
    OfferingNotPublished,
    OwnPool,
    PoolClosed,
)
from matchmaker.catalog.admissions.machine import ADMISSION, AdmissionState
from matchmaker.catalog.admissions.models import AdmissionId
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.evidence import service as evidence
from matchmaker.catalog.evidence.declaration import Claim
from matchmaker.catalog.evidence.machine import EvidenceState
from matchmaker.catalog.evidence.models import EvidenceType
from matchmaker.catalog.evidence.schemas import EvidencePatch
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools import service as pools
from matchmaker.catalog.pools.checks import restored
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolPatch
from matchmaker.catalog.pools.terms import Terms
from matchmaker.catalog.rights import NoteRequired
from matchmaker.core import db, events
from matchmaker.core.access import ScopeMissing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import StaleVersion
from matchmaker.core.machine import Actor
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import (
    IllegalTransition,
    NotYourTransition,
    TransitionHindered,
    TransitionRequest,
    overview,
)
from matchmaker.core.wire import Text
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import OrganisationRole
from matchmaker.rules import Answer
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

T = TypeVar("T")
RACERS = 8
TODAY = dt.date(2026, 11, 23)
FIELDS = FieldCatalogue(taxonomy())
CHECKER = Checker(taxonomy(), FIELDS)
YES = {"field": "provider.region", "op": "prefix_in", "value": ["21"]}
NO = {"field": "provider.region", "op": "prefix_in", "value": ["44"]}
UNKNOWN = {"field": "evidence.certificates", "op": "in", "value": ["iso_27001"]}
TIERS = [
    {"code": "nurtured", "name": {"en": "Nurtured"}, "rule": {"all": []}},
    {"code": "qualified", "name": {"en": "Qualified"}, "rule": UNKNOWN},
]
R = OrganisationRole


@dataclass(frozen=True)
class World:
    """An agency, a provider with a published offering, an operator, and somebody else."""

    engine: AsyncEngine
    agency: Principal
    provider: Principal
    operator: Principal
    other: Principal
    offering_id: OfferingId
    owner: Holder

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """What ``work`` gives in a transaction of its own."""
        async with AsyncSession(self.engine, expire_on_commit=False) as made, made.begin():
            return await work(Session(ReadSession(made)))

    async def pool(self, rule: dict[str, Any] = YES, **changes: object) -> PoolId:
        """A new pool of the agency."""
        stated = {"name": {"en": "Pool"}, "rule": rule, "tiers": TIERS, **changes}
        terms = msgspec.convert(stated, Terms)
        code = f"p-{uuid4().hex[:12]}"
        made = await self.run(
            lambda session: pools.create(session, self.agency, code, terms, checker=CHECKER)
        )
        return made.pool.id

    async def apply(self, pool_id: PoolId) -> AdmissionId:
        """The offering as an applicant to the pool."""
        found = await self.run(
            lambda session: service.apply(
                session, self.provider, pool_id, self.offering_id, fields=FIELDS, today=TODAY
            )
        )
        return found.admission.id

    async def take(
        self, admission_id: AdmissionId, step: str, by: Principal, note: str | None = None
    ) -> queries.FoundAdmission:
        """The admission after the step."""
        asked = TransitionRequest(transition=step, note=note)
        return await self.run(
            lambda session: service.take_step(
                session, by, admission_id, asked, fields=FIELDS, today=TODAY
            )
        )

    async def certify(self, code: str = "iso_27001") -> None:
        """A certificate of the provider that the operator has verified."""
        stated = Claim(claim=Text(en="Certified"), certificate=code)

        async def work(session: Session) -> None:
            made = await evidence.claim(
                session,
                self.provider,
                type_=EvidenceType.CERTIFICATE,
                offering_id=None,
                stated=stated,
                checker=CHECKER,
            )
            for step, by in (("submit", self.provider), ("verify", self.operator)):
                await evidence.take_step(
                    session, by, made.id, TransitionRequest(transition=step), today=TODAY
                )

        await self.run(work)


@pytest_asyncio.fixture(loop_scope="session")
async def world(engine: AsyncEngine) -> World:
    owner, agency = await holder(engine, R.PROVIDER), await holder(engine, R.AGENCY)
    operator, other = await holder(engine, R.OPERATOR), await holder(engine, R.AGENCY)
    return World(
        engine,
        agency=acting(agency, R.AGENCY),
        provider=acting(owner, R.PROVIDER),
        operator=acting(operator, R.OPERATOR),
        other=acting(other, R.AGENCY, R.PROVIDER),
        offering_id=await publish(engine, owner),
        owner=owner,
    )


async def told(world: World, subject_id: UUID) -> list[str]:
    """The kinds of the events of a thing, in order."""

    async def work(session: Session) -> list[str]:
        found = await events.after(session, 0, 1000, subject_id=subject_id)
        return [each.event.kind for each in found]

    return await world.run(work)


@pytest.mark.parametrize(
    ("rule", "answer"), [(YES, Answer.YES), (NO, Answer.NO), (UNKNOWN, Answer.UNKNOWN)]
)
async def test_an_application_stands_whatever_the_rule_answers(
    world: World, rule: dict[str, Any], answer: Answer
) -> None:
    pool_id = await world.pool(rule)
    admission_id = await world.apply(pool_id)
    found = await world.run(lambda session: service.find(session, world.provider, admission_id))
    decision = found.decision
    assert found.admission.state is AdmissionState.APPLIED
    assert (decision.number, decision.action, decision.pool_version) == (1, "apply", 1)
    assert decision.answer == answer.name.lower()
    proof = restored(decision.proof).proof
    assert proof.answer is answer
    assert (proof.seen is None) is (answer is Answer.UNKNOWN)
    assert decision.decided_by == world.provider.organisation_id
    assert await told(world, admission_id) == ["admission.applied"]


class TestDeciding:
    async def test_yes_is_admitted_with_the_tier_it_reaches(self, world: World) -> None:
        admission_id = await world.apply(await world.pool(admission_days=365))
        found = await world.take(admission_id, "admit", world.agency)
        assert found.admission.state is AdmissionState.ADMITTED
        assert found.admission.tier == found.decision.tier == "nurtured"
        assert found.admission.valid_until == TODAY + dt.timedelta(365)
        assert found.decision.number == found.admission.revision == 2

    @pytest.mark.parametrize(("rule", "code"), [(NO, "rule_not_met"), (UNKNOWN, "rule_unanswered")])
    async def test_anything_else_is_admitted_by_exception_only(
        self, world: World, rule: dict[str, Any], code: str
    ) -> None:
        admission_id = await world.apply(await world.pool(rule))
        with pytest.raises(TransitionHindered) as failure:
            await world.take(admission_id, "admit", world.agency, "please")
        assert [fault.code for fault in failure.value.errors] == [code]
        with pytest.raises(NoteRequired):
            await world.take(admission_id, "admit_by_exception", world.agency, "  ")
        found = await world.take(admission_id, "admit_by_exception", world.agency, "the only one")
        assert found.admission.state is AdmissionState.ADMITTED
        assert found.admission.tier is None
        assert (found.decision.note, found.decision.answer) == (
            "the only one",
            "no" if rule is NO else "unknown",
        )
        assert await told(world, admission_id) == [
            "admission.applied",
            "admission.admitted_by_exception",
        ]

    async def test_who_meets_the_rule_needs_no_exception(self, world: World) -> None:
        admission_id = await world.apply(await world.pool())
        with pytest.raises(TransitionHindered):
            await world.take(admission_id, "admit_by_exception", world.agency, "why not")

    async def test_unknown_is_not_refused_in_silence_and_no_is(self, world: World) -> None:
        unknown = await world.apply(await world.pool(UNKNOWN))
        with pytest.raises(NoteRequired):
            await world.take(unknown, "refuse", world.agency)
        found = await world.take(unknown, "refuse", world.agency, "no answer in six months")
        assert found.admission.state is AdmissionState.REFUSED
        refused = await world.take(await world.apply(await world.pool(NO)), "refuse", world.agency)
        assert refused.decision.note is None

    async def test_the_refused_may_apply_again_while_the_pool_is_open(self, world: World) -> None:
        pool_id = await world.pool(NO)
        admission_id = await world.apply(pool_id)
        await world.take(admission_id, "refuse", world.agency)
        close = TransitionRequest(transition="close")
        await world.run(lambda session: pools.take_step(session, world.agency, pool_id, close))
        with pytest.raises(TransitionHindered):
            await world.take(admission_id, "reapply", world.provider)
        reopen = TransitionRequest(transition="reopen")
        await world.run(lambda session: pools.take_step(session, world.agency, pool_id, reopen))
        found = await world.take(admission_id, "reapply", world.provider)
        assert found.admission.state is AdmissionState.APPLIED
        assert found.decision.number == 3

    async def test_a_decision_names_the_version_that_held_then(self, world: World) -> None:
        pool_id = await world.pool(NO)
        admission_id = await world.apply(pool_id)
        patch = PoolPatch(rule=YES)
        await world.run(
            lambda session: pools.revise(
                session, world.agency, pool_id, patch, revision=1, checker=CHECKER
            )
        )
        found = await world.take(admission_id, "admit", world.agency)
        assert (found.decision.pool_version, found.decision.answer) == (2, "yes")
        before = await world.run(
            lambda session: queries.list_decisions(session, admission_id, after=None, limit=10)
        )
        assert [(one.pool_version, one.answer) for one in before] == [(1, "no"), (2, "yes")]


class TestTiers:
    async def test_a_higher_tier_comes_with_new_facts_and_a_decision(self, world: World) -> None:
        admission_id = await world.apply(await world.pool())
        await world.take(admission_id, "admit", world.agency)
        await world.certify()
        with pytest.raises(NotYourTransition):
            await self.reassess(world, admission_id, world.provider, 2)
        with pytest.raises(StaleVersion):
            await self.reassess(world, admission_id, world.agency, 1)
        found = await self.reassess(world, admission_id, world.agency, 2)
        assert (found.admission.state, found.admission.tier) == ("admitted", "qualified")
        assert (found.decision.action, found.decision.number) == ("reassess", 3)
        warned = await world.take(admission_id, "warn", world.agency, "late twice")
        assert warned.admission.tier == "qualified"

    async def test_an_applicant_has_the_rule_answered_anew(self, world: World) -> None:
        admission_id = await world.apply(await world.pool(UNKNOWN))
        await world.certify()
        found = await self.reassess(world, admission_id, world.provider, 1)
        assert found.admission.state is AdmissionState.APPLIED
        assert (found.decision.answer, found.admission.tier) == ("yes", None)
        await world.take(admission_id, "admit", world.agency)

    async def test_what_has_ended_is_not_reassessed(self, world: World) -> None:
        admission_id = await world.apply(await world.pool())
        await world.take(admission_id, "leave", world.provider)
        with pytest.raises(IllegalTransition):
            await self.reassess(world, admission_id, world.agency, 2)

    @staticmethod
    async def reassess(
        world: World, admission_id: AdmissionId, by: Principal, revision: int
    ) -> queries.FoundAdmission:
        return await world.run(
            lambda session: service.reassess(
                session,
                by,
                admission_id,
                revision=revision,
                note=None,
                fields=FIELDS,
                today=TODAY,
            )
        )


class TestWho:
    async def test_an_application_is_of_an_own_published_offering_to_an_open_pool(
        self, world: World
    ) -> None:
        pool_id = await world.pool()
        with pytest.raises(OfferingNotFound):
            await self.apply(world, world.other, pool_id, world.offering_id)
        await self.apply(world, world.provider, pool_id, world.offering_id)
        with pytest.raises(AlreadyApplied):
            await self.apply(world, world.provider, pool_id, world.offering_id)
        draft = await publish(world.engine, world.owner)
        async with world.engine.begin() as connection:
            await connection.execute(
                text("update mm.offering set state = 'paused' where id = :id"), {"id": draft}
            )
        with pytest.raises(OfferingNotPublished):
            await self.apply(world, world.provider, pool_id, draft)
        close = TransitionRequest(transition="close")
        await world.run(lambda session: pools.take_step(session, world.agency, pool_id, close))
        with pytest.raises(PoolClosed):
            await self.apply(world, world.provider, pool_id, draft)

    async def test_nobody_applies_to_a_pool_of_their_own(self, world: World) -> None:
        both = acting(world.owner, R.PROVIDER, R.AGENCY)
        terms = msgspec.convert({"name": {"en": "Own"}, "rule": YES}, Terms)
        code = f"p-{uuid4().hex[:12]}"
        made = await world.run(
            lambda session: pools.create(session, both, code, terms, checker=CHECKER)
        )
        with pytest.raises(OwnPool):
            await self.apply(world, both, made.pool.id, world.offering_id)

    async def test_only_the_pools_agency_decides(self, world: World) -> None:
        admission_id = await world.apply(await world.pool())
        with pytest.raises(AdmissionNotFound):
            await world.take(admission_id, "admit", world.other)
        for by in (world.provider, world.operator):
            with pytest.raises(NotYourTransition):
                await world.take(admission_id, "admit", by)
        with pytest.raises(ScopeMissing):
            await world.take(admission_id, "admit", without(world.agency, Scope.POOLS_WRITE))
        await world.take(admission_id, "admit", world.agency)
        with pytest.raises(ScopeMissing):
            await world.take(admission_id, "leave", without(world.provider, Scope.OFFERINGS_WRITE))

    async def test_what_can_be_done_is_told_with_what_is_missing(self, world: World) -> None:
        admission_id = await world.apply(await world.pool(UNKNOWN))
        found, actors, missing = await world.run(
            lambda session: service.options(
                session, world.agency, admission_id, fields=FIELDS, today=TODAY
            )
        )
        assert actors == {Actor.AGENCY}
        told = overview(
            ADMISSION,
            found.admission.state,
            found.admission.revision,
            actors=actors,
            hindrances=missing,
            language="en",
        )
        possible = {each.name for each in told.transitions if each.possible}
        assert possible == {"admit_by_exception", "refuse"}

    @staticmethod
    async def apply(
        world: World, by: Principal, pool_id: PoolId, offering_id: OfferingId
    ) -> queries.FoundAdmission:
        return await world.run(
            lambda session: service.apply(
                session, by, pool_id, offering_id, fields=FIELDS, today=TODAY
            )
        )


def without(principal: Principal, scope: Scope) -> Principal:
    """The same caller with a credential that is good for less."""
    return Principal(
        organisation_id=principal.organisation_id,
        roles=principal.roles,
        state=principal.state,
        key_id=principal.key_id,
        scopes=principal.scopes - {scope},
    )


class TestClock:
    async def test_what_is_past_its_last_day_expires_with_a_decision_of_nobody(
        self, world: World
    ) -> None:
        admission_id = await world.apply(await world.pool(admission_days=10))
        await world.take(admission_id, "admit", world.agency)
        for days, expired in ((10, 0), (11, 1), (11, 0)):
            today = TODAY + dt.timedelta(days)
            assert (
                await world.run(
                    lambda session, today=today: service.expire_due(session, today, fields=FIELDS)  # type: ignore[misc]
                )
                == expired
            )
        found = await world.run(lambda session: service.find(session, world.agency, admission_id))
        assert found.admission.state is AdmissionState.EXPIRED
        assert (found.admission.tier, found.admission.valid_until) == (None, None)
        assert (found.decision.action, found.decision.decided_by) == ("expire", None)
        assert (await told(world, admission_id))[-1] == "admission.expired"

    async def test_the_worker_may_do_what_the_clock_does(
        self, world: World, server: Server, settings: Settings
    ) -> None:
        admission_id = await world.apply(await world.pool(admission_days=1))
        await world.take(admission_id, "admit", world.agency)
        stated = Claim(claim=Text(en="Until then"), valid_until=TODAY)
        claimed = await world.run(
            lambda session: evidence.claim(
                session,
                world.provider,
                type_=EvidenceType.TEST,
                offering_id=world.offering_id,
                stated=stated,
                checker=CHECKER,
            )
        )
        worker = db.create_engine(server.url("mm_worker"), settings, role="mm_worker")
        later = TODAY + dt.timedelta(2)
        async with AsyncSession(worker) as made, made.begin():
            assert await service.expire_due(Session(ReadSession(made)), later, fields=FIELDS)
        async with AsyncSession(worker) as made, made.begin():
            assert await evidence.expire_due(Session(ReadSession(made)), later)
        await worker.dispose()
        found = await world.run(lambda session: evidence.find(session, claimed.id, world.provider))
        assert (found.state, found.revision) == (EvidenceState.EXPIRED, 2)
        assert await told(world, claimed.id) == ["evidence.claimed", "evidence.expired"]
        assert (await told(world, admission_id))[-1] == "admission.expired"

    async def test_an_offering_is_in_the_pools_that_list_it_from_event_to_event(
        self, world: World
    ) -> None:
        pool_id = await world.pool()
        code = (await world.run(lambda session: pools.find(session, pool_id))).pool.code
        admission_id = await world.apply(pool_id)
        seen = [await self.codes(world)]
        for step in ("admit", "warn", "suspend", "reinstate", "remove"):
            await world.take(admission_id, step, world.agency, "because")
            seen.append(await self.codes(world))
        assert [codes for _, codes in seen] == [
            *(frozenset(), {code}, {code}),
            *(frozenset(), {code}, frozenset()),
        ]
        # The control of everything that reads a position: what was so is still told.
        for position, codes in seen:
            assert (await self.codes(world, position))[1] == codes

    @staticmethod
    async def codes(world: World, position: int | None = None) -> tuple[int, frozenset[str]]:
        """The pools of the offering right after the event at the position, or after the last."""

        async def work(session: Session) -> tuple[int, frozenset[str]]:
            at = await events.head(session) if position is None else position
            found = await queries.pool_codes(session, at)
            return at, found.get(world.offering_id, frozenset())

        return await world.run(work)


async def race(world: World, admission_id: AdmissionId, steps: list[str]) -> list[str]:
    """What came of the steps, all taken at once by the agency."""

    async def one(step: str) -> str:
        try:
            found = await world.take(admission_id, step, world.agency, "raced")
        except IllegalTransition as failure:
            return f"lost to {failure.extra['state']}"
        return f"won {found.admission.state}"

    return await asyncio.gather(*(one(step) for step in steps))


class TestRaces:
    async def test_of_several_decisions_at_once_one_wins(self, world: World) -> None:
        for _ in range(5):
            admission_id = await world.apply(await world.pool())
            outcomes = await race(world, admission_id, ["admit", "refuse"] * (RACERS // 2))
            won = [outcome for outcome in outcomes if outcome.startswith("won")]
            assert len(won) == 1
            state = won[0].removeprefix("won ")
            assert sorted(outcomes)[:-1] == [f"lost to {state}"] * (RACERS - 1)
            assert len(await told(world, admission_id)) == 2

    async def test_control_read_then_write_lets_several_win(self, world: World) -> None:
        admission_id = await world.apply(await world.pool())
        ready = asyncio.Barrier(RACERS)

        async def naive(target: str) -> int:
            async with world.engine.begin() as connection:
                seen = await connection.scalar(
                    text("select state from mm.admission where id = :id"), {"id": admission_id}
                )
                await ready.wait()
                if seen != "applied":
                    return 0
                changed = await connection.execute(
                    text("update mm.admission set state = :to where id = :id"),
                    {"id": admission_id, "to": target},
                )
                return changed.rowcount

        async with asyncio.timeout(10):
            won = await asyncio.gather(*(naive("refused") for _ in range(RACERS)))
        assert sum(won) > 1

    async def test_of_two_applications_at_once_one_stands(self, world: World) -> None:
        pool_id = await world.pool()

        async def one() -> bool:
            try:
                await world.apply(pool_id)
            except AlreadyApplied:
                return False
            return True

        assert sum(await asyncio.gather(*(one() for _ in range(RACERS)))) == 1


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner_engine(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do all that the owner of the tables may."""
    made = db.create_engine(server.url("mm_owner"), settings, role="mm_owner")
    yield made
    await made.dispose()


CHANGES = (
    "update mm.pool_version set number = number + 1",
    "delete from mm.pool_version",
    "truncate mm.pool_version cascade",
    "update mm.admission_decision set answer = 'yes'",
    "delete from mm.admission_decision",
    "truncate mm.admission_decision",
)


async def test_what_was_reworded_meanwhile_is_not_verified_unseen(world: World) -> None:
    """A claim that is taken back, reworded and submitted again stands where it stood."""

    async def step(name: str, by: Principal, revision: int | None = None) -> int:
        asked = TransitionRequest(transition=name)
        found = await world.run(
            lambda session: evidence.take_step(
                session, by, claimed.id, asked, today=TODAY, revision=revision
            )
        )
        return found.revision

    stated = Claim(claim=Text(en="Modest"))
    claimed = await world.run(
        lambda session: evidence.claim(
            session,
            world.provider,
            type_=EvidenceType.CASE,
            offering_id=world.offering_id,
            stated=stated,
            checker=CHECKER,
        )
    )
    seen = await step("submit", world.provider)
    taken_back = await step("withdraw", world.provider)
    patch = EvidencePatch(claim=Text(en="Boastful"))
    await world.run(
        lambda session: evidence.revise(
            session, world.provider, claimed.id, patch, revision=taken_back, checker=CHECKER
        )
    )
    again = await step("submit", world.provider)
    with pytest.raises(StaleVersion):
        await step("verify", world.operator, seen)
    assert await step("verify", world.operator, again) == again + 1


class TestImmutable:
    @pytest.mark.parametrize("change", CHANGES)
    async def test_versions_and_decisions_are_immutable(
        self, world: World, owner_engine: AsyncEngine, change: str
    ) -> None:
        await world.apply(await world.pool())
        async with owner_engine.connect() as connection:
            with pytest.raises(DBAPIError, match="immutable"):
                await connection.execute(text(change))
        async with world.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(text(change))

    async def test_control_without_the_trigger_a_decision_changes(
        self, world: World, owner_engine: AsyncEngine
    ) -> None:
        await world.apply(await world.pool())
        async with owner_engine.connect() as connection:
            await connection.execute(
                text(
                    "alter table mm.admission_decision disable trigger admission_decision_immutable"
                )
            )
            changed = await connection.execute(
                text("update mm.admission_decision set answer = 'yes' returning id")
            )
            assert changed.all()
            await connection.rollback()
