"""Expert cards: only their person states one, only who looks for experts sees it, and it can go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from tests.conftest import client_of
from tests.databases import unwalled
from tests.identities import Holder, Sitter, holder, sitter

from matchmaker.app import installed
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.models import MemberRole, OrganisationRole, OrganisationState
from matchmaker.released import Released

R = OrganisationRole
MINE = "/v1/me/expert-card"
CARD = {
    "name": "Lin W.",
    "titles": [{"zh": "高级工程师", "en": "Senior engineer"}],
    "skills": ["robot_operation", "plc_programming", "robot_operation"],
    "conflicts": [],
    "consents": True,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["two walls", "one wall"])
async def api(
    request: pytest.FixtureRequest, server: Server, settings: Settings, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    """The API as it is, and with row-level security gone."""
    made = (
        unwalled(server, settings)
        if request.param == "one wall"
        else db.create_engine(server.url("mm_app"), settings)
    )
    async with client_of(installed(settings, made, released)) as client:
        yield client
    await made.dispose()


async def state(
    api: httpx.AsyncClient, who: Sitter, etag: str | None = None, **said: object
) -> httpx.Response:
    headers = {**who.headers, **({} if etag is None else {"If-Match": etag})}
    return await api.put(MINE, json={**CARD, **said}, headers=headers)


async def expert(
    api: httpx.AsyncClient,
    engine: AsyncEngine,
    of: OrganisationState = OrganisationState.VERIFIED,
    role: MemberRole = MemberRole.VIEWER,
) -> tuple[Holder, Sitter]:
    """A university and somebody there with a card."""
    home = await holder(engine, R.PROVIDER, state=of)
    who = await sitter(engine, home.organisation_id, role)
    answer = await state(api, who)
    assert answer.status_code == 201, answer.text
    return home, who


async def read(api: httpx.AsyncClient, who: Sitter, by: Holder) -> int:
    answer = await api.get(f"/v1/experts/{who.member_id}", headers=by.headers)
    return answer.status_code


async def listed(api: httpx.AsyncClient, by: Holder, more: str = "") -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        answer = await api.get(f"/v1/experts?limit=2{more}{cursor}", headers=by.headers)
        assert answer.status_code == 200, answer.text
        found |= {each["member_id"] for each in answer.json()["items"]}
        if answer.json()["page"]["next"] is None:
            return found
        cursor = f"&cursor={answer.json()['page']['next']}"


async def test_who_looks_for_experts_finds_them(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    home, who = await expert(api, engine)
    id_ = str(who.member_id)
    for role in (R.AGENCY, R.OPERATOR):
        seeker = await holder(engine, role)
        answer = await api.get(f"/v1/experts/{id_}", headers=seeker.headers)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["name"], told["titles"]) == ("Lin W.", CARD["titles"])
        assert told["skills"] == ["plc_programming", "robot_operation"]
        assert told["organisation_id"] == str(home.organisation_id)
        assert who.email not in answer.text
        assert id_ in await listed(api, seeker)
        assert id_ in await listed(api, seeker, "&skill=plc_programming")
        assert id_ not in await listed(api, seeker, "&skill=data_analysis")
    assert await read(api, who, home) == 200
    assert await listed(api, home) == {id_}


async def test_nobody_else_does(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    _, who = await expert(api, engine)
    for role in (R.SME, R.PROVIDER):
        stranger = await holder(engine, role)
        assert await read(api, who, stranger) == 404
        assert await listed(api, stranger) == set()
    claimed = await holder(engine, R.AGENCY, R.SME, state=OrganisationState.DRAFT)
    assert await read(api, who, claimed) == 404, "an agency counts once it is verified"
    assert (await api.get(f"/v1/experts/{who.member_id}")).status_code == 401


async def test_an_organisation_that_is_not_verified_shows_none(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    seeker = await holder(engine, R.AGENCY)
    home, who = await expert(api, engine, OrganisationState.DRAFT)
    assert await read(api, who, seeker) == 404
    assert str(who.member_id) not in await listed(api, seeker)
    assert await read(api, who, home) == 200
    async with engine.begin() as connection:
        said = "update mm.organisation set state = 'verified' where id = :id"
        await connection.execute(text(said), {"id": home.organisation_id})
    assert await read(api, who, seeker) == 200, "the control"


async def test_only_the_person_states_it_and_only_with_consent(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    home = await holder(engine, *R)
    by_key = await api.put(MINE, json=CARD, headers=home.headers)
    assert (by_key.status_code, by_key.json()["code"]) == (403, "session_needed")
    who = await sitter(engine, home.organisation_id)
    other = await holder(engine)
    known = {"organisation_id": str(other.organisation_id), "reason": "I own part of it"}
    unknown = {"organisation_id": str(uuid4()), "reason": "My sister runs it"}
    for said, pointer in (
        ({"consents": False}, "#/consents"),
        ({"skills": ["plc_programming", "alchemy"]}, "#/skills/1"),
        ({"skills": []}, "#/skills"),
        ({"conflicts": [known, unknown]}, "#/conflicts/1/organisation_id"),
        ({"member_id": str(who.member_id)}, "#/member_id"),
    ):
        refused = await state(api, who, **said)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content")
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
    assert (await api.get(MINE, headers=who.headers)).status_code == 404
    made = await state(api, who, conflicts=[known])
    assert made.status_code == 201
    assert made.json()["conflicts"] == [known]


async def test_two_editors_do_not_overwrite_each_other(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    _, who = await expert(api, engine)
    first = await api.get(MINE, headers=who.headers)
    etag, consented = first.headers["ETag"], first.json()["consented_at"]
    assert (await state(api, who)).status_code == 428
    again = await state(api, who, etag, name="Lin Wei")
    assert (again.status_code, again.json()["name"]) == (200, "Lin Wei")
    assert again.json()["consented_at"] > consented, "to the card as it stands now"
    assert (await state(api, who, etag)).status_code == 412
    stale = await api.delete(MINE, headers={**who.headers, "If-Match": etag})
    assert stale.status_code == 412
    assert (await api.delete(MINE, headers=who.headers)).status_code == 428


async def stored(engine: AsyncEngine, who: Sitter) -> int:
    async with engine.begin() as connection:
        said = text("select count(*) from mm.expert_card where id = :id")
        return int(await connection.scalar(said, {"id": who.member_id}) or 0)


async def test_what_is_withdrawn_is_gone_and_can_be_given_again(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    seeker = await holder(engine, R.AGENCY)
    _, who = await expert(api, engine)
    assert await read(api, who, seeker) == 200
    gone = await api.delete(MINE, headers={**who.headers, "If-Match": '"1"'})
    assert gone.status_code == 204
    assert await read(api, who, seeker) == 404
    assert await stored(engine, who) == 0
    assert (await state(api, who)).status_code == 201


async def test_it_goes_with_the_member(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    home, who = await expert(api, engine)
    assert await stored(engine, who) == 1
    path = f"/v1/members/{who.member_id}"
    gone = await api.delete(path, headers={**home.headers, "If-Match": '"1"'})
    assert gone.status_code == 204, gone.text
    assert await stored(engine, who) == 0


async def test_a_look_is_noted_for_the_organisation(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    home, who = await expert(api, engine)
    seeker = await holder(engine, R.AGENCY)
    await read(api, who, seeker)
    await listed(api, seeker)
    await read(api, who, home)
    path = f"/v1/organisations/{home.organisation_id}/sightings"
    told = (await api.get(path, headers=home.headers)).json()["items"]
    assert [(each["subject_type"], each["way"], each["seen_as"]) for each in told] == [
        ("expert_card", "listed", "agency"),
        ("expert_card", "read", "agency"),
    ]
    assert {each["subject_id"] for each in told} == {str(who.member_id)}


async def test_a_card_is_of_the_organisation_it_was_stated_for(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    """A person who is a member of two firms is no expert of the second one by that."""
    home, who = await expert(api, engine)
    second = await holder(engine)
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "insert into mm.member (id, organisation_id, name, email, role, revision)"
                " values (:id, :of, 'L', :email, 'viewer', 1)"
            ),
            {"id": uuid4(), "of": second.organisation_id, "email": who.email},
        )
    body = {"organisation_id": str(second.organisation_id)}
    moved = await api.put("/v1/sessions/organisation", json=body, headers=who.headers)
    assert moved.status_code == 200, moved.text
    cookie = {**who.headers, "Cookie": moved.headers["set-cookie"].partition(";")[0]}
    assert (await api.get(MINE, headers=cookie)).status_code == 404
    assert await listed(api, second) == set()
    assert await listed(api, home) == {str(who.member_id)}


async def seen(engine: AsyncEngine, acting: UUID | None, who: Sitter, statement: str) -> bool:
    async with db.begun(async_sessionmaker(engine), acting) as session:
        found = await session.execute(text(statement), {"id": who.member_id})
        return bool(found.all())


async def test_the_database_alone_keeps_cards_from_others(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    home, who = await expert(api, engine)
    stranger, seeker = await holder(engine), await holder(engine, R.AGENCY)
    look = "select id from mm.expert_card where id = :id"
    change = "update mm.expert_card set name = 'X' where id = :id returning id"
    for acting, reads, writes in (
        (None, False, False),
        (stranger.organisation_id, False, False),
        (seeker.organisation_id, True, False),
        (home.organisation_id, True, True),
    ):
        assert await seen(engine, acting, who, look) is reads
        assert await seen(engine, acting, who, change) is writes
    async with engine.begin() as connection:
        said = "update mm.organisation set state = 'suspended' where id = :id"
        await connection.execute(text(said), {"id": home.organisation_id})
    assert await seen(engine, seeker.organisation_id, who, look) is False
