"""Curations as they are kept, and what they do to matches once an index has them.

With them in the folder stand the programmes, which do nothing to a match yet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.conftest import stocked
from tests.identities import Holder, holder

from matchmaker.app import installed
from matchmaker.cli import pool, programmes
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.index import IndexHolder, Published
from matchmaker.matching.publisher import Publisher, built_at
from matchmaker.released import Released

R = OrganisationRole
CURATIONS = "/v1/curations"
ASK = {"need": {"kind": "solution", "scenes": ["quality"]}, "limit": 10}


@dataclass
class Place:
    """The API on a database of its own, and what publishes its index."""

    api: httpx.AsyncClient
    engine: AsyncEngine
    database: Database
    released: Released
    publisher: Publisher

    async def publish(self) -> None:
        await pool.publish(self.database, self.released, self.publisher)

    async def match(self, by: Holder | None = None) -> dict[str, Any]:
        headers = {} if by is None else by.headers
        answer = await self.api.post("/v1/match", json=ASK, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def reproduced(self, answer: dict[str, Any], by: Holder | None = None) -> bool:
        headers = {} if by is None else by.headers
        body = {**ASK, "receipt": answer["receipt"]}
        told = await self.api.post("/v1/match/replay", json=body, headers=headers)
        assert told.status_code == 200, told.text
        return bool(told.json()["reproduced"])

    async def active(self, by: Holder, **terms: object) -> str:
        body = {"name": {"en": "Local first"}, **terms}
        made = await self.api.post(CURATIONS, json=body, headers=by.headers)
        assert made.status_code == 201, made.text
        id_ = str(made.json()["id"])
        await self.move(by, id_, "activate")
        return id_

    async def move(self, by: Holder, id_: str, step: str, *, of: str = CURATIONS) -> None:
        path = f"{of}/{id_}/transitions"
        moved = await self.api.post(path, json={"transition": step}, headers=by.headers)
        assert moved.status_code == 200, moved.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(released: Released) -> AsyncIterator[Place]:
    async with stocked(released) as found:
        writing = db.create_engine(found.url, found.settings, acting=db.INSTALLATION)
        serving = db.create_engine(found.url, found.settings)
        publisher = Publisher(found.settings.index_folder, released.edition)
        async with client_of(installed(found.settings, serving, released)) as api:
            yield Place(api, writing, found, released, publisher)
        await writing.dispose()
        await serving.dispose()


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["offering_id"] for item in answer["items"]]


async def test_an_agencys_own_bear_on_its_matches_and_each_effect_is_told(place: Place) -> None:
    portal, firm = await holder(place.engine, R.AGENCY), await holder(place.engine)
    plain = await place.match(portal)
    first, last, gone = ids(plain)[0], ids(plain)[-1], ids(plain)[1]
    local = {"field": "offering.regions", "op": "exists"}
    id_ = await place.active(
        portal,
        boosts=[{"thousandths": 40, "rule": local}, {"thousandths": 90, "offerings": [last]}],
        exclude=[gone],
        pins=[{"offering_id": first, "place": 3}, {"offering_id": gone, "place": 1}],
    )
    assert ids(await place.match(portal)) == ids(plain), "not before an index has it"
    await place.publish()
    curated = await place.match(portal)
    assert ids(curated)[2] == first
    assert gone not in ids(curated), "a pin never shows what is excluded"
    assert curated["funnel"]["excluded"][f"curation.{id_}"] == 1
    lifted = next(item for item in curated["items"] if item["offering_id"] == last)
    assert {each["rule"] for each in lifted["curation"]} == {id_}
    assert sum(each["thousandths"] for each in lifted["curation"]) <= 100
    adds = sum(each["adds"] for each in lifted["curation"])
    parts = sum(each["adds"] for each in lifted["contributions"])
    assert abs(lifted["base"] + parts + adds - lifted["score"]) < 1e-6
    assert any(move["step"] == "pin" for item in curated["items"] for move in item["slate"])
    # Others are not touched: there is nothing of the operator's.
    assert ids(await place.match(firm)) == ids(plain)
    assert await place.reproduced(curated, portal)
    # Everybody can read whose it is; and once it is archived the order is as it was.
    told = await place.api.get(f"{CURATIONS}/{id_}")
    assert told.json()["organisation_id"] == str(portal.organisation_id)
    await place.move(portal, id_, "archive")
    await place.publish()
    again = await place.match(portal)
    assert ids(again) == ids(plain)
    assert [item["score"] for item in again["items"]] == [i["score"] for i in plain["items"]]
    assert (await place.api.get(f"{CURATIONS}/{id_}")).status_code == 404


async def test_the_operators_bear_on_everybody_who_has_none(place: Place) -> None:
    operator, firm = await holder(place.engine, R.OPERATOR), await holder(place.engine)
    plain = await place.match()
    last = ids(plain)[-1]
    id_ = await place.active(
        operator,
        floors=[
            {"least": 1, "first": 3, "offerings": [last]},
            {"least": 2, "first": 3, "offerings": ["none"]},
        ],
        diversity=[{"field": "offering.deployment", "most": 3, "first": 10}],
        cap={"of_provider": 1, "first": 5},
    )
    await place.publish()
    for by in (None, firm):
        curated = await place.match(by)
        assert last in ids(curated)[:3]
        raised = next(item for item in curated["items"] if item["offering_id"] == last)
        assert raised["slate"][-1]["step"] == "floor"
        (missed,) = curated["missed_floors"]
        assert (missed["rule"], missed["asked"], missed["met"]) == (id_, 2, 0)
        providers = [item["provider"]["id"] for item in curated["items"][:2]]
        assert len(set(providers)) == len(providers)
        assert await place.reproduced(curated, by)
    # What is changed is another version, and the receipt of before still holds.
    before = await place.match()
    changed = await place.api.patch(
        f"{CURATIONS}/{id_}",
        content=msgspec.json.encode({"floors": []}),
        headers={**operator.headers, "If-Match": '"2"', "Content-Type": MEDIA_TYPE},
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    await place.publish()
    after = await place.match()
    assert after["missed_floors"] == []
    assert await place.reproduced(after)
    assert await place.reproduced(before), "the index before is still at hand"
    versions = (await place.api.get(f"{CURATIONS}/{id_}/versions")).json()["items"]
    assert [len(each["terms"]["floors"]) for each in versions] == [2, 0]
    await place.move(operator, id_, "archive")
    await place.publish()


async def test_what_cannot_be_is_refused(place: Place) -> None:
    portal, other = await holder(place.engine, R.AGENCY), await holder(place.engine, R.AGENCY)
    body = {
        "name": {"en": "A"},
        "boosts": [{"thousandths": 1, "rule": {"field": "profile.stage", "op": "exists"}}],
        "diversity": [{"field": "offering.colour", "most": 1, "first": 3}],
    }
    answer = await place.api.post(CURATIONS, json=body, headers=portal.headers)
    assert {each["pointer"].rpartition("/")[0] for each in answer.json()["errors"]} >= {
        "#/diversity/0"
    }
    assert len(answer.json()["errors"]) == 2, answer.text
    id_ = await place.active(portal)
    for by in (other, portal):
        patch = {**by.headers, "If-Match": '"2"', "Content-Type": MEDIA_TYPE}
        answer = await place.api.patch(f"{CURATIONS}/{id_}", content=b"{}", headers=patch)
        assert answer.status_code == (404 if by is other else 200)
    await place.move(portal, id_, "archive")
    patch = {**portal.headers, "If-Match": '"3"', "Content-Type": MEDIA_TYPE}
    content = msgspec.json.encode({"exclude": ["x"]})
    answer = await place.api.patch(f"{CURATIONS}/{id_}", content=content, headers=patch)
    assert (answer.status_code, answer.json()["code"]) == (409, "curation_archived")


PROGRAMMES = "/v1/programmes"


async def test_published_programmes_are_in_the_folder_by_version(
    place: Place, tmp_path: Path
) -> None:
    operator = await holder(place.engine, R.OPERATOR)
    whose = {"issuers": [{"zh": "某局"}], "source": {"zh": "某网站"}, "level": "nation"}
    body = {"name": {"zh": "补助", "en": "Grant"}, "benefit": {"rate": 300}, **whose}
    made = await place.api.post(PROGRAMMES, json=body, headers=operator.headers)
    assert made.status_code == 201, made.text
    id_ = made.json()["id"]

    def folder() -> Published:
        return IndexHolder(place.database.settings.index_folder).current()

    def versions(found: Published) -> list[int]:
        return [each.version for each in found.programmes if each.id == id_]

    async def turned() -> list[int]:
        await place.publish()
        return versions(folder())

    assert await turned() == [], "not as a draft"
    await place.move(operator, id_, "publish", of=PROGRAMMES)
    assert versions(folder()) == [], "not before an index has it"
    async with place.database.transaction() as session:
        assert not await place.publisher.is_current(session)
    assert await turned() == [1]
    assert folder().programmes[0].owner == str(operator.organisation_id)
    changed = await place.api.patch(
        f"{PROGRAMMES}/{id_}",
        content=msgspec.json.encode({"level": "zone"}),
        headers={**operator.headers, "If-Match": '"2"', "Content-Type": MEDIA_TYPE},
    )
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    assert await turned() == [2]
    then = folder()
    assert (then.programmes[0].terms.level, then.programmes[0].terms.name.en) == ("zone", "Grant")
    answer = await place.match()
    assert {str(item["programmes"]) for item in answer["items"]} == {"[]"}, "nobody computes them"

    cold = Publisher(tmp_path, place.released.edition)
    await pool.publish(place.database, place.released, cold)
    assert IndexHolder(tmp_path).current().programmes == then.programmes
    await place.move(operator, id_, "archive", of=PROGRAMMES)
    assert await turned() == []
    at = then.versions
    async with place.database.transaction() as session:
        rebuilt = await built_at(session, place.released.edition, at.base, at.delta)
    assert msgspec.json.decode(rebuilt.beside.programmes)[0]["version"] == 2, "the past is kept"
    assert await place.reproduced(answer)


async def test_the_programmes_of_the_demo_are_entered_once_and_say_that_they_are_fictional(
    place: Place,
) -> None:
    assert await programmes.enter(place.database, place.released) == 2
    assert await programmes.enter(place.database, place.released) == 0
    await place.publish()
    found = (
        await place.api.get(f"{PROGRAMMES}?state=published&region=330282&industry=C3311")
    ).json()["items"]
    assert len(found) == 2
    for each in found:
        texts = (each["terms"]["name"], *each["terms"]["issuers"])
        assert all("虚构" in said["zh"] and "fictional" in said["en"] for said in texts)
    elsewhere = (await place.api.get(f"{PROGRAMMES}?state=published&region=440300")).json()["items"]
    assert elsewhere == []
    folder = IndexHolder(place.database.settings.index_folder).current().programmes
    assert {each["id"] for each in found} <= {each.id for each in folder}
