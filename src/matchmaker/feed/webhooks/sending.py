"""One attempt to deliver a webhook; of the reply nothing but its head is read."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from time import monotonic
from typing import TYPE_CHECKING, Final

import httpcore
import msgspec

from matchmaker.core.outbound.reaching import Outbound, Resolve, resolve
from matchmaker.core.outbound.target import TargetRefused, parse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

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
        self._out = Outbound(is_open=is_open, resolver=resolver, trusted=trusted)

    async def check(self, url: str) -> None:
        """Nothing, where ``url`` may be sent to as far as is known now.

        A name that has no address yet passes: it is looked at again with every attempt.

        Raises:
            TargetRefused: it is malformed, or leads to an address that is not public.
        """
        with contextlib.suppress(OSError, UnicodeError):
            await self._out.addresses(parse(url, is_open=self._out.is_open))

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
            target = parse(url, is_open=self._out.is_open)
            addresses = await self._out.addresses(target)
        except TargetRefused:
            return Outcome.REFUSED, None
        except (OSError, UnicodeError):
            return Outcome.UNRESOLVED, None
        try:
            async with self._out.exchange(
                target, addresses, method="POST", headers=headers, body=body
            ) as answer:
                status = answer.status
        except (httpcore.ProtocolError, httpcore.ReadError):
            return Outcome.BROKEN, None
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
            return Outcome.UNREACHABLE, None
        return _meaning(status), status


def _meaning(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Outcome.DELIVERED
    if 300 <= status < 400:  # noqa: PLR2004
        return Outcome.REDIRECTED
    return Outcome.GONE if status == _GONE else Outcome.REJECTED
