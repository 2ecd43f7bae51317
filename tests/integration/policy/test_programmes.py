"""Programmes as stored: versions, whose they are to see, for which places, and since when."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.agencies import somebody, writing
from tests.factories import taxonomy
from tests.profiles import checker

from matchmaker.core import db, events
from matchmaker.core.errors import StaleVersion
from matchmaker.core.transitions import TransitionHindered, TransitionRequest
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole
from matchmaker.policy.issuing import chains, reader_of
from matchmaker.policy.programmes import queries, service
from matchmaker.policy.programmes.declaration import ProgrammePatch, ProgrammeTerms
from matchmaker.policy.programmes.errors import ProgrammeArchived, ProgrammeNotFound
from matchmaker.policy.programmes.models import ProgrammeId
from matchmaker.policy.programmes.queries import FoundProgramme, LiveProgramme, ProgrammeFilter
from matchmaker.taxonomy.errors import UnusableInput

R = OrganisationRole
NINGBO, ZHEJIANG = "330200", "330000"


@pytest_asyncio.fixture(loop_scope="session")
async def agency(engine: AsyncEngine) -> Principal:
    return await somebody(engine, R.AGENCY, NINGBO)


@pytest_asyncio.fixture(loop_scope="session")
async def operator(engine: AsyncEngine) -> Principal:
    return await somebody(engine, R.OPERATOR)


def said(**more: object) -> ProgrammeTerms:
    told: dict[str, Any] = {"name": {"zh": "补助", "en": "Grant"}, "level": "prefecture"}
    whose = {"issuers": [{"zh": "某局"}], "source": {"zh": "网站"}, "regions": [NINGBO]}
    return msgspec.convert({**told, **whose, **more}, ProgrammeTerms)


async def drafted(engine: AsyncEngine, by: Principal, **more: object) -> FoundProgramme:
    async with writing(engine) as session:
        return await service.create(session, checker(), said(**more), by)


async def moved(
    engine: AsyncEngine, found: FoundProgramme, name: str, by: Principal
) -> FoundProgramme:
    async with writing(engine) as session:
        asked = TransitionRequest(transition=name)
        return await service.take_step(session, found.programme.id, asked, principal=by)


async def published(engine: AsyncEngine, by: Principal, **more: object) -> FoundProgramme:
    return await moved(engine, await drafted(engine, by, **more), "publish", by)


async def revised(
    engine: AsyncEngine, id_: ProgrammeId, by: Principal, revision: int, **changes: object
) -> FoundProgramme:
    async with writing(engine) as session:
        patch = msgspec.convert(changes, ProgrammePatch)
        return await service.revise(
            session, id_, patch, principal=by, checker=checker(), revision=revision
        )


async def live(engine: AsyncEngine, id_: UUID, position: int) -> LiveProgramme | None:
    async with writing(engine) as session:
        found = await queries.live_programmes(session, position)
    return next((each for each in found if each.id == id_), None)


async def seen(engine: AsyncEngine, found: FoundProgramme, by: Principal | None) -> str:
    async with writing(engine) as session:
        return (await service.find(session, found.programme.id, by)).programme.state


class TestVersions:
    async def test_what_is_published_is_known_at_every_position(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        id_ = (await published(engine, agency)).programme.id
        await revised(engine, id_, agency, 2, closes_on="2027-01-31")
        async with writing(engine) as session:
            found = await service.find(session, id_, None)
        assert (found.programme.version, found.programme.revision) == (2, 3)
        await moved(engine, found, "archive", agency)
        async with writing(engine) as session:
            told = await events.after(session, 0, subject_id=id_)
        kinds = ["drafted", "published", "revised", "archived"]
        assert [each.event.kind for each in told] == [f"programme.{kind}" for kind in kinds]
        numbers = []
        for each in told:
            then = await live(engine, id_, each.position)
            numbers.append(None if then is None else then.number)
        assert numbers == [None, 1, 2, None]
        second = await live(engine, id_, told[2].position)
        assert second is not None
        assert second.terms["closes_on"] == "2027-01-31"

    async def test_what_was_said_stays(self, engine: AsyncEngine, agency: Principal) -> None:
        found = await drafted(engine, agency)
        for change in ("update mm.programme_version set number = 9", "delete from mm.programme"):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with engine.begin() as connection:
                    await connection.execute(text(change))
        same = await revised(engine, found.programme.id, agency, 1, level="prefecture")
        assert same.programme.version == 1, "nothing new is no version"
        with pytest.raises(StaleVersion):
            await revised(engine, found.programme.id, agency, 7, level="zone")
        await moved(engine, found, "archive", agency)
        with pytest.raises(ProgrammeArchived):
            await revised(engine, found.programme.id, agency, 2, level="zone")

    @pytest.mark.parametrize(
        ("more", "at"),
        [
            ({"regions": [NINGBO, "990000"]}, "#/regions/1"),
            ({"industries": ["X9"]}, "#/industries/0"),
            ({"eligibility": {"field": "profile.colour", "op": "exists"}}, "#/eligibility"),
            ({"opens_on": "2027-01-02", "closes_on": "2027-01-01"}, "#/closes_on"),
            ({"parent_id": str(uuid4())}, "#/parent_id"),
        ],
    )
    async def test_what_cannot_be_is_refused(
        self, engine: AsyncEngine, agency: Principal, more: dict[str, object], at: str
    ) -> None:
        with pytest.raises(UnusableInput) as caught:
            await drafted(engine, agency, **more)
        assert [fault.pointer.removesuffix("/field") for fault in caught.value.errors] == [at]

    async def test_none_is_part_of_itself(self, engine: AsyncEngine, agency: Principal) -> None:
        above = await drafted(engine, agency)
        below = await drafted(engine, agency, parent_id=str(above.programme.id))
        for parent in (above, below):
            with pytest.raises(UnusableInput) as caught:
                await revised(
                    engine, above.programme.id, agency, 1, parent_id=str(parent.programme.id)
                )
            assert [fault.pointer for fault in caught.value.errors] == ["#/parent_id"]


class TestWhose:
    async def test_an_agency_publishes_for_its_places_and_stays_there(
        self, engine: AsyncEngine, agency: Principal, operator: Principal
    ) -> None:
        for regions in ([ZHEJIANG], [NINGBO, "210200"], []):
            with pytest.raises(TransitionHindered) as caught:
                await published(engine, agency, regions=regions)
            assert [fault.code for fault in caught.value.errors] == ["outside_jurisdiction"]
            found = await published(engine, operator, regions=regions)
            assert found.programme.state == "published", "an operator publishes for any place"
        mine = (await published(engine, agency)).programme
        for regions in ([ZHEJIANG], []):
            with pytest.raises(UnusableInput) as refused:
                await revised(engine, mine.id, agency, mine.revision, regions=regions)
            assert [fault.code for fault in refused.value.errors] == ["outside_jurisdiction"]

    async def test_a_draft_is_its_owners_and_so_is_one_that_is_dropped(
        self, engine: AsyncEngine, agency: Principal, operator: Principal
    ) -> None:
        found = await drafted(engine, agency)
        for state in ("draft", "archived"):
            for stranger in (None, await somebody(engine, R.AGENCY)):
                with pytest.raises(ProgrammeNotFound):
                    await seen(engine, found, stranger)
            for reader in (agency, operator):
                assert await seen(engine, found, reader) == state
            if state == "draft":
                await moved(engine, found, "archive", agency)
        with pytest.raises(ProgrammeNotFound):
            await revised(engine, (await published(engine, agency)).programme.id, operator, 2)
        gone = await moved(engine, await published(engine, agency), "archive", operator)
        assert await seen(engine, gone, None) == "archived", "firms may have joined it"

    async def test_the_database_hides_drafts_by_itself(
        self, engine: AsyncEngine, agency: Principal
    ) -> None:
        draft, dropped = await drafted(engine, agency), await drafted(engine, agency)
        await moved(engine, dropped, "archive", agency)
        hidden = {each.programme.id for each in (draft, dropped)}
        reworded = await drafted(engine, agency)
        await revised(engine, reworded.programme.id, agency, 1, level="zone")
        public = await moved(engine, reworded, "publish", agency)
        gone = await moved(engine, await published(engine, agency), "archive", agency)
        shown = {each.programme.id for each in (public, gone)}
        stranger = (await somebody(engine, R.AGENCY)).organisation_id
        ids = {"ids": [*hidden, *shown]}
        for acting in (stranger, None, agency.organisation_id):
            own = acting == agency.organisation_id
            async with db.begun(async_sessionmaker(engine), acting) as session:
                read = text("select id from mm.programme where id = any(:ids)")
                assert set(await session.scalars(read, ids)) == (hidden | shown if own else shown)
                versions = text(
                    "select number from mm.programme_version where programme_id = :id"
                    " order by number"
                )
                numbers = list(await session.scalars(versions, {"id": public.programme.id}))
                assert numbers == ([1, 2] if own else [2]), (
                    "what was said in a draft is its owner's"
                )
                over = text("update mm.programme set note = 'x' where id = :id returning id")
                touched = await session.execute(over, {"id": public.programme.id})
                assert bool(touched.all()) is own


async def test_it_is_found_for_an_industry_and_a_place(
    engine: AsyncEngine, operator: Principal
) -> None:
    wants: dict[str, tuple[list[str], list[str]]] = {
        "any": ([], []),
        "here": (["210100", "330200"], ["C38", "C33"]),
        "trade": ([], ["C4190"]),
        "place": (["440300"], []),
    }
    made = {
        name: (await published(engine, operator, regions=places, industries=trades)).programme.id
        for name, (places, trades) in wants.items()
    }

    async def found(industry: str | None, region: str | None) -> set[str]:
        above, around = chains(taxonomy(), [industry] if industry else [], region)
        wanted = ProgrammeFilter(above if industry else None, around if region else None)
        async with writing(engine) as session:
            rows = await queries.list_programmes(
                session, wanted, reader_of(operator), after=min(made.values()), limit=1000
            )
        ids = {row.programme.id for row in rows}
        return {name for name, id_ in made.items() if id_ in ids} - {"any"}

    assert await found(None, None) == {"here", "trade", "place"}
    assert await found("C3811", "330282") == {"here"}
    assert await found("C4190", "440305") == {"trade", "place"}
    assert await found("nothing", "999999") == set()


@pytest.mark.parametrize(
    ("opens", "closes", "window"),
    [
        (None, None, None),
        ("2027-01-02", None, "upcoming"),
        ("2027-01-01", None, "open"),
        (None, "2027-01-01", "open"),
        (None, "2026-12-31", "closed"),
        ("2026-01-01", "2026-12-31", "closed"),
    ],
)
def test_its_dates_say_whether_it_is_open(
    opens: str | None, closes: str | None, window: str | None
) -> None:
    assert said(opens_on=opens, closes_on=closes).window(dt.date(2027, 1, 1)) == window
