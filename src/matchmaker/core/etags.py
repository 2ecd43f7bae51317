"""ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1): two editors never overwrite each other unseen."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Response
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter

from matchmaker.core.errors import StaleVersion, VersionRequired
from matchmaker.core.wire import LARGEST

T = TypeVar("T")

IF_MATCH: Final = "If-Match"
_ALWAYS: Final = "The ETag the change starts from"
_UNLESS_NEW: Final = "The ETag the change starts from; none where nothing is stored yet"
_WHERE_SEEN: Final = "The ETag that was decided on; where it is given, nothing newer is moved"
_STRONG = re.compile(r'"([1-9][0-9]{0,15})([.][0-9a-f]{16})?"')

HEADERS: Final = (ResponseHeader(name="ETag", description="The revision", documentation_only=True),)
"""``response_headers`` of a handler that answers with `tagged`."""
PROBLEMS: Final = (VersionRequired, StaleVersion)
"""What every operation that needs If-Match may answer."""


class Varying(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer extends that says more than the revision of its thing tells.

    It has words in a language, or what others did, or what the day allows. Its ETag has a digest of
    all that was said, or If-None-Match would call it known when it is not.
    """


def etag(revision: int, digest: str = "") -> str:
    """The strong validator of a revision, or of what was said of it; If-Match takes either."""
    return f'"{revision}.{digest}"' if digest else f'"{revision}"'


def tagged(content: T, revision: int, *, status_code: int = 200, **headers: str) -> Response[T]:
    """``content`` as an answer with its ETag."""
    digest = _digest(content) if isinstance(content, Varying) else ""
    tag = etag(revision, digest)
    return Response(content, status_code=status_code, headers={**headers, "ETag": tag})


def _digest(content: Varying) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]


async def provide_expected_revision(
    if_match: Annotated[str | None, HeaderParameter(name=IF_MATCH, description=_ALWAYS)] = None,
) -> int:
    """The revision that a change expects to find.

    Raises:
        VersionRequired: there is no If-Match; `*` would match whatever is there, and is none.
        StaleVersion: it is no ETag of ours, so it cannot be the current one.
    """
    found = await provide_known_revision(if_match)
    if found is None:
        raise VersionRequired
    return found


async def provide_known_revision(
    if_match: Annotated[str | None, HeaderParameter(name=IF_MATCH, description=_UNLESS_NEW)] = None,
) -> int | None:
    """The revision that a caller knows; None where there is no If-Match, or `*`.

    Raises:
        StaleVersion: it is no ETag of ours, so it cannot be the current one.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _STRONG.fullmatch(if_match.strip())
    if found is None or int(found[1]) > LARGEST:
        raise StaleVersion
    return int(found[1])


async def provide_seen_revision(
    if_match: Annotated[str | None, HeaderParameter(name=IF_MATCH, description=_WHERE_SEEN)] = None,
) -> int | None:
    """The revision that a caller has decided on; None where they do not say.

    Raises:
        StaleVersion: it is no ETag of ours, so it cannot be the current one.
    """
    return await provide_known_revision(if_match)


def expect(revision: int, seen: int | None) -> None:
    """Nothing, where ``revision`` is what a caller has ``seen``, or they did not say.

    Raises:
        StaleVersion: it is another by now.
    """
    if seen is not None and revision != seen:
        raise StaleVersion


def require(document: dict[str, Any]) -> None:
    """Say in an OpenAPI operation that If-Match must be there: without it the answer is 428.

    What makes a thing as well as changing it needs none for the first time.
    """
    for parameter in document.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] == IF_MATCH:
            parameter["required"] = parameter["description"] == _ALWAYS
            parameter["schema"] = {"type": "string", "pattern": f"^{_STRONG.pattern}$"}
