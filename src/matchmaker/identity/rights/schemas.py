"""What a person is told of their requests, on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec

from matchmaker.identity.rights.models import RightsKind, RightsRequestId


class ErasureRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether what firms stated that are the person alone goes too: profile, needs, matches."""

    with_firms: bool = False


class RightsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for, and what came of it."""

    id: RightsRequestId
    kind: RightsKind
    requested_at: dt.datetime
    done_at: dt.datetime | None
    content: Annotated[
        dict[str, Any] | None,
        msgspec.Meta(description="Of an export that is done: everything that is known, by part"),
    ]


class ErasureReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """That a person was erased, and how much of each part; it names nobody."""

    request_id: RightsRequestId
    counts: dict[str, int]
    requested_at: dt.datetime
    done_at: dt.datetime


class SignedErasure(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt with the installation's signature; its keys are at `/v1/receipt-keys`."""

    receipt: ErasureReceipt
    signature: str
