"""Assessments as stored: kept once completed, feeding the profile, counted as peers, erased."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests import stateful
from tests.factories import SEEDS
from tests.identities import holder
from tests.profiles import checker

from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import LANGUAGES
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionHindered, TransitionRequest
from matchmaker.enterprise import service as profiles
from matchmaker.enterprise.assessments import declaration, policy, queries, service
from matchmaker.enterprise.assessments.errors import AssessmentErased, AssessmentNotFound
from matchmaker.enterprise.assessments.models import Assessment, AssessmentId
from matchmaker.enterprise.assessments.reading import Reader
from matchmaker.enterprise.assessments.wording import Speaker
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.errors import UnusableInput

READER = Reader(checker(), policy.load(SEEDS))
MIIT = "cn_miit_sme_2024"
FIRST = json.loads((SEEDS / "demo/assessments.jsonl").read_text().splitlines()[0])
CHANGES = (
    "content = '{}'",
    "result = '{}'",
    "peers = null",
    "scheme = 'siri'",
    "state = 'draft', content = '{}'",
    "erased_at = now()",
    "completed_at = now()",
)


def principal(owner: OrganisationId, role: OrganisationRole) -> Principal:
    """The organisation as the console acts for it: it has no key to name."""
    return replace(stateful.principal(owner, role), key_id=None)


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[Session]:
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Principal:
    return principal((await holder(engine)).organisation_id, OrganisationRole.SME)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(server: Server, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that may do what jobs may."""
    made = db.create_engine(
        server.url("mm_worker"), settings, role="mm_worker", acting=db.INSTALLATION
    )
    yield made
    await made.dispose()


async def started(engine: AsyncEngine, firm: Principal, **said: Any) -> Assessment:  # noqa: ANN401
    draft = msgspec.convert({"scheme": MIIT, **said}, declaration.AssessmentDraft)
    async with writing(engine) as session:
        return await service.create(session, READER, draft, firm)


async def moved(
    engine: AsyncEngine, assessment: Assessment, name: str, by: Principal
) -> Assessment:
    async with writing(engine) as session:
        asked = TransitionRequest(transition=name)
        return await service.take_step(session, READER, assessment.id, asked, principal=by)


async def completed(engine: AsyncEngine, firm: Principal, **said: Any) -> Assessment:  # noqa: ANN401
    return await moved(engine, await started(engine, firm, **said), "complete", firm)


async def profile(engine: AsyncEngine, firm: Principal) -> profiles.StoredProfile | None:
    async with writing(engine) as session:
        return await service.stated_profile(session, firm.organisation_id)


async def read(engine: AsyncEngine, id_: AssessmentId, by: Principal) -> Assessment:
    async with writing(engine) as session:
        return await service.find(session, id_, by)


def answers(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"answers": FIRST["answers"], "scenes": {**FIRST["scenes"], **more}}


