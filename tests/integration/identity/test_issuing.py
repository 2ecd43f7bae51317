"""API keys: no more than one has, shown once, rotated with an overlap, revoked for good."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.conftest import client_of
from tests.identities import Holder, bearer, holder

from matchmaker.core import events
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession, Session
from matchmaker.identity import keys
from matchmaker.identity.access import SCOPES_OF, Scope
from matchmaker.identity.issuing import queries, service
from matchmaker.identity.models import ApiKeyId, OrganisationId, OrganisationRole

R = OrganisationRole
Client = httpx.AsyncClient
KEYS = frozenset({Scope.KEYS_MANAGE, Scope.NEEDS_READ})


async def create(
    api: Client, caller: Holder, of: OrganisationId | None = None, **fields: object
) -> httpx.Response:
    return await api.post(
        f"/v1/organisations/{of or caller.organisation_id}/keys",
        json={"name": "portal", **fields},
        headers=caller.headers,
    )


async def rotate(api: Client, caller: Holder, id_: object, **fields: object) -> httpx.Response:
    return await api.post(f"/v1/keys/{id_}/rotation", json=fields, headers=caller.headers)


async def revoke(api: Client, caller: Holder, id_: object) -> httpx.Response:
    return await api.post(f"/v1/keys/{id_}/revocation", headers=caller.headers)


async def works(api: Client, key: str) -> bool:
    return (await api.get("/v1/me", headers=bearer(key))).status_code == 200


async def kinds_of(engine: AsyncEngine, organisation_id: OrganisationId) -> list[str]:
    async with AsyncSession(engine) as session:
        found = await events.after(ReadSession(session), 0, organisation_id=organisation_id)
    return [recorded.event.kind for recorded in found]


def bearing(firm: Holder, made: dict[str, Any]) -> Holder:
    """The same organisation with a key that the API made."""
    token = keys.read(made["key"])
    assert token is not None
    return Holder(firm.organisation_id, ApiKeyId(UUID(made["id"])), token)


async def rights(api: Client, key: str) -> list[str]:
    found: list[str] = (await api.get("/v1/me", headers=bearer(key))).json()["scopes"]
    return found


async def execute(engine: AsyncEngine, statement: str, **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestMaking:
    async def test_it_works_and_is_shown_once(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        answer = await create(identity, firm, scopes=["needs:read", "match:run"])
        assert answer.status_code == 201, answer.text
        assert answer.headers["cache-control"] == "no-store"
        made = answer.json()
        assert keys.read(made["key"]) is not None
        assert await works(identity, made["key"])
        assert made["scopes"] == ["match:run", "needs:read"]
        assert made["created_by"] == str(firm.key_id)
        listed = await identity.get(
            f"/v1/organisations/{firm.organisation_id}/keys", headers=firm.headers
        )
        assert [item["public_id"] for item in listed.json()["items"]] == [
            firm.token.public_id,
            made["public_id"],
        ]
        assert "key" not in listed.json()["items"][1]
        assert await kinds_of(engine, firm.organisation_id) == ["api_key.created"]

    async def test_without_scopes_it_is_good_for_all_that_both_have(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine, scopes=KEYS)
        assert (await create(identity, firm)).json()["scopes"] == sorted(KEYS)
        operator, provider = await holder(engine, R.OPERATOR), await holder(engine, R.PROVIDER)
        made = await create(identity, operator, provider.organisation_id)
        assert made.json()["scopes"] == sorted(SCOPES_OF[R.PROVIDER])

    @pytest.mark.parametrize("scope", ["needs:write", "pools:write"])
    async def test_nobody_gives_more_than_they_have(
        self, identity: Client, engine: AsyncEngine, scope: str
    ) -> None:
        """Neither what the maker's key lacks nor what the holder's roles do not allow."""
        firm = await holder(engine, scopes=KEYS)
        answer = await create(identity, firm, scopes=["needs:read", scope])
        assert code(answer) == (403, "scopes_exceeded")
        assert answer.json()["scopes"] == [scope]

    async def test_an_operator_gives_what_it_has_and_the_holder_may(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        for scopes, expected in ((KEYS, 403), (KEYS | {Scope.NEEDS_WRITE}, 201)):
            operator = await holder(engine, R.OPERATOR, scopes=scopes)
            answer = await create(identity, operator, firm.organisation_id, scopes=["needs:write"])
            assert answer.status_code == expected

    async def test_it_ends_when_it_was_said_to(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        past = await create(identity, firm, expires_at="2020-01-01T00:00:00Z")
        assert code(past) == (422, "invalid_content")
        naive = await create(identity, firm, expires_at="2099-01-01T00:00:00")
        assert code(naive) == (422, "invalid_content")
        soon = (utc_now() + dt.timedelta(seconds=1)).isoformat()
        made = (await create(identity, firm, expires_at=soon)).json()
        await asyncio.sleep(1.05)
        assert not await works(identity, made["key"])


class TestOutliving:
    """No key makes one that acts for longer than it does itself."""

    @staticmethod
    async def ending(api: Client, firm: Holder) -> tuple[Holder, str]:
        """A key that ends in a while, made with one that does not, and when."""
        soon = (utc_now() + dt.timedelta(hours=1)).isoformat()
        made = (await create(api, firm, expires_at=soon)).json()
        token = keys.read(made["key"])
        assert token is not None
        holding = Holder(firm.organisation_id, ApiKeyId(UUID(made["id"])), token)
        return holding, made["expires_at"]

    @pytest.mark.parametrize("with_", ["create", "rotate itself", "rotate another"])
    async def test_what_it_makes_ends_with_it_at_the_latest(
        self, identity: Client, engine: AsyncEngine, with_: str
    ) -> None:
        firm = await holder(engine)
        ending, end = await self.ending(identity, firm)
        lasting = (await create(identity, firm)).json()

        async def make(**fields: object) -> httpx.Response:
            if with_ == "create":
                return await create(identity, ending, None, **fields)
            which = ending.key_id if with_ == "rotate itself" else lasting["id"]
            return await rotate(identity, ending, which, **fields)

        last = dt.datetime.fromisoformat(end)
        later = (last + dt.timedelta(seconds=1)).isoformat()
        refused = await make(expires_at=later)
        assert code(refused) == (403, "expiry_exceeded")
        assert dt.datetime.fromisoformat(refused.json()["expires_at"]) == last
        made = await make()
        assert made.status_code == 201, made.text
        assert made.json()["expires_at"] == end

    async def test_it_may_give_less(self, identity: Client, engine: AsyncEngine) -> None:
        ending, _ = await self.ending(identity, await holder(engine))
        sooner = (utc_now() + dt.timedelta(minutes=1)).isoformat()
        made = await create(identity, ending, expires_at=sooner)
        given = dt.datetime.fromisoformat(made.json()["expires_at"])
        assert given == dt.datetime.fromisoformat(sooner)

    async def test_one_that_does_not_end_gives_what_it_likes(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        ending, _ = await self.ending(identity, firm)
        assert (await rotate(identity, firm, ending.key_id)).json()["expires_at"] is None
        assert (await create(identity, firm)).json()["expires_at"] is None

    async def test_a_key_that_has_ended_makes_none_while_it_is_still_remembered(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        """The guard may take it for two seconds more; what it would make would last."""
        firm = await holder(engine)
        ending, _ = await self.ending(identity, firm)
        assert await works(identity, ending.token.text)
        assert (await revoke(identity, firm, ending.key_id)).status_code == 200
        assert await works(identity, ending.token.text)
        other = (await create(identity, firm)).json()
        assert code(await create(identity, ending)) == (401, "unauthenticated")
        assert code(await rotate(identity, ending, other["id"])) == (401, "unauthenticated")

    async def test_control_an_expiry_taken_as_it_is_asked_for_outlives_its_maker(
        self, identity: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def as_asked(_: object, wanted: dt.datetime | None, __: object) -> object:
            return wanted

        monkeypatch.setattr(service, "_until", as_asked)
        ending, _ = await self.ending(identity, await holder(engine))
        assert (await create(identity, ending)).json()["expires_at"] is None


class TestRotating:
    async def test_both_act_until_the_overlap_has_passed(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        old = (await create(identity, firm, scopes=["needs:read"])).json()
        answer = await rotate(identity, firm, old["id"])
        assert answer.status_code == 201
        new = answer.json()
        assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
        assert await works(identity, old["key"])
        assert await works(identity, new["key"])
        listed = await identity.get(
            f"/v1/organisations/{firm.organisation_id}/keys", headers=firm.headers
        )
        (shown,) = [item for item in listed.json()["items"] if item["id"] == old["id"]]
        assert shown["replaced_by"] == new["id"]
        overlap = dt.datetime.fromisoformat(shown["expires_at"]) - utc_now()
        assert dt.timedelta(days=6.99) < overlap <= dt.timedelta(days=7)
        kinds = await kinds_of(engine, firm.organisation_id)
        assert kinds == ["api_key.created", "api_key.rotated"]

    async def test_without_an_overlap_the_old_one_ends_at_once(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        old = (await create(identity, firm)).json()
        new = (await rotate(identity, firm, old["id"], overlap_days=0)).json()
        assert not await works(identity, old["key"])
        assert await works(identity, new["key"])

    async def test_an_earlier_end_stays(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        end = (utc_now() + dt.timedelta(days=1)).isoformat()
        old = (await create(identity, firm, expires_at=end)).json()
        await rotate(identity, firm, old["id"])
        async with AsyncSession(engine) as session:
            found = await queries.key(ReadSession(session), ApiKeyId(old["id"]))
        assert found is not None
        assert found.expires_at == dt.datetime.fromisoformat(end)

    async def test_two_of_a_name_are_enough(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        first = (await create(identity, firm)).json()
        second = (await rotate(identity, firm, first["id"])).json()
        assert code(await rotate(identity, firm, first["id"])) == (409, "key_not_in_force")
        assert code(await rotate(identity, firm, second["id"])) == (409, "rotation_underway")
        await revoke(identity, firm, first["id"])
        assert (await rotate(identity, firm, second["id"])).status_code == 201

    async def test_a_key_that_ended_is_not_rotated(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        old = (await create(identity, firm)).json()
        await revoke(identity, firm, old["id"])
        assert code(await rotate(identity, firm, old["id"])) == (409, "key_not_in_force")

    async def test_nobody_comes_by_more_this_way(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        """The new secret goes to who rotates, so the key may be good for no more than theirs."""
        firm = await holder(engine)
        lesser = (await create(identity, firm, scopes=["keys:manage"])).json()
        answer = await identity.post(
            f"/v1/keys/{firm.key_id}/rotation", json={}, headers=bearer(lesser["key"])
        )
        assert code(answer) == (403, "scopes_exceeded")

    RACERS = 8

    async def raced(self, identity: Client, engine: AsyncEngine) -> list[int]:
        firm = await holder(engine)
        old = (await create(identity, firm)).json()
        answers = await asyncio.gather(
            *(rotate(identity, firm, old["id"]) for _ in range(self.RACERS))
        )
        return sorted(answer.status_code for answer in answers)

    async def test_of_several_rotations_one_wins(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        for _ in range(5):
            assert await self.raced(identity, engine) == [201] + [409] * (self.RACERS - 1)

    async def test_reading_before_writing_would_not_do(
        self, identity: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: the same change as a look and then a write."""

        async def naive(session: Session, id_: ApiKeyId, *, by: ApiKeyId, **_: object) -> bool:
            found = await queries.key(session, id_)
            assert found is not None
            if found.replaced_by is not None:
                return False
            await asyncio.sleep(0.05)
            await session.execute(
                text("update mm.api_key set replaced_by = :by where id = :id"),
                {"by": by, "id": id_},
            )
            return True

        monkeypatch.setattr(queries, "replace_key", naive)
        assert (await self.raced(identity, engine)).count(201) > 1


