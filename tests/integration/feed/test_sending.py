"""One attempt against real servers: what comes of it, and that it goes where it was checked."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Sequence
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpcore
import pytest
import pytest_asyncio
from tests.sinks import Sink, authority, sink

from matchmaker.core.clock import utc_now
from matchmaker.core.outbound.addresses import Address, is_public
from matchmaker.core.outbound.reaching import Resolve, resolve
from matchmaker.core.outbound.target import Refusal, TargetRefused
from matchmaker.feed.webhooks.sending import Outcome, Sender

PUBLIC = "93.184.215.14"
HERE = "127.0.0.1"
NAME = "hooks.example.com"


def answering(*answers: Sequence[str]) -> Resolve:
    """A resolver that says one thing after the other, and at the end always the last."""
    left = list(answers)

    async def answer(_: str) -> Sequence[Address]:
        said = left.pop(0) if len(left) > 1 else left[0]
        return [ipaddress.ip_address(each) for each in said]

    return answer


async def nowhere(_: str) -> Sequence[Address]:
    raise OSError("no such name")


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Sink]:
    async with sink() as made:
        yield made


@pytest.mark.parametrize(
    ("path", "outcome", "status"),
    [
        ("/ok", Outcome.DELIVERED, 200),
        ("/status/204", Outcome.DELIVERED, 204),
        ("/status/301", Outcome.REDIRECTED, 301),
        ("/status/307", Outcome.REDIRECTED, 307),
        ("/status/400", Outcome.REJECTED, 400),
        ("/status/410", Outcome.GONE, 410),
        ("/status/429", Outcome.REJECTED, 429),
        ("/status/500", Outcome.REJECTED, 500),
        ("/hang", Outcome.TIMED_OUT, None),
        ("/garbage", Outcome.BROKEN, None),
        ("/cut", Outcome.BROKEN, None),
        ("/endless", Outcome.DELIVERED, 200),
        ("/drip", Outcome.TIMED_OUT, None),
    ],
)
async def test_what_comes_of_an_attempt(
    server: Sink, path: str, outcome: Outcome, status: int | None
) -> None:
    sender = Sender(is_open=True)
    found = await sender.post(server.url(path), {"webhook-id": "a"}, b'{"a":1}', seconds=0.6)
    assert (found.outcome, found.status) == (outcome, status)
    assert found.milliseconds < 2_000
    (request,) = server.received
    assert request.body == b'{"a":1}'
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["webhook-id"] == "a"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 400, None),
        ("", None),
    ],
)
async def test_how_long_a_receiver_asks_to_be_left_alone(
    server: Sink, said: str, seconds: float | None
) -> None:
    url = server.url(f"/later/503/{quote(said, safe='')}")
    found = await Sender(is_open=True).post(url, {}, b"", seconds=2)
    assert (found.outcome, found.retry_after) == (Outcome.REJECTED, seconds)


async def test_a_moment_to_come_again_is_counted_from_now(server: Sink) -> None:
    until = format_datetime(utc_now() + dt.timedelta(minutes=5), usegmt=True)
    url = server.url(f"/later/429/{quote(until, safe='')}")
    found = await Sender(is_open=True).post(url, {}, b"", seconds=2)
    assert found.retry_after is not None
    assert 290 < found.retry_after <= 300


@pytest.mark.asvs("V15.3.2")
async def test_a_redirect_is_not_followed_and_a_cookie_not_kept(server: Sink) -> None:
    sender = Sender(is_open=True)
    for path in ("/status/302", "/ok"):
        await sender.post(server.url(path), {}, b"", seconds=2)
    assert [request.path for request in server.received] == ["/status/302", "/ok"]
    assert not any("cookie" in request.headers for request in server.received)


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    async with sink() as gone:
        url = gone.url()
    found = await Sender(is_open=True).post(url, {}, b"", seconds=2)
    assert found.outcome is Outcome.UNREACHABLE


async def test_a_name_without_an_address_is_unresolved() -> None:
    sender = Sender(resolver=nowhere)
    found = await sender.post(f"https://{NAME}/", {}, b"", seconds=2)
    assert found.outcome is Outcome.UNRESOLVED
    await sender.check(f"https://{NAME}/")


async def test_the_system_resolves_names() -> None:
    assert ipaddress.ip_address(HERE) in await resolve("localhost")


@pytest.mark.asvs("V1.3.6")
@pytest.mark.parametrize(
    "answer",
    [
        [HERE],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        [PUBLIC, "10.0.0.1"],
        ["2606:4700:4700::1111", "fd00::1"],
    ],
)
async def test_a_name_that_leads_inside_is_refused_when_registered_and_when_sent(
    answer: Sequence[str],
) -> None:
    sender = Sender(resolver=answering(answer))
    with pytest.raises(TargetRefused) as refused:
        await sender.check(f"https://{NAME}/")
    assert refused.value.reason is Refusal.ADDRESS
    found = await sender.post(f"https://{NAME}/", {}, b"", seconds=2)
    assert found.outcome is Outcome.REFUSED


async def test_a_name_that_changes_its_mind_is_sent_to_where_it_was_checked(
    server: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: public for the check, inside for whoever asks again."""
    allow_port(monkeypatch, server.port)
    sender = Sender(resolver=answering([PUBLIC], [HERE]))
    found = await sender.post(f"https://{NAME}:{server.port}/", {}, b"", seconds=0.6)
    assert found.outcome in {Outcome.UNREACHABLE, Outcome.TIMED_OUT}
    assert not server.received
    # And the next attempt, which resolves again, is refused.
    again = await sender.post(f"https://{NAME}:{server.port}/", {}, b"", seconds=0.6)
    assert again.outcome is Outcome.REFUSED
    assert not server.received