class TestCompleting:
    async def test_the_profile_says_what_was_found(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        found = await completed(engine, firm, **answers())
        stated = await profile(engine, firm)
        assert stated is not None
        assert (stated.facts.stage, stated.facts.scenes) == ("tool_assisted", FIRST["scenes"])
        outcome = service.result_of(found)
        assert outcome is not None
        assert (outcome.level, outcome.stage, outcome.confidence) == ("1", "tool_assisted", "high")
        assert outcome.least == outcome.most == "43.55"

    async def test_an_open_level_hinders_it(self, engine: AsyncEngine, firm: Principal) -> None:
        draft = await started(engine, firm, answers=FIRST["answers"])
        with pytest.raises(TransitionHindered) as caught:
            await moved(engine, draft, "complete", firm)
        assert [fault.code for fault in caught.value.errors] == ["level_open"]
        assert await profile(engine, firm) is None

    async def test_few_answers_are_enough_where_they_settle_the_level(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        found = await completed(engine, firm, scenes=dict.fromkeys(FIRST["scenes"], 0))
        outcome = service.result_of(found)
        assert outcome is not None
        assert (outcome.level, outcome.least, outcome.most) == ("0", "0", "100")

    async def test_it_takes_the_place_of_what_stood_at_its_checkpoint(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        first = await completed(engine, firm, **answers())
        second = await completed(engine, firm, **answers(quality=2))
        later = await completed(engine, firm, checkpoint=1, **answers(quality=3))
        states = [(await read(engine, each.id, firm)).state for each in (first, second, later)]
        assert states == ["superseded", "completed", "completed"]
        async with writing(engine) as session:
            series = Speaker(READER, "en").series(MIIT, await service.series(session, later))
        before, after = series.checkpoints
        assert (before.checkpoint, before.change) == (0, None)
        assert after.change is not None
        assert (after.change.since, after.change.score) == (0, 0.0)
        assert after.change.scenes == {"quality": 1}

    async def test_an_earlier_day_does_not_overwrite_the_profile(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        await completed(engine, firm, assessed_on="2026-10-02", **answers())
        await completed(engine, firm, scheme="gbt_39116_2020", value="4", assessed_on="2025-01-01")
        stated = await profile(engine, firm)
        assert stated is not None
        assert stated.facts.stage == "tool_assisted"

    async def test_a_doubtful_mapping_does_not_state_the_stage(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        found = await completed(engine, firm, scheme="jx_four_level_ten_grade", value="6")
        outcome = service.result_of(found)
        assert outcome is not None
        assert (outcome.level, outcome.stage, outcome.confidence) == ("6", "integrated", "low")
        stated = await profile(engine, firm)
        assert stated is not None
        assert stated.facts.stage is None

    async def test_what_happened_is_told(self, engine: AsyncEngine, firm: Principal) -> None:
        found = await completed(engine, firm, **answers())
        async with writing(engine) as session:
            told = await events.after(session, 0, subject_id=found.id)
        assert [each.event.kind for each in told] == ["assessment.started", "assessment.completed"]


class TestOtherSchemes:
    @pytest.mark.parametrize(
        ("scheme", "value", "stage"),
        [
            ("cn_miit_sme_2022", "45.5", "standardised"),
            ("gbt_39116_2020", "3.55", "integrated"),
            ("cn_smart_factory", "advanced", "integrated"),
            ("zj_digital_1_4", "2.0", "standardised"),
            ("siri", "2.4", "standardised"),
            ("eu_dma", "60", "integrated"),
            (MIIT, "3", "integrated"),
        ],
    )
    async def test_the_raw_value_is_kept_and_mapped(
        self, engine: AsyncEngine, firm: Principal, scheme: str, value: str, stage: str
    ) -> None:
        found = await completed(
            engine, firm, scheme=scheme, value=value, assessor="Institute", mode="on_site"
        )
        outcome = service.result_of(found)
        assert outcome is not None
        assert (outcome.level, outcome.stage) == (value, stage)
        assert service.terms(found).value == value
        told = Speaker(READER, "zh").assessment(found)
        assert told.result is not None
        same = {
            each.scheme.code: [level.code for level in each.levels]
            for each in told.result.crosswalk
        }
        assert len(same) == 7
        assert scheme not in same

    async def test_sixteen_dimensions_are_their_mean(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        known = READER.dimensions("siri")
        assert len(known) == 16
        found = await completed(
            engine,
            firm,
            scheme="siri",
            dimensions={code: 2 + (n % 2) for n, code in enumerate(known)},
        )
        outcome = service.result_of(found)
        assert outcome is not None
        assert (outcome.level, outcome.stage) == ("2.5", "standardised")

    @pytest.mark.parametrize(
        ("said", "at"),
        [
            ({"scheme": "nobody"}, "#/scheme"),
            ({"scheme": "siri", "value": "six"}, "#/value"),
            ({"scheme": "siri", "answers": {"f1": ["none"]}}, "#/answers"),
            ({"scheme": "siri", "dimensions": {"nothing": 1}}, "#/dimensions/nothing"),
            ({"scheme": "siri", "dimensions": {"collaboration": 6}}, "#/dimensions/collaboration"),
            ({"answers": {"f2": 20, "f3": "all"}}, "#/answers/f3"),
            ({"answers": {"f2": 20}, "value": "2"}, "#/value"),
            ({"scenes": {"nowhere": 1}}, "#/scenes/nowhere"),
        ],
    )
    async def test_what_a_scheme_does_not_have_is_refused(
        self, engine: AsyncEngine, firm: Principal, said: dict[str, Any], at: str
    ) -> None:
        with pytest.raises(UnusableInput) as caught:
            await started(engine, firm, **said)
        assert [fault.pointer for fault in caught.value.errors] == [at]


class TestKeeping:
    async def test_what_is_completed_stays_whoever_asks(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        found = await completed(engine, firm, **answers())
        for change in CHANGES:
            with pytest.raises(DBAPIError, match="what is completed stays"):
                await change_of(engine, found, change)
        await change_of(engine, found, "note = 'seen'")

    async def test_control_a_draft_changes(self, engine: AsyncEngine, firm: Principal) -> None:
        draft = await started(engine, firm, **answers())
        await change_of(engine, draft, "content = '{}'")

    async def test_others_do_not_see_it(self, engine: AsyncEngine, firm: Principal) -> None:
        draft = await started(engine, firm, **answers())
        other = principal((await holder(engine)).organisation_id, OrganisationRole.SME)
        with pytest.raises(AssessmentNotFound):
            await read(engine, draft.id, other)

    async def test_an_operator_verifies_it(self, engine: AsyncEngine, firm: Principal) -> None:
        found = await completed(engine, firm, **answers())
        operator = principal(
            (await holder(engine, OrganisationRole.OPERATOR)).organisation_id,
            OrganisationRole.OPERATOR,
        )
        assert (await moved(engine, found, "verify", operator)).state == "verified"

    async def test_erasing_the_profile_empties_it(
        self, engine: AsyncEngine, firm: Principal
    ) -> None:
        found = await completed(engine, firm, assessor="Ms Lin", **answers())
        async with writing(engine) as session:
            await profiles.erase_profile(session, checker(), firm.organisation_id, events.CLI)
        gone = await read(engine, found.id, firm)
        assert (gone.content, gone.result, gone.peers, gone.assessor) == ({}, None, None, None)
        with pytest.raises(AssessmentErased):
            service.result_of(gone)
        assert Speaker(READER, "en").assessment(gone).erased
        again = await completed(engine, firm, **answers())
        assert again.state == "completed"


async def change_of(engine: AsyncEngine, found: Assessment, change: str) -> None:
    said = f"update mm.assessment set {change} where id = :id"  # noqa: S608  (a test's own words)
    async with engine.begin() as connection:
        await connection.execute(text(said), {"id": found.id})


class TestPeers:
    async def test_seven_firms_are_told_of_six(
        self, engine: AsyncEngine, worker: AsyncEngine
    ) -> None:
        """All but one are counted at once; the one that comes later is not told of at all."""
        facts = ProfileFacts(industries=["C4011"], region="620100", scale="small")
        firms = [await self.stated(engine, facts) for _ in range(READER.policy.batch)]
        found = [await completed(engine, firm, checkpoint=7, **answers()) for firm in firms]
        assert await self.told(engine, found[0]) == [0, 0, 0, 0]
        await self.count(worker)
        assert await self.told(engine, found[0]) == [6, 6, 6, 6]
        seventh = await self.stated(engine, facts)
        late = await completed(engine, seventh, checkpoint=7, **answers(quality=4))
        await self.count(worker)
        assert await self.told(engine, late) == [6, 6, 6, 6]
        async with writing(engine) as session:
            cells = await service.benchmark(session, late)
        outcome = service.result_of(late)
        assert outcome is not None
        told = Speaker(READER, "en").benchmark(late, outcome, cells)
        assert [each.by for each in told.cells] == ["region", "scale", "industry", "all"]
        assert told.cells[0].figures is not None
        assert told.cells[0].figures.scenes["quality"] == 1.0
        assert told.cells[0].province is not None
        assert told.cells[0].province.name == "Gansu"

    async def test_a_firm_is_counted_once(self, engine: AsyncEngine, worker: AsyncEngine) -> None:
        facts = ProfileFacts(industries=["C4011"], region="630100", scale="small")
        firm = await self.stated(engine, facts)
        found = await completed(engine, firm, checkpoint=8, **answers())
        for level in range(1, READER.policy.batch):
            found = await completed(engine, firm, checkpoint=8, **answers(quality=level % 5))
        await self.count(worker)
        assert await self.told(engine, found) == [0, 0, 0, 0]

    async def stated(self, engine: AsyncEngine, facts: ProfileFacts) -> Principal:
        firm = principal((await holder(engine)).organisation_id, OrganisationRole.SME)
        async with writing(engine) as session:
            await profiles.state_profile(
                session, checker(), firm.organisation_id, facts, expected=None, by=events.CLI
            )
        return firm

    async def count(self, worker: AsyncEngine) -> None:
        async with writing(worker) as session:
            await service.count_peers(session, READER.policy, dt.datetime.now(dt.UTC))

    async def told(self, engine: AsyncEngine, found: Assessment) -> list[int]:
        async with writing(engine) as session:
            cells = await service.benchmark(session, found)
        return [0 if figures is None else figures.firms for _, figures in cells]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_chart_is_drawn_with_its_text(language: Any) -> None:  # noqa: ANN401
    outcome = READER.outcome(MIIT, msgspec.convert(answers(), declaration.AssessmentTerms))
    assert outcome is not None
    chart = Speaker(READER, language).chart(outcome, None)
    for drawn in (chart.radar(), chart.bars()):
        root = ET.fromstring(drawn)  # noqa: S314  (our own)
        found = root.find("{http://www.w3.org/2000/svg}desc")
        assert found is not None
        assert found.text == chart.alternative()
        assert len(chart.alternative().split("；" if language == "zh" else "; ")) == 16
        names = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
        assert set(chart.names.values()) <= names


async def test_jobs_read_no_draft(engine: AsyncEngine, firm: Principal) -> None:
    draft = await started(engine, firm, **answers())
    async with writing(engine) as session:
        found = await queries.uncounted(session, limit=1000)
    assert draft.id not in {each.id for each in found}
