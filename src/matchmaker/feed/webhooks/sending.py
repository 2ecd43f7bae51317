"""One attempt to deliver a webhook; of the reply nothing but its head is read."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import enum
import re
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Final

import httpcore
import msgspec

from matchmaker.core.clock import utc_now
from matchmaker.core.outbound.reaching import Outbound, Resolve, resolve
from matchmaker.core.outbound.target import TargetRefused, parse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

_GONE: Final = 410
_RETRY_AFTER: Final = b"retry-after"
_SECONDS: Final = re.compile("[0-9]{1,9}", re.ASCII)


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
    retry_after: float | None = None
    """Seconds for which a receiver that took nothing asks to be left alone."""


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
        sent = Sent(outcome=Outcome.TIMED_OUT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                sent = await self._attempt(url, headers, body)
        spent = round((monotonic() - started) * 1000)
        return msgspec.structs.replace(sent, milliseconds=spent)

    async def _attempt(self, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
        try:
            target = parse(url, is_open=self._out.is_open)
            addresses = await self._out.addresses(target)
        except TargetRefused:
            return Sent(outcome=Outcome.REFUSED)
        except (OSError, UnicodeError):
            return Sent(outcome=Outcome.UNRESOLVED)
        try:
            async with self._out.exchange(
                target, addresses, method="POST", headers=headers, body=body
            ) as answer:
                status, asked = answer.status, _asked(answer.headers)
        except (httpcore.ProtocolError, httpcore.ReadError):
            return Sent(outcome=Outcome.BROKEN)
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError):
            return Sent(outcome=Outcome.UNREACHABLE)
        return Sent(outcome=_meaning(status), status=status, retry_after=asked)


def _asked(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    """The seconds of a Retry-After (RFC 9110, 10.2.3), from now; None where there is no sound one.

    Of several the first counts.
    """
    said = next((value for name, value in headers if name.lower() == _RETRY_AFTER), b"")
    text = said.decode("latin-1").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = until if until.tzinfo is not None else until.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - utc_now()).total_seconds())


def _meaning(status: int) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004
        return Outcome.DELIVERED
    if 300 <= status < 400:  # noqa: PLR2004
        return Outcome.REDIRECTED
    return Outcome.GONE if status == _GONE else Outcome.REJECTED