class TestRevoking:
    async def test_it_is_for_good(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        made = (await create(identity, firm)).json()
        first = await revoke(identity, firm, made["id"])
        assert first.status_code == 200
        assert first.json()["revoked_at"] is not None
        assert not await works(identity, made["key"])
        assert (await revoke(identity, firm, made["id"])).json() == first.json()
        kinds = await kinds_of(engine, firm.organisation_id)
        assert kinds == ["api_key.created", "api_key.revoked"]

    async def test_an_operator_revokes_anybodys(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        assert (await revoke(identity, operator, firm.key_id)).status_code == 200
        assert not await works(identity, firm.token.text)

    async def test_what_it_made_is_good_for_nothing(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        """Also at one remove: whoever found a key and made others with it has none of them."""
        firm = await holder(engine)
        async with client_of(app()) as api:
            made = (await create(api, firm)).json()
            next_ = (await create(api, bearing(firm, made))).json()
            assert await rights(api, next_["key"]) == sorted(SCOPES_OF[R.SME])
            await revoke(api, firm, firm.key_id)
        async with client_of(app()) as api:
            for key in (made["key"], next_["key"]):
                assert await works(api, key)
                assert await rights(api, key) == []


class TestMakers:
    """A key is good for no more than those it was made with are now."""

    async def test_with_a_role_of_its_maker_it_loses_what_that_allowed(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        async with client_of(app()) as api:
            made = (await create(api, operator, firm.organisation_id)).json()
            assert await rights(api, made["key"]) == sorted(SCOPES_OF[R.SME])
        for ended, left in (
            ("roles = '{provider}'", SCOPES_OF[R.SME] & SCOPES_OF[R.PROVIDER]),
            ("roles = '{operator}'", SCOPES_OF[R.SME]),
            ("state = 'submitted'", frozenset()),
            ("state = 'suspended'", frozenset()),
        ):
            await execute(
                engine,
                f"update mm.organisation set {ended} where id = :id",  # noqa: S608  (ours)
                id=operator.organisation_id,
            )
            async with client_of(app()) as api:
                assert await rights(api, made["key"]) == sorted(left), ended

    async def test_a_rotated_key_stands_in_for_the_one_before(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        """The control: revoked without one in its place, it takes all it made along."""
        firm = await holder(engine)
        async with client_of(app()) as api:
            root = (await create(api, firm)).json()
            made = (await create(api, bearing(firm, root))).json()
            new = (await rotate(api, bearing(firm, root), root["id"])).json()
            await revoke(api, firm, root["id"])
        async with client_of(app()) as api:
            for key in (made["key"], new["key"]):
                assert await rights(api, key) == sorted(SCOPES_OF[R.SME])
            await revoke(api, firm, new["id"])
        async with client_of(app()) as api:
            assert await rights(api, made["key"]) == []

    async def test_nobody_rotates_themselves_out_of_their_makers_hands(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        async with client_of(app()) as api:
            made = (await create(api, firm)).json()
            new = (await rotate(api, bearing(firm, made), made["id"], overlap_days=0)).json()
            assert await rights(api, new["key"]) == sorted(SCOPES_OF[R.SME])
            await revoke(api, firm, firm.key_id)
        async with client_of(app()) as api:
            assert await rights(api, new["key"]) == []


class TestNetworks:
    async def test_it_is_taken_from_there_alone(
        self, app: Callable[[], Litestar], engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        async with client_of(app()) as api:
            made = (await create(api, firm, allowed_from=["198.51.100.7", "2001:db8::/32"])).json()
            assert made["allowed_from"] == ["198.51.100.7/32", "2001:db8::/32"]
            new = (await rotate(api, firm, made["id"])).json()
            assert new["allowed_from"] == made["allowed_from"]
        for address, expected in (
            ("198.51.100.7", 200),
            ("::ffff:198.51.100.7", 200),
            ("2001:db8::1", 200),
            ("198.51.100.8", 403),
            ("2001:db9::1", 403),
            ("unix:", 403),
        ):
            for key in (made["key"], new["key"]):
                transport = httpx.ASGITransport(app(), client=(address, 1))  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url="http://t") as api:
                    answer = await api.get("/v1/me", headers=bearer(key))
                assert answer.status_code == expected, address
                if expected == 403:
                    assert code(answer) == (403, "address_not_allowed")

    async def test_what_is_no_network_is_refused(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        given = ["198.51.100.0/24", "198.51.100.1/24", "1.2.3", "1.2.3.4/33"]
        answer = await create(identity, firm, allowed_from=given)
        assert code(answer) == (422, "invalid_content")
        assert [each["pointer"] for each in answer.json()["errors"]] == [
            f"#/allowed_from/{place}" for place in (1, 2, 3)
        ]


class TestSecrecy:
    async def test_no_row_and_no_log_holds_a_secret(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        """The control: the public part is found in both."""
        firm = await holder(engine)
        with structlog.testing.capture_logs() as logged:
            made = (await create(identity, firm)).json()
            new = (await rotate(identity, firm, made["id"])).json()
            for shown in (made, new):
                assert await works(identity, shown["key"])
            await revoke(identity, firm, new["id"])
        stored = await dump(engine)
        for shown in (made, new):
            token = keys.read(shown["key"])
            assert token is not None
            for haystack in (stored, str(logged)):
                assert token.public_id in haystack
                assert token.secret not in haystack
                assert token.text not in haystack


async def dump(engine: AsyncEngine) -> str:
    """Every row of every table that the application can read, as text."""
    found: list[str] = []
    async with engine.connect() as connection:
        tables: Any = await connection.scalars(
            text(
                "select quote_ident(table_name) from information_schema.table_privileges"
                " where table_schema = 'mm' and privilege_type = 'SELECT'"
            )
        )
        for table in set(tables):
            rows = await connection.scalars(
                text(f"select t::text from mm.{table} t")  # noqa: S608  (our own catalogue)
            )
            found.extend(rows)
    return "\n".join(found)
