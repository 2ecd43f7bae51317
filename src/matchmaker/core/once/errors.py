"""What can be wrong with an Idempotency-Key."""

from __future__ import annotations

from matchmaker.core.errors import BadRequest, Conflict, Unprocessable
from matchmaker.core.language import Bilingual


class IdempotencyKeyInvalid(BadRequest):
    """The key is empty, too long, repeated, or not visible ASCII."""

    slug = "idempotency_key_invalid"
    title = Bilingual(zh="Idempotency-Key 无效", en="The Idempotency-Key is not valid")


class IdempotencyKeyNotTaken(BadRequest):
    """The request creates nothing that is stored for its caller, so no promise can be kept."""

    slug = "idempotency_key_not_taken"
    title = Bilingual(zh="该请求不接受 Idempotency-Key", en="The request takes no Idempotency-Key")


class IdempotencyKeyReused(Unprocessable):
    """The key was used for another request."""

    slug = "idempotency_key_reused"
    title = Bilingual(
        zh="Idempotency-Key 已用于其他请求", en="The Idempotency-Key was used for another request"
    )


class RequestUnderway(Conflict):
    """The first request with the key is still being carried out."""

    slug = "request_underway"
    title = Bilingual(zh="同一请求正在处理", en="The same request is being carried out")
    retry_after = 1


class ReplyNotKept(Conflict):
    """The request was carried out, its answer is not kept; ``made`` is the id of what it made."""

    slug = "reply_not_kept"
    title = Bilingual(zh="请求已执行，但答复没有保留", en="Carried out; the answer is not kept")
