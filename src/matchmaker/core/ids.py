"""Time-ordered ids (UUID version 7, RFC 9562 section 5.7), known before the row is written."""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID

_COUNTER_BITS = 74  # rand_a (12) and rand_b (62) together
_STEP_BITS = 32


class _Sequence:
    """The last value given out; every next one is greater, whatever the clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        fresh = (time.time_ns() // 1_000_000) << _COUNTER_BITS | secrets.randbits(_COUNTER_BITS)
        step = 1 + secrets.randbits(_STEP_BITS)
        with self._lock:
            same_or_earlier = fresh >> _COUNTER_BITS <= self._last >> _COUNTER_BITS
            self._last = self._last + step if same_or_earlier else fresh
            return self._last


_sequence = _Sequence()


def uuid7() -> UUID:
    """A new id that sorts after every id this process has made before.

    Within one millisecond the random part is counted up by a random step (section 6.2, method 2).
    """
    value = _sequence.next()
    milliseconds, low = value >> _COUNTER_BITS, value & ((1 << _COUNTER_BITS) - 1)
    high, rest = low >> 62, low & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | rest)
