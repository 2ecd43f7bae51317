"""The limits as they are published, and what an installation sets in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core.settings import SettingsInvalid

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler

OFF: Final = "off"
_KEY: Final = "purpose"
_SET: Final = re.compile(r"([a-z_]+)=([1-9][0-9]{0,8})/([1-9][0-9]{0,5})")


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


PUBLISHED: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "anonymous": Policy(600, 60),
        "anonymous_match": Policy(120, 60),
        "reads": Policy(1200, 60),
        "writes": Policy(600, 60),
        "match": Policy(600, 60),
        "imports": Policy(60, 600, is_strict=True),
        "keys": Policy(60, 3600, is_strict=True),
        "login": Policy(10, 300, is_strict=True),
        "account": Policy(10, 900, is_strict=True),
        "token": Policy(60, 60, is_strict=True),
    }
)
"""By purpose. Chosen so that a portal with one key and people behind one address do not meet them;
they are judgements and no measurements."""

_UNKNOWN_CALLER: Final = MappingProxyType(
    {"reads": "anonymous", "writes": "anonymous", "match": "anonymous_match"}
)
"""The purposes that have a limit of their own where nobody says who they are."""


def under(purpose: str) -> dict[str, Any]:
    """``opt`` of an operation that is counted by itself and not with the other reads and writes.

    Raises:
        KeyError: there is no such purpose.
    """
    PUBLISHED[purpose]
    return {_KEY: purpose}


def purpose_of(handler: BaseRouteHandler, *, is_known: bool) -> str:
    """What a request to ``handler`` is counted as."""
    found: str | None = handler.opt.get(_KEY)
    if found is None:
        found = "reads" if "GET" in getattr(handler, "http_methods", ()) else "writes"
    return found if is_known else _UNKNOWN_CALLER.get(found, found)


def policies(said: str) -> Mapping[str, Policy] | None:
    """The limits with what ``said`` changes, as ``match=50/10,keys=5/60``; None for ``off``.

    Raises:
        SettingsInvalid: it says something else.
    """
    if said == OFF:
        return None
    found = dict(PUBLISHED)
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
