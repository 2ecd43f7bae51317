"""Webhooks of an organisation: made, changed, rotated, tried out, and what they missed sent again.

A webhook is a setting of its owner, not a noun with a life: ``active`` is changed like its URL
(docs/adr/0036-webhooks.md).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import events, jobs, rows
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.events import Event
from matchmaker.core.language import Bilingual
from matchmaker.core.outbound.target import Refusal, TargetRefused
from matchmaker.core.patching import merged
from matchmaker.feed.webhooks import messages, queries, schemas
from matchmaker.feed.webhooks.errors import (
    DeliveryNotFound,
    SecretRotating,
    TooManyWebhooks,
    UrlRefused,
    WebhookDisabled,
    WebhookNotFound,
)
from matchmaker.feed.webhooks.models import (
    Delivery,
    DisabledReason,
    Webhook,
    new_delivery_id,
    new_webhook_id,
)
from matchmaker.feed.webhooks.working.fanning import attempt_of
from matchmaker.feed.webhooks.working.queries import TESTED
from matchmaker.identity.access import event_actor

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.feed.webhooks.models import DeliveryId, WebhookId
    from matchmaker.feed.webhooks.queries import Logged
    from matchmaker.feed.webhooks.working.delivering import Means
    from matchmaker.identity.access import Principal

_SAID: Final = {
    Refusal.MALFORMED: Bilingual(zh="不是可用的网址", en="is no URL that can be used"),
    Refusal.SCHEME: Bilingual(zh="须以 https:// 开头", en="must begin with https://"),
    Refusal.USERINFO: Bilingual(zh="不能含有用户名或密码", en="must not name a user"),
    Refusal.FRAGMENT: Bilingual(zh="不能含有 # 片段", en="must have no fragment"),
    Refusal.HOST: Bilingual(zh="主机名不可用", en="has no host that can be used"),
    Refusal.PORT: Bilingual(zh="端口须为 443 或 8443", en="must have port 443 or 8443"),
    Refusal.ADDRESS: Bilingual(zh="须指向公网地址", en="must lead to a public address"),
}


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook with the secret that is shown once."""

    webhook: Webhook
    secret: bytes


async def create(
    session: Session, draft: schemas.WebhookDraft, means: Means, principal: Principal
) -> Made:
    """A new webhook of the caller's organisation, which is sent what happens from now on.

    Raises:
        UrlRefused: nothing is sent to such a URL.
        TooManyWebhooks: there are as many as there may be.
    """
    await _check(means, draft.url)
    owner = principal.organisation_id
    most = means.policy.most
    if await queries.count_webhooks(session, owner) >= most:
        raise TooManyWebhooks(extra={"most": most})
    webhook_id, secret = new_webhook_id(), messages.mint()
    webhook = Webhook(
        id=webhook_id,
        organisation_id=owner,
        url=draft.url,
        description=draft.description,
        kinds=_distinct(draft.kinds),
        since=0,
        secret=means.sealer.seal(secret, row=webhook_id.bytes),
    )
    await queries.insert_webhook(session, webhook)
    webhook.since = await _tell(session, "webhook.created", webhook, principal)
    return Made(webhook, secret)


