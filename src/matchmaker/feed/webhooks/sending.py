"""One request to somebody else's server: to an address that was checked, and to no other.

The name is resolved once. Every address it has is held against what is allowed, and the connection
goes to one of those very addresses, with the name in the Host header and in the TLS handshake: a
name that answers differently a moment later is not asked again. No redirect is followed, no proxy
of the environment is used, no cookie is kept, and of the reply nothing but its head is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import httpcore
import msgspec

from matchmaker.feed.webhooks.addresses import Address, is_public
from matchmaker.feed.webhooks.target import Refusal, TargetRefused, parse

if TYPE_CHECKING:
    from matchmaker.feed.webhooks.target import Target

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""The addresses of a name; raises OSError where it has none."""

_RESOLVE_SECONDS: Final = 5.0
_GONE: Final = 410


class Outcome(enum.StrEnum):
    """What came of an attempt."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """The target is none that anything is sent to."""
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REDIRECTED = "redirected"
    GONE = "gone"
    """410: whoever answers wants no more."""
    REJECTED = "rejected"
    """Any other status but 2xx."""
    BROKEN = "broken"
    """What came back is no HTTP."""
    UNREADABLE_SECRET = "unreadable_secret"  # noqa: S105  (the name of an outcome)
    """Nothing was sent: the secret was sealed by another installation."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as it went."""

    outcome: Outcome
    status: int | None = None
    milliseconds: int = 0


async def resolve(host: str) -> Sequence[Address]:
    """The addresses of ``host`` by the system's resolver."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # A scope (``%eth0``) is local by nature: what has one does not parse to a public address.
    return tuple(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


class Sender:
    """Sends to what is public, or with ``is_open`` (development and tests) to whatever is asked."""

    def __init__(
        self,
        *,
        is_open: bool = False,
        resolver: Resolve = resolve,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """Note what is allowed; ``trusted`` are the authorities that certificates may be of."""
        self._is_open = is_open
        self._resolve = resolver
        self._trusted = trusted or ssl.create_default_context()

    async def check(self, url: str) -> None:
        """Nothing, where ``url`` may be sent to as far as is known now.

        A name that has no address yet passes: it is looked at again with every attempt.

        Raises:
            TargetRefused: it is malformed, or leads to an address that is not public.
        """
        with contextlib.suppress(OSError, UnicodeError):
            await self._addresses(parse(url, is_open=self._is_open))

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float
    ) -> Sent:
        """What came of one attempt, which takes ``seconds`` at most; it never raises."""
        started = monotonic()
        outcome, status = Outcome.TIMED_OUT, None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                outcome, status = await self._attempt(url, headers, body)
        spent = round((monotonic() - started) * 1000)
        return Sent(outcome=outcome, status=status, milliseconds=spent)

    async def _attempt(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Outcome, int | None]:
        try:
            target = parse(url, is_open=self._is_open)
            addresses = await self._addresses(target)
        except TargetRefused:
            return Outcome.REFUSED, None
        except (OSError, UnicodeError):
            return Outcome.UNRESOLVED, None
        try:
            status = await self._exchange(target, addresses, headers, body)
        except (httpcore.ProtocolError, httpcore.ReadError):
            return Outcome.BROKEN, None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
            return Outcome.UNREACHABLE, None
        return _meaning(status), status

    async def _addresses(self, target: Target) -> Sequence[Address]:
        """Where a target is; all of it is allowed.

        Raises:
            TargetRefused: one address or more is not.
        """
        known = target.address
        found = [known] if known is not None else await self._resolve(target.host)
        if not self._is_open and not all(map(is_public, found)):
            raise TargetRefused(Refusal.ADDRESS)
        return found

    async def _exchange(
        self, target: Target, addresses: Sequence[Address], headers: Mapping[str, str], body: bytes
    ) -> int:
        """The status of the answer; its content is left unread."""
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        length = {"Content-Length": str(len(body)), "Connection": "close"}
        sent = {"Host": target.authority, **headers, **length}
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._trusted, network_backend=_To(addresses)
            ) as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body) as answer,
        ):
            return answer.status


class _To(httpcore.AsyncNetworkBackend):
    """Connects to the addresses it was made with, whatever name is asked for."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(  # noqa: PLR0917  (the signature is httpcore's)
        self,
        host: str,  # noqa: ARG002  (never asked for again)
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's too)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failure = error
        raise failure


def _meaning(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Outcome.DELIVERED
    if 300 <= status < 400:  # noqa: PLR2004
        return Outcome.REDIRECTED
    return Outcome.GONE if status == _GONE else Outcome.REJECTED
