"""Failures that can meet any request before its handler runs, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.core.errors import BadRequest, MatchmakerError
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent, RepeatedKey, UnreadableJson

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_REQUEST = "00000000-0000-0000-0000-000000000000"


class UnexpectedParameter(BadRequest):
    """A query parameter is unknown, repeated or not UTF-8."""

    slug = "unexpected_parameter"
    title = Bilingual(zh="查询参数有误", en="A query parameter is not expected")


class UnexpectedBody(BadRequest):
    """The operation takes no body."""

    slug = "unexpected_body"
    title = Bilingual(zh="该操作不接受请求体", en="The operation takes no body")


class BodyCutShort(BadRequest):
    """The caller went away before the body was complete."""

    slug = "body_cut_short"
    title = Bilingual(zh="请求体不完整", en="The body is not complete")


class MethodNotAllowed(MatchmakerError):
    """The path exists, without this method."""

    slug = "method_not_allowed"
    status = 405
    title = Bilingual(zh="不支持该方法", en="The path has no such method")

    def __init__(self, *, allow: str = "") -> None:
        """Name the methods there are, separated by commas."""
        super().__init__()
        self.allow = allow


class BodyTooSlow(MatchmakerError):
    """The body did not arrive in time."""

    slug = "body_too_slow"
    status = 408
    title = Bilingual(zh="请求体传输超时", en="The body came too slowly")


class BodyTooLarge(MatchmakerError):
    """The body is larger than the operation takes."""

    slug = "body_too_large"
    status = 413
    title = Bilingual(zh="请求体过大", en="The body is too large")


class WrongMediaType(MatchmakerError):
    """The body is not of the media type the operation reads."""

    slug = "wrong_media_type"
    status = 415
    title = Bilingual(zh="不支持该内容类型", en="The media type is not supported")


EVERYWHERE: tuple[type[MatchmakerError], ...] = (
    UnexpectedParameter,
    UnexpectedBody,
    UnreadableJson,
    RepeatedKey,
    BodyCutShort,
    BodyTooSlow,
    BodyTooLarge,
    WrongMediaType,
    InvalidContent,
)
"""What every operation may answer; those about a body are dropped where there is none."""

ABOUT_BODY = frozenset({BodyTooSlow.status, BodyTooLarge.status, WrongMediaType.status})


def request_id(scope: Mapping[str, Any]) -> str:
    """The id ``core.http`` gave the request, as text of a UUID."""
    found = scope.get("state", {}).get("request_id", NO_REQUEST)
    return str(found)
