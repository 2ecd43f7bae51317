from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.clusters import migrated_files, reachable_directory


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def served() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    with reachable_directory() as place:
        migrated_files(place)
        process = subprocess.Popen(
            [sys.executable, "-m", "matchmaker", "serve", "--api-only", "--port", str(port)],
            env={**os.environ, "MATCHMAKER_DATA": str(place), "MATCHMAKER_LOG_LEVEL": "warning"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port, process
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_a_head_has_no_body_and_leaves_the_connection_usable(
    served: tuple[int, subprocess.Popen[str]],
) -> None:
    port, process = served
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.connect()
        # A connection the server closed is then an error, not silently replaced.
        connection.auto_open = 0
        for path, status in (("/docs", 200), ("/nowhere", 404), ("/v1/match", 405)):
            connection.request("HEAD", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b'{"status":"alive"}')
    finally:
        connection.close()
        process.terminate()
    said, _ = process.communicate(timeout=30)
    assert "Traceback" not in said
