"""What is sent: body and headers by Standard Webhooks."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from typing import TYPE_CHECKING, Final

import msgspec
from standardwebhooks import Webhook as Signature

from matchmaker.feed.events.schemas import FeedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.feed.webhooks.models import DeliveryId

_SECRET: Final = "whsec_"  # noqa: S105  (what a secret begins with)
_OCTETS: Final = 32
_AGENT: Final = "matchmaker-webhooks/1"
_encoder = msgspec.json.Encoder()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every attempt of a delivery."""

    type: str
    timestamp: dt.datetime
    data: FeedEvent


def mint() -> bytes:
    """A new secret."""
    return secrets.token_bytes(_OCTETS)


def told(secret: bytes) -> str:
    """A secret as its holder is shown it, once."""
    return _SECRET + base64.b64encode(secret).decode()


def body_of(event: FeedEvent) -> bytes:
    """The same octets for every attempt."""
    return _encoder.encode(Message(type=event.kind, timestamp=event.recorded_at, data=event))


def headers_of(
    delivery_id: DeliveryId, body: bytes, keys: Sequence[bytes], now: dt.datetime
) -> dict[str, str]:
    """The headers of an attempt, signed with each of ``keys``; whoever knows one can verify it."""
    name, text = str(delivery_id), body.decode()
    signatures = " ".join(Signature(key).sign(name, now, text) for key in keys)
    return {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures,
    }
