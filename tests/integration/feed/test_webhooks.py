"""Webhooks from the request that makes one to what arrives, over HTTP and a real sink."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar.di import Provide
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook as Signature
from standardwebhooks import WebhookVerificationError
from tests.conftest import client_of
from tests.hooks import QUICK, RELEASED, SECRET, happened, means, record, until, working_on
from tests.identities import Holder, holder
from tests.sinks import Received, Sink, sink

from matchmaker.app import create_app
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.core.settings import Settings
from matchmaker.feed.webhooks.controllers import WebhookController
from matchmaker.feed.webhooks.sending import Sender
from matchmaker.identity.models import OrganisationRole, OrganisationState

Answer = dict[str, Any]
KEPT = text(
    "select w::text, encode(secret, 'base64') from mm.webhook as w where id = cast(:id as uuid)"
)
END_OVERLAP = text("update mm.webhook set previous_until = now() where previous_until > now()")
REASON = text(
    "select data ->> 'reason' from mm.event"
    " where kind = 'webhook.disabled' and subject_id = cast(:id as uuid)"
)


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Holder:
    return await holder(engine)


@pytest_asyncio.fixture(loop_scope="session")
async def server_(firm: Holder) -> AsyncIterator[Sink]:
    del firm
    async with sink() as made:
        yield made


class Hooks:
    """What a firm asks of its webhooks."""

    def __init__(self, api: httpx.AsyncClient, firm: Holder) -> None:
        self.api, self.headers = api, firm.headers

    async def ask(self, method: str, path: str = "", body: object = None, **more: str) -> Answer:
        answer = await self.answer(method, path, body, **more)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def answer(
        self, method: str, path: str = "", body: object = None, **more: str
    ) -> httpx.Response:
        kind = MEDIA_TYPE if method == "PATCH" else "application/json"
        sent = {} if body is None else {"Content-Type": kind}
        return await self.api.request(
            method,
            f"/v1/webhooks{path}",
            content=None if body is None else json.dumps(body),
            headers={**self.headers, **sent, **more},
        )

    async def make(self, url: str, **more: object) -> tuple[str, str]:
        made = await self.ask("POST", "", {"url": url, **more})
        return str(made["id"]), str(made["secret"])

    async def log(self, id_: str, state: str = "") -> list[Answer]:
        query = f"?state={state}" if state else ""
        return list((await self.ask("GET", f"/{id_}/deliveries{query}"))["items"])

    async def over(self, id_: str, number: int = 1) -> list[Answer]:
        """Its deliveries, once so many are over."""

        def enough(found: list[Answer]) -> bool:
            return len([each for each in found if each["state"] != "pending"]) >= number

        return list(await until(lambda: self.log(id_), enough))


@pytest.fixture
def hooks(api: httpx.AsyncClient, firm: Holder) -> Hooks:
    return Hooks(api, firm)


def verified(received: Received, secret: str) -> Answer:
    """What came, as a receiver reads it.

    Raises:
        WebhookVerificationError: it is not from us.
    """
    return dict(Signature(secret).verify(received.body, received.headers))


async def test_an_event_arrives_signed_and_the_log_tells(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, secret = await hooks.make(server_.url(), kinds=["thing.made"])
    subject = uuid4()
    async with working_on(database, engine):
        position = await record(
            engine,
            happened(firm, subject, "thing.ignored"),
            happened(None, subject),
            happened(await holder(engine), subject),
            happened(firm, subject),
        )
        (delivery,) = await hooks.over(webhook)
    (received,) = server_.received
    body = verified(received, secret)
    assert received.headers["webhook-id"] == delivery["id"]
    assert body["type"] == "thing.made"
    assert body["data"]["position"] == position == delivery["position"]
    assert body["data"]["subject_id"] == str(subject)
    assert delivery["state"] == "delivered"
    assert [(a["outcome"], a["status"]) for a in delivery["attempts"]] == [("delivered", 200)]
    with pytest.raises(WebhookVerificationError):
        verified(received, "whsec_" + "A" * 43 + "=")
    changed = Received(received.path, received.headers, received.body + b" ", None)
    with pytest.raises(WebhookVerificationError):
        verified(changed, secret)


@pytest.mark.parametrize(
    ("path", "outcome"),
    [("/status/500", "rejected"), ("/status/302", "redirected"), ("/hang", "timed_out")],
)
async def test_what_fails_is_tried_as_often_as_the_policy_says(
    database: str,
    engine: AsyncEngine,
    hooks: Hooks,
    firm: Holder,
    server_: Sink,
    path: str,
    outcome: str,
) -> None:
    webhook, secret = await hooks.make(server_.url(path))
    policy = msgspec.structs.replace(QUICK, pauses=(0, 0.05, 0.05), seconds=0.3)
    async with working_on(database, engine, policy):
        await record(engine, happened(firm, uuid4()))
        found = await until(
            lambda: hooks.log(webhook), lambda found: {d["state"] for d in found} == {"dead"}
        )
    made = [delivery for delivery in found if delivery["kind"] == "thing.made"]
    assert [len(delivery["attempts"]) for delivery in made] == [3]
    assert {attempt["outcome"] for attempt in made[0]["attempts"]} == {outcome}
    mine = [r for r in server_.received if r.headers["webhook-id"] == made[0]["id"]]
    assert len(mine) == 3
    assert {received.path for received in server_.received} == {path}
    assert len({received.body for received in mine}) == 1
    assert all(verified(received, secret) for received in mine)
    assert (await hooks.ask("GET", f"/{webhook}"))["failing_since"] is not None


async def test_who_comes_back_gets_what_it_missed_and_once_asked_again(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, _ = await hooks.make(server_.url("/x"), kinds=["thing.made"])
    answers = iter(["/status/503", "/status/429"])
    server_.answered = lambda _: next(answers, "/ok")
    async with working_on(database, engine):
        await record(engine, happened(firm, uuid4()))
        (delivery,) = await hooks.over(webhook)
        assert [a["status"] for a in delivery["attempts"]] == [503, 429, 200]
        assert (await hooks.ask("GET", f"/{webhook}"))["failing_since"] is None
        again = await hooks.ask("POST", f"/{webhook}/deliveries/{delivery['id']}/redeliver")
        assert again["state"] == "pending"
        (delivery,) = await hooks.over(webhook)
    assert len(delivery["attempts"]) == 4
    assert {r.headers["webhook-id"] for r in server_.received} == {delivery["id"]}


async def test_who_asks_for_a_pause_gets_it_within_a_bound(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, _ = await hooks.make(server_.url("/x"), kinds=["thing.made"])
    answers = iter(["/later/429/999999999"])
    server_.answered = lambda _: next(answers, "/ok")
    patient = msgspec.structs.replace(QUICK, longest_wait=1.0)
    async with working_on(database, engine, patient):
        await record(engine, happened(firm, uuid4()))
        (delivery,) = await hooks.over(webhook)
    first, second = (
        dt.datetime.fromisoformat(each["attempted_at"]) for each in delivery["attempts"]
    )
    assert [each["status"] for each in delivery["attempts"]] == [429, 200]
    assert second - first >= dt.timedelta(seconds=1), "nine times what the policy says"


async def test_gone_is_gone_until_its_owner_says_otherwise(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, _ = await hooks.make(server_.url("/x"), kinds=["thing.made", "webhook.disabled"])
    server_.answered = lambda _: "/status/410"
    async with working_on(database, engine):
        await record(engine, happened(firm, uuid4()))
        (delivery,) = await hooks.over(webhook)
        assert (delivery["state"], len(delivery["attempts"])) == ("dead", 1)
        found = await hooks.answer("GET", f"/{webhook}")
        assert (found.json()["active"], found.json()["disabled"]) == (False, "gone")
        await record(engine, happened(firm, uuid4()))
        for path in ("/test", f"/deliveries/{delivery['id']}/redeliver"):
            refused = await hooks.answer("POST", f"/{webhook}{path}")
            assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
            assert refused.json()["disabled"] == "gone"
        server_.answered = None
        etag = found.headers["ETag"]
        on = await hooks.ask("PATCH", f"/{webhook}", {"active": True}, **{"If-Match": etag})
        assert (on["active"], on["disabled"]) == (True, None)
        await hooks.ask("POST", f"/{webhook}/deliveries/{delivery['id']}/redeliver")
        (delivery,) = await hooks.over(webhook)
    assert delivery["state"] == "delivered"


async def test_days_of_failure_switch_it_off_and_are_told(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, _ = await hooks.make(server_.url("/status/500"), kinds=["thing.made"])
    days = RELEASED.disable_after_days
    patient = msgspec.structs.replace(QUICK, pauses=(0,))
    async with working_on(database, engine, patient):
        await record(engine, happened(firm, uuid4()))
        await hooks.over(webhook)
        assert (await hooks.ask("GET", f"/{webhook}"))["active"]
        await since(engine, webhook, days - 0.01)
        await record(engine, happened(firm, uuid4()))
        await hooks.over(webhook, 2)
        assert (await hooks.ask("GET", f"/{webhook}"))["active"]
        await since(engine, webhook, days + 0.01)
        await record(engine, happened(firm, uuid4()))
        await hooks.over(webhook, 3)
    assert (await hooks.ask("GET", f"/{webhook}"))["disabled"] == "failing"
    async with engine.connect() as connection:
        told = await connection.scalar(REASON, {"id": webhook})
    assert told == "failing"


async def since(engine: AsyncEngine, webhook: str, days: float) -> None:
    statement = "update mm.webhook set failing_since = now() - :days * interval '1 day'"
    async with engine.begin() as connection:
        await connection.execute(
            text(f"{statement} where id = cast(:id as uuid)"), {"days": days, "id": webhook}
        )


async def test_both_secrets_sign_while_one_follows_the_other(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, first = await hooks.make(server_.url(), kinds=["thing.made"])
    second = (await hooks.ask("POST", f"/{webhook}/rotation", {}))["secret"]
    refused = await hooks.answer("POST", f"/{webhook}/rotation", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "secret_rotating")
    async with working_on(database, engine):
        await record(engine, happened(firm, uuid4()))
        await hooks.over(webhook)
        assert all(verified(server_.received[0], secret) for secret in (first, second))
        async with engine.begin() as connection:
            await connection.execute(END_OVERLAP)
        await record(engine, happened(firm, uuid4()))
        await hooks.over(webhook, 2)
    assert verified(server_.received[1], second)
    with pytest.raises(WebhookVerificationError):
        verified(server_.received[1], first)
    third = (await hooks.ask("POST", f"/{webhook}/rotation", {"overlap_hours": 0}))["secret"]
    assert third not in {first, second}


async def test_a_test_reaches_the_one_that_is_tested(
    database: str, engine: AsyncEngine, hooks: Hooks, server_: Sink
) -> None:
    webhook, secret = await hooks.make(server_.url("/a"), kinds=["thing.made"])
    other, _ = await hooks.make(server_.url("/b"), kinds=["webhook.tested"])
    async with working_on(database, engine):
        asked = await hooks.ask("POST", f"/{webhook}/test")
        (delivery,) = await hooks.over(webhook)
        await asyncio.sleep(0.3)
    assert delivery["id"] == asked["id"]
    assert [received.path for received in server_.received] == ["/a"]
    assert verified(server_.received[0], secret)["type"] == "webhook.tested"
    assert await hooks.log(other) == []


async def test_nothing_is_kept_that_signs(engine: AsyncEngine, hooks: Hooks) -> None:
    """Neither rows nor events hold a secret; the answer that made it is the only place."""
    webhook, secret = await hooks.make("https://example.com/")
    plain = secret.removeprefix("whsec_")
    async with engine.connect() as connection:
        row = (await connection.execute(KEPT, {"id": webhook})).one()
        told = await connection.scalars(text("select data::text || actor::text from mm.event"))
        assert not any(plain in said or "example.com" in said for said in told)
    assert not any(plain[:16] in column for column in row)
    for path in ("", f"/{webhook}"):
        assert plain not in (await hooks.answer("GET", path)).text


async def test_a_suspended_firm_is_sent_nothing(
    database: str, engine: AsyncEngine, api: httpx.AsyncClient, server_: Sink
) -> None:
    firm = await holder(engine)
    webhook, _ = await Hooks(api, firm).make(server_.url())
    async with working_on(database, engine):
        await record(engine, happened(firm, uuid4()))
        await Hooks(api, firm).over(webhook)
        seen = len(server_.received)
        await suspend(engine, firm)
        await record(engine, happened(firm, uuid4()))
        await asyncio.sleep(0.5)
    assert len(server_.received) == seen


async def suspend(engine: AsyncEngine, firm: Holder) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text("update mm.organisation set state = :state where id = :id"),
            {"state": OrganisationState.SUSPENDED.value, "id": firm.organisation_id},
        )


async def test_an_operator_is_sent_what_happens_to_everybody(
    database: str, engine: AsyncEngine, api: httpx.AsyncClient, firm: Holder, server_: Sink
) -> None:
    hooks = Hooks(api, await holder(engine, OrganisationRole.OPERATOR))
    webhook, _ = await hooks.make(server_.url(), kinds=["thing.made"])
    async with working_on(database, engine):
        await record(engine, happened(firm, uuid4()), happened(None, uuid4()))
        assert len(await hooks.over(webhook, 2)) == 2


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://10.0.0.1/", "address"),
        ("http://example.com/", "scheme"),
        ("https://user@example.com/", "userinfo"),
        ("https://inside.example.com/", "address"),
    ],
)
async def test_what_leads_inside_is_not_registered(
    engine: AsyncEngine, firm: Holder, url: str, code: str
) -> None:
    async def inside(_: str) -> list[Any]:
        import ipaddress

        return [ipaddress.ip_address("10.0.0.1")]

    guarded = means(sender=Sender(resolver=inside))
    app = create_app(
        Settings(secret=SECRET),
        engine,
        controllers=[WebhookController],
        dependencies={"webhook_means": Provide(lambda: guarded, sync_to_thread=False)},
    )
    async with client_of(app) as api:
        hooks = Hooks(api, firm)
        refused = await hooks.answer("POST", "", {"url": url})
        assert (refused.status_code, refused.json()["code"]) == (422, "url_refused")
        assert refused.json()["errors"][0]["code"] == code
        webhook, _ = await hooks.make("https://93.184.215.14/")
        etag = (await hooks.answer("GET", f"/{webhook}")).headers["ETag"]
        moved = await hooks.answer("PATCH", f"/{webhook}", {"url": url}, **{"If-Match": etag})
        assert moved.json()["code"] == "url_refused"


async def test_only_so_many(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    hooks = Hooks(api, await holder(engine))
    for _ in range(RELEASED.most):
        await hooks.make("https://example.com/")
    refused = await hooks.answer("POST", "", {"url": "https://example.com/"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")


async def test_two_editors_do_not_overwrite_each_other(hooks: Hooks) -> None:
    webhook, _ = await hooks.make("https://example.com/")
    etag = (await hooks.answer("GET", f"/{webhook}")).headers["ETag"]
    change = {"description": "Ours"}
    assert (await hooks.answer("PATCH", f"/{webhook}", change)).status_code == 428
    await hooks.ask("PATCH", f"/{webhook}", change, **{"If-Match": etag})
    stale = await hooks.answer("PATCH", f"/{webhook}", {"kinds": []}, **{"If-Match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await hooks.answer("DELETE", f"/{webhook}", **{"If-Match": etag})).status_code == 412
    now = (await hooks.answer("GET", f"/{webhook}")).headers["ETag"]
    assert (await hooks.answer("DELETE", f"/{webhook}", **{"If-Match": now})).status_code == 204
    assert (await hooks.answer("GET", f"/{webhook}")).status_code == 404


async def test_the_log_goes_on_by_cursor_newest_first(
    database: str, engine: AsyncEngine, hooks: Hooks, firm: Holder, server_: Sink
) -> None:
    webhook, _ = await hooks.make(server_.url(), kinds=["thing.made"])
    async with working_on(database, engine):
        await record(engine, *(happened(firm, uuid4()) for _ in range(5)))
        await hooks.over(webhook, 5)
    first = await hooks.ask("GET", f"/{webhook}/deliveries?limit=3")
    rest = await hooks.ask("GET", f"/{webhook}/deliveries?limit=3&cursor={first['page']['next']}")
    positions = [each["position"] for each in first["items"] + rest["items"]]
    assert positions == sorted(positions, reverse=True)
    assert len(positions) == 5
    assert rest["page"]["next"] is None
    bad = await hooks.answer(
        "GET", f"/{webhook}/deliveries?state=dead&cursor={first['page']['next']}"
    )
    assert bad.json()["code"] == "cursor_invalid"
