"""A load generator on loopback: keep-alive connections that each ask again once answered.

It is bounded in time and in number, and what is not answered 200 is a failure of the benchmark.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final, cast

import uvloop
from tests.benchmark.measuring import percentile

MOST_REQUESTS: Final = 100_000
_PATIENCE_S: Final = 60.0
"""Seconds that the last answers may take after the time is up."""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Driven:
    """What came of it: milliseconds of each answer, their octets, the seconds in all."""

    latencies: Sequence[float]
    octets: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def answer(self) -> float:
        """Mean octets of an answer's body."""
        return self.octets / len(self.latencies)

    def ms(self, share: float) -> float:
        """The latency that ``share`` of the requests did not exceed."""
        return percentile(self.latencies, share)

    def __str__(self) -> str:
        return f"{self.rate:8.1f}/s  p50 {self.ms(0.5):.2f} ms  p99 {self.ms(0.99):.2f} ms"


def request(path: str, body: bytes) -> bytes:
    """A request as it goes over the wire."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    at_most: int = MOST_REQUESTS,
) -> Driven:
    """Ask ``requests`` over and over for so many ``seconds``, ``at_most`` times in all."""
    return uvloop.run(_drive(port, _Run(requests, seconds, at_most), connections))


@dataclass
class _Run:
    requests: Sequence[bytes]
    seconds: float
    left: int
    latencies: list[float] = field(default_factory=list[float])
    octets: int = 0

    def __post_init__(self) -> None:
        self._next = cycle(self.requests)
        self.started = time.perf_counter()

    def next(self) -> bytes | None:
        if self.left <= 0 or time.perf_counter() - self.started > self.seconds:
            return None
        self.left -= 1
        return next(self._next)


class _Caller(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._asked = 0.0
        self._answer = bytearray()
        self._expected = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._expected:
            end = self._answer.find(_END)
            if end < 0:
                return
            head = bytes(self._answer[:end])
            length = _LENGTH.search(head)
            if length is None or not head.startswith(b"HTTP/1.1 200"):
                self._fail(bytes(self._answer[:400]).decode(errors="replace"))
                return
            self._expected = end + len(_END) + int(length[1])
            self._run.octets += int(length[1])
        if len(self._answer) >= self._expected:
            self._run.latencies.append((time.perf_counter() - self._asked) * 1000)
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was lost: {exc}")

    def _ask(self) -> None:
        content = self._run.next()
        if content is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._answer.clear()
        self._expected = 0
        self._asked = time.perf_counter()
        self._transport.write(content)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))
        self.end()

    def end(self) -> None:
        """Hang up."""
        self._transport.abort()


async def _drive(port: int, run: _Run, connections: int) -> Driven:
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: _Caller(run), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    try:
        async with asyncio.timeout(run.seconds + _PATIENCE_S):
            await asyncio.gather(*(each.done for each in callers))
    finally:
        for each in callers:
            each.end()
    return Driven(run.latencies, run.octets, time.perf_counter() - run.started)