async def find(session: ReadSession, webhook_id: WebhookId, principal: Principal) -> Webhook:
    """The webhook of the caller's organisation.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_webhook(session, webhook_id)
    if found is None or found.organisation_id != principal.organisation_id:
        raise WebhookNotFound
    return found


async def revise(
    session: Session,
    webhook_id: WebhookId,
    patch: schemas.WebhookPatch,
    *,
    means: Means,
    principal: Principal,
    revision: int,
) -> Webhook:
    """The webhook after ``patch``; switched on again, it is given all its time anew.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        UrlRefused: nothing is sent to such a URL.
    """
    found = await find(session, webhook_id, principal)
    if found.revision != revision:
        raise StaleVersion
    before = schemas.WebhookTerms(
        url=found.url,
        active=found.disabled is None,
        description=found.description,
        kinds=found.kinds,
    )
    after = merged(before, patch)
    if after == before:
        return found
    if after.url != before.url:
        await _check(means, after.url)
    values: dict[str, Any] = {
        "url": after.url,
        "description": after.description,
        "kinds": _distinct(after.kinds),
    }
    if after.active != before.active:
        values["disabled"] = None if after.active else DisabledReason.OWNER
        values["failing_since"] = None
    if await rows.revise(session, Webhook, found.id, revision=revision, values=values) is None:
        raise StaleVersion
    changed = await find(session, webhook_id, principal)
    await _tell(session, "webhook.revised", changed, principal, active=after.active)
    return changed


async def remove(
    session: Session, webhook_id: WebhookId, *, principal: Principal, revision: int
) -> None:
    """Forget the webhook with its secrets and its log; what waits to be sent is not sent.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
    """
    found = await find(session, webhook_id, principal)
    if not await queries.delete_webhook(session, webhook_id, revision):
        raise StaleVersion
    await _tell(session, "webhook.removed", found, principal)


async def rotate(
    session: Session,
    webhook_id: WebhookId,
    request: schemas.RotationRequest,
    *,
    means: Means,
    principal: Principal,
) -> Made:
    """The webhook with a new secret; the one it had signs beside it until the overlap has passed.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
        SecretRotating: an earlier secret is still in use; of several callers at once one wins.
    """
    found = await find(session, webhook_id, principal)
    hours = request.overlap_hours
    overlap = dt.timedelta(hours=means.policy.overlap_hours if hours is None else hours)
    secret = messages.mint()
    sealed = means.sealer.seal(secret, row=found.id.bytes)
    if not await queries.rotate(session, webhook_id, sealed, overlap):
        until = (await find(session, webhook_id, principal)).previous_until
        raise SecretRotating(extra={"until": until})
    rotated = await find(session, webhook_id, principal)
    await _tell(session, "webhook.secret_rotated", rotated, principal)
    return Made(rotated, secret)


async def test(session: Session, webhook_id: WebhookId, principal: Principal) -> Logged:
    """The delivery of an event that was made for this webhook alone.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
        WebhookDisabled: nothing is sent to it.
    """
    webhook = await _active(session, webhook_id, principal)
    delivery_id = new_delivery_id()
    await jobs.enqueue(session, attempt_of(delivery_id, webhook.organisation_id, 0))
    # After the event for once: the delivery names its position.
    position = await _tell(session, TESTED, webhook, principal)
    delivery = Delivery(
        id=delivery_id,
        webhook_id=webhook.id,
        organisation_id=webhook.organisation_id,
        position=position,
    )
    await queries.insert_delivery(session, delivery)
    return await _logged(session, delivery_id)


async def redeliver(
    session: Session, webhook_id: WebhookId, delivery_id: DeliveryId, principal: Principal
) -> Logged:
    """The delivery, of which an attempt is due now whatever became of it before.

    Raises:
        WebhookNotFound: there is none, or it is somebody else's.
        WebhookDisabled: nothing is sent to it.
        DeliveryNotFound: the webhook has no such delivery.
    """
    webhook = await _active(session, webhook_id, principal)
    turn = await queries.ask_again(session, webhook_id, delivery_id)
    if turn is None:
        raise DeliveryNotFound
    await jobs.enqueue(session, attempt_of(delivery_id, webhook.organisation_id, turn))
    return await _logged(session, delivery_id)


async def _active(session: ReadSession, webhook_id: WebhookId, principal: Principal) -> Webhook:
    found = await find(session, webhook_id, principal)
    if found.disabled is not None:
        raise WebhookDisabled(extra={"disabled": found.disabled.value})
    return found


async def _logged(session: ReadSession, delivery_id: DeliveryId) -> Logged:
    found = await queries.find_delivery(session, delivery_id)
    if found is None:
        raise DeliveryNotFound
    return found


async def _check(means: Means, url: str) -> None:
    try:
        await means.sender.check(url)
    except TargetRefused as refused:
        fault = FieldFault("#/url", refused.reason.value, _SAID[refused.reason])
        raise UrlRefused(errors=[fault]) from refused


def _distinct(kinds: list[str]) -> list[str]:
    return list(dict.fromkeys(kinds))


async def _tell(
    session: Session, kind: str, webhook: Webhook, principal: Principal, **data: object
) -> int:
    """The position of the event; neither URL nor secret is in it, for it cannot be erased."""
    event = Event(
        kind=kind,
        subject_type="webhook",
        subject_id=webhook.id,
        organisation_id=webhook.organisation_id,
        actor=event_actor(principal),
        data={"revision": webhook.revision, **data},
    )
    return await events.append(session, event)
