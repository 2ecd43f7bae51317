"""Members and consents: an organisation's own business."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.identities import Holder, holder
from tests.interleaving import meanwhile

from matchmaker.core import events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.core.postgres import Server
from matchmaker.identity import queries
from matchmaker.identity.models import ApiKeyId, ConsentId, ConsentPurpose, OrganisationRole
from matchmaker.identity.people import service

R = OrganisationRole
Client = httpx.AsyncClient
LIN = {"name": "林工", "email": "Lin@Example.org", "role": "editor"}


async def add(api: Client, caller: Holder, **fields: object) -> httpx.Response:
    path = f"/v1/organisations/{caller.organisation_id}/members"
    return await api.post(path, json={**LIN, **fields}, headers=caller.headers)


async def grant(api: Client, caller: Holder, purpose: str = "contact") -> httpx.Response:
    path = f"/v1/organisations/{caller.organisation_id}/consents"
    return await api.post(path, json={"purpose": purpose}, headers=caller.headers)


async def withdraw(api: Client, caller: Holder, id_: object) -> httpx.Response:
    return await api.post(f"/v1/consents/{id_}/withdrawal", headers=caller.headers)


async def told(engine: AsyncEngine, of: Holder) -> list[tuple[str, dict[str, Any]]]:
    async with AsyncSession(engine) as session:
        found = await events.after(ReadSession(session), 0, organisation_id=of.organisation_id)
    return [(recorded.event.kind, recorded.event.data) for recorded in found]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestMembers:
    async def test_from_added_to_removed(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        added = await add(identity, firm)
        assert (added.status_code, added.headers["etag"]) == (201, '"1"')
        member = added.json()
        assert member["email"] == "lin@example.org"
        path = f"/v1/members/{member['id']}"
        assert (await identity.get(path, headers=firm.headers)).json() == member
        headers = {**firm.headers, "If-Match": '"1"'}
        patch = {**headers, "Content-Type": MEDIA_TYPE}
        changed = await identity.patch(path, json={"role": "admin"}, headers=patch)
        assert (changed.json()["role"], changed.headers["etag"]) == ("admin", '"2"')
        assert code(await identity.patch(path, json={}, headers=patch)) == (412, "stale_version")
        assert code(await identity.delete(path, headers=headers)) == (412, "stale_version")
        assert code(await identity.delete(path, headers=firm.headers)) == (428, "version_required")
        removed = await identity.delete(path, headers={**firm.headers, "If-Match": '"2"'})
        assert (removed.status_code, removed.content) == (204, b"")
        assert code(await identity.get(path, headers=firm.headers)) == (404, "member_not_found")

    async def test_a_change_starts_from_the_revision_that_was_read(
        self, identity: Client, engine: AsyncEngine, server: Server
    ) -> None:
        firm = await holder(engine)
        path = f"/v1/members/{(await add(identity, firm)).json()['id']}"
        second = {**firm.headers, "Content-Type": MEDIA_TYPE, "If-Match": '"2"'}
        promoted = "role = 'admin', revision = 2"
        with meanwhile(engine, server, "member", path.rpartition("/")[2], promoted):
            late = await identity.patch(path, json={"name": "L"}, headers=second)
        assert code(late) == (412, "stale_version")
        assert (await identity.get(path, headers=firm.headers)).json()["role"] == "admin"
        same = await identity.patch(path, json={"role": "admin"}, headers=second)
        assert (same.status_code, same.headers["etag"]) == (200, '"2"')
        assert [kind for kind, _ in await told(engine, firm)] == ["member.added"]

    async def test_no_event_names_a_person(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        await add(identity, firm)
        found = await told(engine, firm)
        assert found == [("member.added", {"role": "editor"})]

    async def test_an_address_is_one_persons_in_an_organisation(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm, other = await holder(engine), await holder(engine)
        assert (await add(identity, firm)).status_code == 201
        assert code(await add(identity, firm, email="lin@example.org")) == (409, "already_exists")
        assert (await add(identity, other)).status_code == 201

    @pytest.mark.parametrize(
        "fields",
        [
            {"email": "lin"},
            {"email": "lin@example.org\n"},
            {"email": "a b@c"},
            {"role": "emperor"},
            {"name": ""},
        ],
    )
    async def test_what_cannot_be_is_refused(
        self, identity: Client, engine: AsyncEngine, fields: dict[str, str]
    ) -> None:
        firm = await holder(engine)
        assert code(await add(identity, firm, **fields)) == (422, "invalid_content")

    async def test_not_even_an_operator_sees_anothers_people(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        member = (await add(identity, firm)).json()["id"]
        for path in (
            f"/v1/members/{member}",
            f"/v1/organisations/{firm.organisation_id}/members",
        ):
            assert (await identity.get(path, headers=operator.headers)).status_code == 404


class TestConsents:
    async def test_given_and_withdrawn(self, identity: Client, engine: AsyncEngine) -> None:
        firm, operator = await holder(engine), await holder(engine, R.OPERATOR)
        given = await grant(identity, firm)
        assert given.status_code == 201
        consent = given.json()
        assert consent["withdrawn_at"] is None
        assert await allows(engine, firm)
        assert code(await grant(identity, firm)) == (409, "already_exists")
        ended = await withdraw(identity, firm, consent["id"])
        assert ended.json()["withdrawn_at"] is not None
        assert not await allows(engine, firm)
        assert code(await withdraw(identity, firm, consent["id"])) == (409, "consent_withdrawn")
        assert (await grant(identity, firm)).status_code == 201
        path = f"/v1/organisations/{firm.organisation_id}/consents"
        for reader in (firm, operator):
            items = (await identity.get(path, headers=reader.headers)).json()["items"]
            assert [item["withdrawn_at"] is None for item in items] == [False, True]
        kinds = [kind for kind, _ in await told(engine, firm)]
        assert kinds == ["consent.granted", "consent.withdrawn", "consent.granted"]

    async def test_nobody_consents_for_another(self, identity: Client, engine: AsyncEngine) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        path = f"/v1/organisations/{firm.organisation_id}/consents"
        answer = await identity.post(path, json={"purpose": "contact"}, headers=operator.headers)
        assert code(answer) == (404, "organisation_not_found")
        consent = (await grant(identity, firm)).json()["id"]
        assert code(await withdraw(identity, operator, consent)) == (404, "consent_not_found")

    async def raced(self, identity: Client, engine: AsyncEngine) -> list[int]:
        firm = await holder(engine)
        consent = (await grant(identity, firm)).json()["id"]
        answers = await asyncio.gather(*(withdraw(identity, firm, consent) for _ in range(8)))
        return sorted(answer.status_code for answer in answers)

    async def test_of_several_withdrawals_one_wins(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        for _ in range(5):
            assert await self.raced(identity, engine) == [200] + [409] * 7

    async def test_reading_before_writing_would_not_do(
        self, identity: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: the same change as a look and then a write."""

        async def naive(session: Session, id_: ConsentId, *, by: tuple[ApiKeyId, None]) -> bool:
            found = await queries.consent(session, id_)
            assert found is not None
            if found.withdrawn_at is not None:
                return False
            await asyncio.sleep(0.05)
            await session.execute(
                text(
                    "update mm.consent set withdrawn_at = now(), withdrawn_by = :by where id = :id"
                ),
                {"by": by[0], "id": id_},
            )
            return True

        monkeypatch.setattr(queries, "withdraw_consent", naive)
        assert (await self.raced(identity, engine)).count(200) > 1

    async def test_of_several_grants_one_is_kept(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        answers = await asyncio.gather(*(grant(identity, firm) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7

    @pytest.mark.parametrize(
        "statement",
        [
            "update mm.consent set purpose = 'share_with_agency'",
            "update mm.consent set granted_at = now()",
            "delete from mm.consent",
            "update mm.api_key set secret_hash = secret_hash",
            "update mm.api_key set scopes = '{match:run}'",
            "delete from mm.api_key",
            "update mm.member set email = 'x@y'",
            "delete from mm.organisation",
        ],
    )
    async def test_the_application_cannot_say_otherwise_later(
        self, engine: AsyncEngine, statement: str
    ) -> None:
        with pytest.raises(DBAPIError, match="permission denied"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))


async def allows(engine: AsyncEngine, firm: Holder) -> bool:
    ids = {firm.organisation_id}
    async with AsyncSession(engine) as session:
        found = await service.consenting(ReadSession(session), ids, ConsentPurpose.CONTACT)
        other = await service.consenting(
            ReadSession(session), ids, ConsentPurpose.SHARE_WITH_AGENCY
        )
    assert not other
    return found == ids