async def test_control_who_resolves_again_reaches_what_is_forbidden(server: Sink) -> None:
    """The naive sender: it checks the name, and then connects by the name."""
    resolver = answering([PUBLIC], [HERE])
    assert all(map(is_public, await resolver(NAME)))

    class Again(httpcore.AnyIOBackend):
        async def connect_tcp(
            self,
            host: str,
            port: int,
            *rest: Any,  # noqa: ANN401  (whatever httpcore hands on)
            **more: Any,  # noqa: ANN401
        ) -> httpcore.AsyncNetworkStream:
            (address,) = await resolver(host)
            return await super().connect_tcp(str(address), port, *rest, **more)

    async with httpcore.AsyncConnectionPool(network_backend=Again()) as pool:
        answer = await pool.request("POST", f"http://{NAME}:{server.port}/ok")
    assert answer.status == 200
    assert [request.path for request in server.received] == ["/ok"]


async def test_the_checked_address_is_asked_for_the_name(tmp_path: Path) -> None:
    """Host header and TLS handshake carry the name, and the certificate is held against it."""
    shown, trusted = authority(tmp_path, NAME)
    async with sink(shown) as server:
        sender = Sender(is_open=True, resolver=answering([HERE]), trusted=trusted)
        url = server.url(host=NAME, scheme="https")
        found = await sender.post(url, {}, b"x", seconds=5)
        assert found.outcome is Outcome.DELIVERED
        (request,) = server.received
        assert request.headers["host"] == f"{NAME}:{server.port}"
        assert request.server_name == NAME
        other = server.url(host="other.example.com", scheme="https")
        refused = await sender.post(other, {}, b"x", seconds=5)
        assert refused.outcome is Outcome.UNREACHABLE
        assert len(server.received) == 1


async def test_a_certificate_of_nobody_is_not_trusted(tmp_path: Path) -> None:
    shown, _ = authority(tmp_path, NAME)
    async with sink(shown) as server:
        sender = Sender(is_open=True, resolver=answering([HERE]))
        found = await sender.post(server.url(host=NAME, scheme="https"), {}, b"", seconds=5)
        assert found.outcome is Outcome.UNREACHABLE
        assert not server.received


async def test_the_next_address_of_a_name_is_tried(server: Sink) -> None:
    sender = Sender(is_open=True, resolver=answering(["::1", HERE]))
    found = await sender.post(server.url(host=NAME), {}, b"", seconds=5)
    assert found.outcome is Outcome.DELIVERED


def allow_port(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """The ports of an installation are few, and none is the sink's."""
    monkeypatch.setattr("matchmaker.core.outbound.target._OPEN_PORTS", frozenset({443, 8443, port}))
