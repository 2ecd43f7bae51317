"""Webhooks over HTTP."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import etags, patching
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page
from matchmaker.feed.webhooks import messages, queries, schemas, service
from matchmaker.feed.webhooks.errors import (
    DeliveryNotFound,
    SecretRotating,
    TooManyWebhooks,
    UrlRefused,
    WebhookDisabled,
    WebhookNotFound,
)
from matchmaker.feed.webhooks.models import DeliveryId, DeliveryState, Webhook, WebhookId
from matchmaker.feed.webhooks.queries import Logged
from matchmaker.feed.webhooks.service import Made
from matchmaker.feed.webhooks.working.delivering import Means
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope

InState = Annotated[
    DeliveryState | None, QueryParameter(name="state", description="Only those in this state")
]


class WebhookController(Controller):
    """Where an organisation wants its events sent."""

    path = "/webhooks"
    tags = ("Data",)
    opt = access.needs(Scope.WEBHOOKS_MANAGE)

    @post(
        operation_id="createWebhook",
        opt=creates(has_secret=True),
        responses=problems(UrlRefused, TooManyWebhooks),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.WebhookDraft],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        webhook_means: NamedDependency[SkipValidation[Means]],
    ) -> Response[schemas.NewSecret]:
        """Have what happens from now on sent to a URL, signed by Standard Webhooks.

        The secret stands in this answer and never again. What is sent are the events that
        `/v1/events` shows the organisation; each at least once, every attempt with the same
        `webhook-id`.
        """
        made = await service.create(session, data, webhook_means, principal)
        return _new(made, status_code=201)

    @get(operation_id="listWebhooks", responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Webhook]:
        """List the webhooks of the organisation, oldest first."""
        listing = Listing("webhooks", None, principal.organisation_id)
        found = await queries.list_webhooks(
            read_session,
            principal.organisation_id,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda webhook: webhook.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @get(
        "/{webhook_id:uuid}",
        operation_id="getWebhook",
        responses=problems(WebhookNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> Response[schemas.Webhook]:
        """Read a webhook: whether it is sent to, and since when nothing has arrived."""
        return _tagged(await service.find(read_session, webhook_id, principal))

    @patch(
        "/{webhook_id:uuid}",
        operation_id="reviseWebhook",
        responses=problems(WebhookNotFound, UrlRefused, *etags.PROBLEMS),
        response_headers=etags.HEADERS,
        opt=patching.OPT,
    )
    async def revise(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        data: JSONBody[schemas.WebhookPatch],
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        webhook_means: NamedDependency[SkipValidation[Means]],
    ) -> Response[schemas.Webhook]:
        """Change where and what is sent, or switch the webhook off or on again."""
        changed = await service.revise(
            session,
            webhook_id,
            data,
            means=webhook_means,
            principal=principal,
            revision=expected_revision,
        )
        return _tagged(changed)

    @delete(
        "/{webhook_id:uuid}",
        operation_id="deleteWebhook",
        responses=problems(WebhookNotFound, *etags.PROBLEMS),
    )
    async def remove(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        expected_revision: NamedDependency[int],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> None:
        """Forget a webhook, its secrets and its log; what waits to be sent is not sent."""
        await service.remove(session, webhook_id, principal=principal, revision=expected_revision)

    @post(
        "/{webhook_id:uuid}/rotation",
        operation_id="rotateWebhookSecret",
        status_code=200,
        responses=problems(WebhookNotFound, SecretRotating),
        response_headers=etags.HEADERS,
    )
    async def rotate(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        data: JSONBody[schemas.RotationRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
        webhook_means: NamedDependency[SkipValidation[Means]],
    ) -> Response[schemas.NewSecret]:
        """Make a new secret; until the overlap has passed, each message is signed with both."""
        made = await service.rotate(
            session, webhook_id, data, means=webhook_means, principal=principal
        )
        return _new(made, status_code=200)

    @post(
        "/{webhook_id:uuid}/test",
        operation_id="testWebhook",
        status_code=202,
        opt=creates(),
        responses=problems(WebhookNotFound, WebhookDisabled),
    )
    async def test(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Delivery:
        """Send an event `webhook.tested` to this webhook alone; its log tells how it went."""
        return delivery_to_wire(await service.test(session, webhook_id, principal))

    @get(
        "/{webhook_id:uuid}/deliveries",
        operation_id="listDeliveries",
        responses=problems(WebhookNotFound, CursorInvalid),
    )
    async def deliveries(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        in_state: InState = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Delivery]:
        """List what was sent or waits to be, newest first, with every attempt; kept for 30 days."""
        webhook = await service.find(read_session, webhook_id, principal)
        listing = Listing("deliveries", [webhook.id, in_state], principal.organisation_id)
        found = await queries.list_deliveries(
            read_session,
            webhook.id,
            state=in_state,
            after=cursors.read(cursor, listing),
            limit=limit + 1,
        )
        shown, page = cursors.page(found, limit, listing, lambda logged: logged.delivery.id)
        return Page(items=[delivery_to_wire(each) for each in shown], page=page)

    @post(
        "/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/redeliver",
        operation_id="redeliver",
        status_code=202,
        opt=creates(),
        responses=problems(WebhookNotFound, WebhookDisabled, DeliveryNotFound),
    )
    async def redeliver(
        self,
        *,
        webhook_id: FromPath[WebhookId],
        delivery_id: FromPath[DeliveryId],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.Delivery:
        """Send a delivery again now, whatever became of it, with the same `webhook-id`."""
        again = await service.redeliver(session, webhook_id, delivery_id, principal)
        return delivery_to_wire(again)


def to_wire(row: Webhook) -> schemas.Webhook:
    """A webhook without its secrets."""
    return schemas.Webhook(
        id=row.id,
        organisation_id=row.organisation_id,
        url=row.url,
        description=row.description,
        kinds=row.kinds,
        active=row.disabled is None,
        disabled=row.disabled,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_until,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def new_secret(made: Made) -> schemas.NewSecret:
    """A webhook with its new secret."""
    shown = to_wire(made.webhook)
    told = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return schemas.NewSecret(**told, secret=messages.told(made.secret))


def delivery_to_wire(logged: Logged) -> schemas.Delivery:
    """A delivery with its attempts."""
    row = logged.delivery
    return schemas.Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        position=row.position,
        kind=logged.kind,
        state=row.state,
        next_at=row.next_at,
        created_at=row.created_at,
        finished_at=row.finished_at,
        attempts=[
            schemas.Attempt(
                attempted_at=attempt.attempted_at,
                outcome=attempt.outcome,
                status=attempt.status,
                milliseconds=attempt.milliseconds,
            )
            for attempt in logged.attempts
        ],
    )


def _new(made: Made, *, status_code: int) -> Response[schemas.NewSecret]:
    # Of the revision alone: no header is made of a secret.
    headers = {"ETag": etags.etag(made.webhook.revision)}
    return Response(new_secret(made), status_code=status_code, headers=headers)


def _tagged(row: Webhook) -> Response[schemas.Webhook]:
    return etags.tagged(to_wire(row), row.revision)
