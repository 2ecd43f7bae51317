"""Which operations take an Idempotency-Key: declared with the handler, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import access
from matchmaker.core.once import errors

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.handlers import BaseRouteHandler

    from matchmaker.core.errors import MatchmakerError

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
LONGEST: Final = 255
PATTERN: Final = f"^[!-~]{{1,{LONGEST}}}$"
_KEY: Final = "once"
_CREATED: Final = frozenset({201, 202})
_ABOUT: Final = (
    "Names this request: sent again within 7 days with the same body, it has one effect and gets "
    "the same answer. A client that may have to repeat the request makes up a new one for each"
)


class OnceNotDeclared(Exception):
    """An operation creates something and does not say how a repeated request is answered."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the answer of a creating operation is kept for a request that is sent again."""

    only_if: str | None = None
    """The member of the body without which nothing is stored, and no key taken."""
    has_secret: bool = False
    """Whether the answer holds what is stored nowhere: then it is not kept."""

    @property
    def problems(self) -> tuple[type[MatchmakerError], ...]:
        """How a request may be refused for its key."""
        found: tuple[type[MatchmakerError], ...] = (
            errors.IdempotencyKeyInvalid,
            errors.IdempotencyKeyReused,
            errors.RequestUnderway,
            errors.ReplyNotKept,
        )
        return (*found, errors.IdempotencyKeyNotTaken) if self.only_if else found


def creates(*, only_if: str | None = None, has_secret: bool = False) -> dict[str, Any]:
    """``opt`` of an operation that creates something and takes keys."""
    return {_KEY: Keeping(only_if=only_if, has_secret=has_secret)}


def of(handler: BaseRouteHandler) -> Keeping | None:
    """What ``handler`` declares; None where it takes no key."""
    found: Keeping | None = handler.opt.get(_KEY)
    return found


def check(app: Litestar) -> None:
    """Let ``app`` start only if every operation that creates says that it takes keys.

    Raises:
        OnceNotDeclared: names the operations that do not, or that create nothing and do.
    """
    wrong = [f"{method} {path}" for method, path in _undeclared(app)]
    if wrong:
        raise OnceNotDeclared(f"not declared as they are: {', '.join(wrong)}")


def _undeclared(app: Litestar) -> Iterator[tuple[str, str]]:
    for method, path, handler, wanted in access.declared(app):
        keeping = of(handler)
        creates_always = method == "POST" and getattr(handler, "status_code", None) in _CREATED
        # A key is an organisation's, and here none acts; a second session harms nobody.
        creates_always &= wanted is None or not wanted.is_personal
        if creates_always != (keeping is not None and keeping.only_if is None) or (
            keeping is not None and method != "POST"
        ):
            yield method, path


def describe(keeping: Keeping | None, operation: dict[str, Any]) -> None:
    """Say in an OpenAPI operation that it takes a key, and what a repeated request is told."""
    if keeping is None:
        return
    schema = {"type": "string", "pattern": PATTERN}
    parameter = {"name": HEADER, "in": "header", "required": False, "description": _ABOUT}
    operation.setdefault("parameters", []).append({**parameter, "schema": schema})
    replayed = {"description": "There, and `true`, on the answer to a request that was repeated"}
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            told = response.setdefault("headers", {})
            told[REPLAYED] = {**replayed, "required": False, "schema": {"const": "true"}}
