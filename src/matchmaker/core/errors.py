"""Every failure the product can name.

MatchmakerError
├─ BadRequest       400  cannot be read
├─ Unauthenticated  401
├─ Forbidden        403
├─ NotFound         404
├─ Conflict         409
├─ Gone             410
├─ StaleVersion     412
├─ Unprocessable    422  reads well, says something impossible
├─ VersionRequired  428
├─ TooManyRequests  429
└─ Unavailable      503  the same request may work later

A room subclasses one of these, names the situation (``NeedNotFound``), sets ``slug`` and ``title``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class FieldFault(NamedTuple):
    """What is wrong with one place of the request."""

    pointer: str
    """JSON pointer as a URI fragment, ``#/need/budget``; a parameter is ``#/query/limit``."""
    code: str
    message: Bilingual


class MatchmakerError(Exception):
    """A failure with a stable name.

    ``zh`` and ``en`` tell this one case, both or neither; ``errors`` point into the request;
    ``extra`` becomes extension members of the problem. Callers see all of it: no secrets.
    """

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[Bilingual]
    retry_after: int | None = None
    """Seconds after which the same request may work."""
    headers: Mapping[str, str] = MappingProxyType({})
    """What the answer carries beside the problem."""

    def __init__(
        self,
        *,
        zh: str = "",
        en: str = "",
        errors: Sequence[FieldFault] = (),
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Tell the case."""
        super().__init__(en or self.title.en)
        self.detail = Bilingual(zh=zh, en=en) if zh and en else None
        self.errors = tuple(errors)
        self.extra = dict(extra or {})


class BadRequest(MatchmakerError):
    """The request cannot be read."""

    slug = "bad_request"
    status = 400
    title = Bilingual(zh="请求无法读取", en="The request cannot be read")


class Unauthenticated(MatchmakerError):
    """The caller did not prove who they are."""

    slug = "unauthenticated"
    status = 401
    title = Bilingual(zh="需要身份验证", en="Authentication is required")


class Forbidden(MatchmakerError):
    """The caller is known and may not do this."""

    slug = "forbidden"
    status = 403
    title = Bilingual(zh="没有权限", en="Not allowed")


class NotFound(MatchmakerError):
    """The addressed thing does not exist, or not for this caller."""

    slug = "not_found"
    status = 404
    title = Bilingual(zh="没有找到", en="Not found")


class Conflict(MatchmakerError):
    """The request is sound but the present state forbids it."""

    slug = "conflict"
    status = 409
    title = Bilingual(zh="与当前状态冲突", en="The present state forbids it")


class Gone(MatchmakerError):
    """The thing existed and was removed for good."""

    slug = "gone"
    status = 410
    title = Bilingual(zh="已被移除", en="Removed for good")


class StaleVersion(MatchmakerError):
    """The caller's ``If-Match`` names a version that is no longer the current one."""

    slug = "stale_version"
    status = 412
    title = Bilingual(zh="版本已过时", en="The version is out of date")


class Unprocessable(MatchmakerError):
    """The request reads well but says something that cannot be."""

    slug = "unprocessable"
    status = 422
    title = Bilingual(zh="请求内容无效", en="The content of the request is not valid")


class VersionRequired(MatchmakerError):
    """A change needs ``If-Match``."""

    slug = "version_required"
    status = 428
    title = Bilingual(zh="需要 If-Match", en="If-Match is required")


class Unavailable(MatchmakerError):
    """The same request may work in ``retry_after`` seconds."""

    slug = "unavailable"
    status = 503
    title = Bilingual(zh="服务暂时不可用", en="Not available for the moment")

    def __init__(self, *, zh: str = "", en: str = "", retry_after: int = 1) -> None:
        """Tell the case and when to try again."""
        super().__init__(zh=zh, en=en)
        self.retry_after = retry_after
