"""That a request which a browser sends with a cookie was meant by our own pages.

A cookie goes along with whatever any site makes a browser send. So a change needs all of: a body of
the declared media type (``core.http``), a header that no form and no other site can set, and, where
the browser says so, that it comes from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from matchmaker.core.errors import Forbidden
from matchmaker.core.language import Bilingual

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER: Final = "Matchmaker-Client"
"""Named by every change that a cookie vouches for; any value will do."""
COOKIE: Final = "__Host-mm_session"
"""The session of a person: sent by their browser alone, over TLS, to this host, to no script."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})


class CrossSite(Forbidden):
    """A change with a session's cookie that does not show that our own page sent it."""

    slug = "cross_site"
    title = Bilingual(zh="请求不是来自本站页面", en="The request does not come from our own page")


def check(method: str, headers: Mapping[str, str]) -> None:
    """Let a request pass that changes nothing or shows that our own page sent it.

    Raises:
        CrossSite: it does not.
    """
    if method in SAFE:
        return
    if not headers.get(HEADER):
        raise CrossSite(zh=f"缺少请求头 {HEADER}", en=f"the header {HEADER} is missing")
    if headers.get("Sec-Fetch-Site", "same-origin") not in _OURS:
        raise CrossSite(zh="请求来自其他站点", en="another site sent it")
    origin = headers.get("Origin")
    if origin is not None and _host_of(origin) != headers.get("Host", ""):
        raise CrossSite(zh="请求来自其他站点", en="another site sent it")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
