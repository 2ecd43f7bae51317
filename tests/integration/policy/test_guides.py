"""Guides as stored: entered for places, one edition at a time, found for a firm."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.agencies import somebody, writing
from tests.factories import SEEDS, taxonomy
from tests.profiles import checker

from matchmaker.core import db, events
from matchmaker.core.transitions import NotYourTransition, TransitionHindered, TransitionRequest
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole
from matchmaker.policy.guides import released, service
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.policy.guides.errors import GuideNotFound
from matchmaker.policy.guides.models import GuideId
from matchmaker.policy.guides.service import FoundGuide
from matchmaker.taxonomy.errors import SeedBroken, UnusableInput

R = OrganisationRole
GENERAL = released.load(SEEDS, checker())
NINGBO, ZHEJIANG = "330200", "330000"


@pytest_asyncio.fixture(loop_scope="session")
async def agency(engine: AsyncEngine) -> Principal:
    return await somebody(engine, R.AGENCY, NINGBO)


@pytest_asyncio.fixture(loop_scope="session")
async def operator(engine: AsyncEngine) -> Principal:
    return await somebody(engine, R.OPERATOR)


def said(**more: object) -> GuideTerms:
    told: dict[str, Any] = {"code": uuid4().hex, "edition": "2026", "scenes": ["quality"]}
    whose = {"issuer": {"zh": "宁波"}, "source": {"zh": "网站"}, "region": NINGBO}
    return msgspec.convert({**told, **whose, **more}, GuideTerms)


async def drafted(engine: AsyncEngine, by: Principal, **more: object) -> FoundGuide:
    async with writing(engine) as session:
        return await service.create(session, checker(), said(**more), by)


async def moved(engine: AsyncEngine, found: FoundGuide, name: str, by: Principal) -> FoundGuide:
    async with writing(engine) as session:
        asked = TransitionRequest(transition=name)
        return await service.take_step(session, GENERAL, found.id, asked, principal=by)


async def published(engine: AsyncEngine, by: Principal, **more: object) -> FoundGuide:
    return await moved(engine, await drafted(engine, by, **more), "publish", by)


async def state(engine: AsyncEngine, found: FoundGuide, by: Principal | None) -> str:
    async with writing(engine) as session:
        return (await service.find(session, GENERAL, found.id, by)).state


async def fitting(
    engine: AsyncEngine, industries: list[str], region: str | None
) -> list[FoundGuide]:
    async with writing(engine) as session:
        return await service.fitting(
            session, GENERAL, taxonomy(), industries=industries, region=region, limit=100
        )


class TestLife:
    async def test_a_new_edition_takes_the_place_of_the_one_before(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        code = uuid4().hex
        first = await published(engine, agency, code=code)
        other = await published(engine, agency)
        second = await published(engine, agency, code=code, edition="2027")
        states = [await state(engine, each, None) for each in (first, second, other)]
        assert states == ["superseded", "published", "published"]
        async with writing(engine) as session:
            told = await events.after(session, 0, subject_id=first.id)
        kinds = [each.event.kind for each in told]
        assert kinds == ["guide.drafted", "guide.published", "guide.superseded"]

    async def test_of_two_editions_published_at_once_one_stands(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        code = uuid4().hex
        drafts = [await drafted(engine, agency, code=code, edition=str(n)) for n in range(6)]
        await asyncio.gather(*(moved(engine, each, "publish", agency) for each in drafts))
        states = sorted([await state(engine, each, None) for each in drafts])
        assert states == ["published", *["superseded"] * 5]

    async def test_control_without_the_lock_the_database_still_keeps_one(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        code = uuid4().hex
        for n in range(2):
            await drafted(engine, agency, code=code, edition=str(n))
        with pytest.raises(DBAPIError, match="uq_guide_published_code"):
            await changed(engine, "state = 'published'", f"code = '{code}'")

    async def test_what_it_says_is_not_reworded(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        found = await drafted(engine, agency)
        with pytest.raises(DBAPIError, match="permission denied"):
            await changed(engine, "edition = 'x'", f"id = '{found.id}'")

    @pytest.mark.parametrize(
        ("more", "at"),
        [
            ({"industries": ["X9"]}, "#/industries/0"),
            ({"region": "990000"}, "#/region"),
            ({"scenes": ["nobody"]}, "#/scenes/0"),
            ({"scenes": ["quality", "quality"]}, "#/scenes/1"),
        ],
    )
    async def test_what_there_is_not_is_refused(
        self, engine: AsyncEngine, agency: Principal, more: dict[str, object], at: str
    ) -> None:
        with pytest.raises(UnusableInput) as caught:
            await drafted(engine, agency, **more)
        assert [fault.pointer for fault in caught.value.errors] == [at]


class TestWhose:
    @pytest.mark.parametrize("region", [ZHEJIANG, "210200", None])
    async def test_an_agency_publishes_within_its_jurisdiction(
        self, engine: AsyncEngine, agency: Principal, operator: Principal, region: str | None
    ) -> None:
        with pytest.raises(TransitionHindered) as caught:
            await published(engine, agency, region=region)
        assert [fault.code for fault in caught.value.errors] == ["outside_jurisdiction"]
        found = await published(engine, operator, region=region)
        assert found.state == "published", "an operator publishes for any place"

    async def test_an_agency_without_a_jurisdiction_publishes_nothing(
        self, engine: AsyncEngine
    ) -> None:
        with pytest.raises(TransitionHindered):
            await published(engine, await somebody(engine, R.AGENCY))

    async def test_a_draft_is_its_owners_to_see(
        self, engine: AsyncEngine, agency: Principal, operator: Principal
    ) -> None:
        found = await drafted(engine, agency)
        for stranger in (None, await somebody(engine, R.AGENCY), await somebody(engine, R.SME)):
            with pytest.raises(GuideNotFound):
                await state(engine, found, stranger)
        assert await state(engine, found, operator) == "draft"

    async def test_the_database_hides_drafts_by_itself(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        draft, public = await drafted(engine, agency), await published(engine, agency)
        stranger = await somebody(engine, R.AGENCY)
        ids = {"ids": [draft.id, public.id]}
        for acting, seen in (
            (stranger.organisation_id, {public.id}),
            (None, {public.id}),
            (agency.organisation_id, {draft.id, public.id}),
        ):
            async with db.begun(async_sessionmaker(engine), acting) as session:
                rows = text("select id from mm.guide where id = any(:ids)")
                assert set(await session.scalars(rows, ids)) == seen
                over = text("update mm.guide set note = 'x' where id = :id returning id")
                touched = (await session.execute(over, {"id": public.id})).all()
                assert bool(touched) is (acting == agency.organisation_id)

    async def test_others_move_nothing_and_operators_end_it(
        self, engine: AsyncEngine, agency: Principal, operator: Principal
    ) -> None:
        found = await published(engine, agency)
        with pytest.raises(NotYourTransition):
            await moved(engine, found, "supersede", await somebody(engine, R.AGENCY))
        assert (await moved(engine, found, "supersede", operator)).state == "superseded"


class TestGeneral:
    async def test_nobody_moves_what_is_released(
        self, engine: AsyncEngine, operator: Principal
    ) -> None:
        async with writing(engine) as session:
            found = await service.find(session, GENERAL, GuideId(GENERAL.id), None)
        assert (found.organisation_id, found.state) == (None, "published")
        with pytest.raises(NotYourTransition):
            await moved(engine, found, "supersede", operator)

    def test_it_orders_every_scene_once_and_says_that_it_is_ours(self) -> None:
        terms = GENERAL.guide
        assert sorted(terms.scenes) == sorted(taxonomy().codes("sme_scene"))
        assert ("非官方" in str(terms.issuer.zh), "not official" in str(terms.issuer.en)) == (
            True,
            True,
        )
        assert all(each.zh and each.en for each in (terms.source, *terms.pitfalls))

    def test_one_that_names_what_there_is_not_is_refused(self, tmp_path: Any) -> None:  # noqa: ANN401
        folder = tmp_path / "policy"
        folder.mkdir()
        for wrong in (("[finance,", "[nothing,"), ("  scenes:", "  region: '330200'\n  scenes:")):
            good = (SEEDS / released.GENERAL).read_text()
            (folder / "guide.yaml").write_text(good.replace(*wrong))
            with pytest.raises(SeedBroken):
                released.load(tmp_path, checker())


class TestFitting:
    async def test_the_most_specific_comes_first_and_the_general_one_last(
        self, engine: AsyncEngine, operator: Principal
    ) -> None:
        made = {
            (prefix, place): await published(
                engine, operator, industries=[prefix] if prefix else [], region=place
            )
            for prefix in (None, "C", "C38", "C3811")
            for place in (None, ZHEJIANG, NINGBO)
        }
        unfit = [
            await published(engine, operator, industries=["C39"], region=NINGBO),
            await published(engine, operator, industries=["C38"], region="330100"),
            await drafted(engine, operator, industries=["C38"], region=NINGBO),
        ]
        found = [each.id for each in await fitting(engine, ["C3811"], NINGBO)]
        ours = {each.id for each in made.values()}
        assert [id_ for id_ in found if id_ in ours] == [
            each.id for each in reversed(made.values())
        ]
        assert found[-1] == GENERAL.id
        assert not {each.id for each in unfit} & set(found)

    async def test_what_a_firm_did_not_say_fits_no_place_and_no_trade(
        self, engine: AsyncEngine, operator: Principal
    ) -> None:
        trade = await published(engine, operator, industries=["C41"], region=None)
        place = await published(engine, operator, region="440300")
        found = {each.id for each in await fitting(engine, [], None)}
        assert not {trade.id, place.id} & found
        assert trade.id in {each.id for each in await fitting(engine, ["C4119"], None)}
        assert place.id in {each.id for each in await fitting(engine, [], "440305")}, "a district"

    async def test_of_equals_the_newest_comes_first_and_so_many_at_most(
        self, engine: AsyncEngine, operator: Principal
    ) -> None:
        made = [await published(engine, operator, industries=["C4090"]) for _ in range(3)]
        async with writing(engine) as session:
            found = await service.fitting(
                session, GENERAL, taxonomy(), industries=["C4090"], region=NINGBO, limit=3
            )
        assert [each.id for each in found] == [made[2].id, made[1].id, GENERAL.id]


async def changed(engine: AsyncEngine, change: str, which: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(f"update mm.guide set {change} where {which}"))  # noqa: S608
