"""The limits as they are released, and what an installation sets in their place."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from matchmaker.core.settings import SettingsInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from litestar.handlers import BaseRouteHandler

OFF: Final = "off"
RELEASED: Final = "core/limits.yaml"
_KEY: Final = "purpose"
_SET: Final = re.compile(r"([a-z_]+)=([1-9][0-9]{0,8})/([1-9][0-9]{0,5})")


class Purpose(enum.StrEnum):
    """What requests are counted as; how many there may be is data."""

    ANONYMOUS = "anonymous"
    ANONYMOUS_MATCH = "anonymous_match"
    READS = "reads"
    WRITES = "writes"
    MATCH = "match"
    IMPORTS = "imports"
    KEYS = "keys"
    LOGIN = "login"
    ACCOUNT = "account"
    TOKEN = "token"  # noqa: S105  (what is asked for)


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in so many seconds, by credential or address; all of them at once will do.

    Requests used up come back evenly: a limit of 60 in 60 s gives one back each second.
    """

    quota: int
    window: int
    is_strict: bool = False
    """Whether each request first asks what the other workers have let through."""

    @property
    def step(self) -> float:
        """Seconds after which one request comes back."""
        return self.window / self.quota


Count = Annotated[int, msgspec.Meta(ge=1)]


class _Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    requests: Count
    seconds: Count
    is_strict: bool = False


class _Released(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scheme: str
    edition: str
    origin: str
    limits: dict[Purpose, _Limit]


class PurposeMissing(Exception):
    """The released limits say nothing of a purpose; the message names it."""


_UNKNOWN_CALLER: Final = MappingProxyType(
    {
        Purpose.READS: Purpose.ANONYMOUS,
        Purpose.WRITES: Purpose.ANONYMOUS,
        Purpose.MATCH: Purpose.ANONYMOUS_MATCH,
    }
)
"""The purposes that have a limit of their own where nobody says who they are."""


def load(seeds: Path) -> Mapping[str, Policy]:
    """The limits released below ``seeds``, by purpose.

    Raises:
        PurposeMissing: one has none.
    """
    found = msgspec.yaml.decode((seeds / RELEASED).read_bytes(), type=_Released).limits
    if missing := set(Purpose) - set(found):
        raise PurposeMissing(f"{RELEASED} has no limit for {', '.join(sorted(missing))}")
    return {
        purpose: Policy(said.requests, said.seconds, is_strict=said.is_strict)
        for purpose, said in found.items()
    }


def under(purpose: str) -> dict[str, Any]:
    """``opt`` of an operation that is counted by itself and not with the other reads and writes.

    Raises:
        ValueError: there is no such purpose.
    """
    return {_KEY: Purpose(purpose)}


def purpose_of(handler: BaseRouteHandler, *, is_known: bool) -> Purpose:
    """What a request to ``handler`` is counted as."""
    found: Purpose | None = handler.opt.get(_KEY)
    if found is None:
        is_read = "GET" in getattr(handler, "http_methods", ())
        found = Purpose.READS if is_read else Purpose.WRITES
    return found if is_known else _UNKNOWN_CALLER.get(found, found)


def policies(said: str, released: Mapping[str, Policy]) -> Mapping[str, Policy] | None:
    """The limits with what ``said`` changes, as ``match=50/10,keys=5/60``; None for ``off``.

    Raises:
        SettingsInvalid: it says something else.
    """
    if said == OFF:
        return None
    found = dict(released)
    for each in filter(None, said.replace(" ", "").split(",")):
        parts = _SET.fullmatch(each)
        if parts is None or parts[1] not in found:
            raise SettingsInvalid(
                f"MATCHMAKER_LIMITS: '{each}' is not off or purpose=requests/seconds, of "
                f"{', '.join(found)}"
            )
        strict = found[parts[1]].is_strict
        found[parts[1]] = Policy(int(parts[2]), int(parts[3]), is_strict=strict)
    return found
