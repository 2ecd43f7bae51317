"""Webhooks on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.etags import Varying
from matchmaker.core.outbound.target import LONGEST
from matchmaker.core.wire import Line
from matchmaker.feed.events.schemas import Kind
from matchmaker.feed.webhooks.models import DeliveryId, DeliveryState, DisabledReason, WebhookId
from matchmaker.feed.webhooks.sending import Outcome
from matchmaker.identity.models import OrganisationId

Url = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=LONGEST,
        description="https, port 443 or 8443, a public host by its name in ASCII or its address;"
        " no user, no fragment",
    ),
]
Kinds = Annotated[
    list[Kind],
    msgspec.Meta(max_length=100, description="The kinds of events that are sent; none named: all"),
]


class WebhookDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events are to be sent, and which."""

    url: Url
    description: Line | None = None
    kinds: Kinds = []


class WebhookTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What of a webhook can be changed."""

    url: Url
    active: bool
    description: Line | None = None
    kinds: Kinds = []


class WebhookPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a webhook; ``active`` switches it off, or on again whatever switched it off."""

    url: Url | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    description: Line | UnsetType | None = UNSET
    kinds: Kinds | UnsetType = UNSET


class RotationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many hours the secret of now signs beside the new one."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=168)] | None = None


class Webhook(Varying, frozen=True, kw_only=True):
    """Where the events of an organisation are sent; its secret is shown when it is made."""

    id: WebhookId
    organisation_id: OrganisationId
    url: str
    description: str | None
    kinds: list[str]
    active: bool
    disabled: Annotated[
        DisabledReason | None,
        msgspec.Meta(
            description="Why nothing is sent: its `owner` said so, it answered 410 (`gone`), or"
            " nothing has arrived for five days (`failing`)"
        ),
    ]
    failing_since: dt.datetime | None
    previous_secret_until: Annotated[
        dt.datetime | None,
        msgspec.Meta(description="Until when the secret before the last rotation signs too"),
    ]
    created_at: dt.datetime
    changed_at: dt.datetime


class NewSecret(Webhook, frozen=True, kw_only=True):
    """A webhook with its new secret, which stands here and never again."""

    secret: Annotated[
        str,
        msgspec.Meta(
            pattern="^whsec_[A-Za-z0-9+/]{43}=$",
            description="As the libraries of Standard Webhooks take it",
        ),
    ]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt went."""

    attempted_at: dt.datetime
    outcome: Outcome
    status: int | None
    milliseconds: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one webhook; ``id`` is the ``webhook-id`` of every attempt."""

    id: DeliveryId
    webhook_id: WebhookId
    position: Annotated[int, msgspec.Meta(description="Of the event, as in `/v1/events`")]
    kind: str
    state: Annotated[
        DeliveryState,
        msgspec.Meta(description="`dead`: it is not tried again unless it is asked for"),
    ]
    next_at: dt.datetime | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    attempts: list[Attempt]
