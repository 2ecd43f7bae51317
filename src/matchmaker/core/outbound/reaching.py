"""One request to somebody else's server: to an address that was checked, and to no other.

The name is resolved once. Every address it has is held against what is allowed, and the connection
goes to one of those very addresses, with the name in the Host header and in the TLS handshake: a
name that answers differently a moment later is not asked again. No redirect is followed, no proxy
of the environment is used, no cookie is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpcore

from matchmaker.core.outbound.addresses import Address, is_public
from matchmaker.core.outbound.target import Refusal, Target, TargetRefused, parse

Resolve = Callable[[str], Awaitable[Sequence[Address]]]
"""The addresses of a name; raises OSError where it has none."""

_RESOLVE_SECONDS: Final = 5.0


class NotFetched(Exception):
    """The server is none that may be asked, did not answer in time, or said too much."""


class Fetched(NamedTuple):
    """An answer that was read."""

    status: int
    content: bytes


async def resolve(host: str) -> Sequence[Address]:
    """The addresses of ``host`` by the system's resolver."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # A scope (``%eth0``) is local by nature: what has one does not parse to a public address.
    return tuple(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


class Outbound:
    """Reaches what is public, or with ``is_open`` (development and tests) whatever is asked."""

    def __init__(
        self,
        *,
        is_open: bool = False,
        resolver: Resolve = resolve,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        """Note what is allowed; ``trusted`` are the authorities that certificates may be of."""
        self.is_open = is_open
        self._resolve = resolver
        self._trusted = trusted or ssl.create_default_context()

    async def addresses(self, target: Target) -> Sequence[Address]:
        """Where a target is; all of it is allowed.

        Raises:
            TargetRefused: one address or more is not.
        """
        known = target.address
        found = [known] if known is not None else await self._resolve(target.host)
        if not self.is_open and not all(map(is_public, found)):
            raise TargetRefused(Refusal.ADDRESS)
        return found

    @contextlib.asynccontextmanager
    async def exchange(
        self,
        target: Target,
        addresses: Sequence[Address],
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> AsyncIterator[httpcore.Response]:
        """The head of the answer; its content is unread."""
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        length = {"Content-Length": str(len(body)), "Connection": "close"}
        sent = {"Host": target.authority, **headers, **length}
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._trusted, network_backend=_To(addresses)
            ) as pool,
            pool.stream(method, url, headers=list(sent.items()), content=body) as answer,
        ):
            yield answer

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        seconds: float,
        longest: int,
    ) -> Fetched:
        """The answer of ``url``, within ``seconds`` and of no more than ``longest`` octets.

        Raises:
            NotFetched: there is none that may be had.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(seconds):
                target = parse(url, is_open=self.is_open)
                found = await self.addresses(target)
                async with self.exchange(
                    target, found, method=method, headers=headers, body=body
                ) as answer:
                    async for part in answer.aiter_stream():
                        content += part
                        if len(content) > longest:
                            raise NotFetched("too long")
        except _FAILURES as failure:
            raise NotFetched(type(failure).__name__) from failure
        return Fetched(answer.status, bytes(content))


_FAILURES: Final = (
    TargetRefused,
    OSError,
    UnicodeError,
    TimeoutError,
    httpcore.ProtocolError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
)


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
