"""The edges again behind the real server, where bytes and connections are real."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest_asyncio
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contract.test_http_edges import ParcelController

from matchmaker.app import create_app
from matchmaker.core.settings import Settings


@pytest_asyncio.fixture(loop_scope="session")
async def port(engine: AsyncEngine) -> AsyncIterator[int]:
    app = create_app(Settings(body_deadline=0.5), engine, controllers=[ParcelController])
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http="httptools",
        log_config=None,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def exchange(port: int, request: bytes, *, seconds: float = 3.0) -> bytes:
    """What the server says until it closes or falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while data := await reader.read(65536):
                said += data
    writer.close()
    await writer.wait_closed()
    return said


def request(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


async def test_a_stalled_body_is_answered_408_and_the_connection_closed(port: int) -> None:
    started = time.perf_counter()
    stalled = request(
        "POST", "/v1/parcels", "Content-Type: application/json", "Content-Length: 100", body=b"{"
    )
    said = await exchange(port, stalled)
    assert said.startswith(b"HTTP/1.1 408"), said
    assert b"application/problem+json" in said
    assert b"connection: close" in said.lower()
    assert time.perf_counter() - started < 2.0


async def test_a_chunked_flood_is_answered_413_and_the_connection_closed(port: int) -> None:
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"
    flood = request(
        "POST",
        "/v1/parcels",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=chunk * 8,
    )
    said = await exchange(port, flood)
    assert said.startswith(b"HTTP/1.1 413"), said
    assert b"connection: close" in said.lower()


async def test_head_sends_no_body(port: int) -> None:
    said = await exchange(port, request("HEAD", "/v1/parcels", "Connection: close"))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), said
    assert b"content-length" in head.lower()
    assert body == b""


async def test_raw_bytes_in_a_path_are_a_404(port: int) -> None:
    for path in ("/v1/parcels/by-name/a%00b", "/v1/parcels/%ff", "//v1///x"):
        said = await exchange(port, request("GET", path, "Connection: close"))
        assert said.startswith(b"HTTP/1.1 404"), said
        assert b"application/problem+json" in said
