"""Failures of webhooks."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound, Unprocessable
from matchmaker.core.language import Bilingual


class WebhookNotFound(NotFound):
    """There is no such webhook, or it is another organisation's."""

    slug = "webhook_not_found"
    title = Bilingual(zh="没有这个 webhook", en="No such webhook")


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery, or it is no longer kept."""

    slug = "delivery_not_found"
    title = Bilingual(zh="没有这次投递", en="No such delivery")


class UrlRefused(Unprocessable):
    """Nothing is sent to such a URL; ``errors`` say why."""

    slug = "url_refused"
    title = Bilingual(zh="不能向该地址发送", en="Nothing is sent to this URL")


class TooManyWebhooks(Conflict):
    """The organisation has as many webhooks as it may have; ``most`` says how many."""

    slug = "too_many_webhooks"
    title = Bilingual(zh="webhook 数量已达上限", en="There are as many webhooks as there may be")


class WebhookDisabled(Conflict):
    """Nothing is sent to a webhook that is disabled; ``disabled`` says why it is."""

    slug = "webhook_disabled"
    title = Bilingual(zh="webhook 已停用", en="The webhook is disabled")


class SecretRotating(Conflict):
    """The secret before the present one still signs; ``until`` says how long."""

    slug = "secret_rotating"
    title = Bilingual(zh="上一个密钥仍在使用", en="The previous secret is still in use")
