"""Ids: version 7, in order, unique across threads, whatever the clock does."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from matchmaker.core import ids


def test_an_id_is_version_7_and_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.uuid7()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= after + 1


def test_ids_of_one_process_rise() -> None:
    made = [ids.uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: [ids.uuid7() for _ in range(2000)], range(8)))
    assert len({made for part in found for made in part}) == 16_000
    assert all(part == sorted(part) for part in found)


def test_ids_rise_while_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    last = ids.uuid7()
    early = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: early)
    assert last < ids.uuid7() < ids.uuid7()
