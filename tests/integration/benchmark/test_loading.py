"""The load generator against a server that counts: bounded, and no failure passes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.benchmark.loading import drive, request

ANSWER = b"x" * 70_000


class Counting(BaseHTTPRequestHandler):
    """Answers what it was asked, and counts."""

    protocol_version = "HTTP/1.1"
    bodies: tuple[bytes, ...] = ()
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            type(self).bodies += (body,)
        self.send_response(500 if body == b"break" else 200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def counting() -> Iterator[tuple[int, type[Counting]]]:
    handler = type("Handler", (Counting,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, handler
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_asks_as_often_as_it_may_and_in_turn() -> None:
    requests = [request("/", b"a"), request("/", b"b")]
    with counting() as (port, handler):
        driven = drive(port, requests, connections=4, seconds=30, at_most=10)
    assert sorted(handler.bodies) == [b"a"] * 5 + [b"b"] * 5
    assert len(driven.latencies) == 10
    assert driven.answer == len(ANSWER)
    assert 0 < driven.ms(0.5) <= driven.ms(0.99) <= driven.seconds * 1000


def test_it_ends_when_the_time_is_up() -> None:
    with counting() as (port, handler):
        driven = drive(port, [request("/", b"a")], connections=2, seconds=0.2)
    assert len(driven.latencies) == len(handler.bodies) > 0
    assert driven.seconds < 5


def test_what_is_not_answered_200_fails() -> None:
    requests = [request("/", b"a"), request("/", b"break")]
    with counting() as (port, _), pytest.raises(RuntimeError, match="500"):
        drive(port, requests, connections=1, seconds=5, at_most=10)
