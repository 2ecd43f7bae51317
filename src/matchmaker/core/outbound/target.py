"""Where a request of ours goes: a URL, read once and strictly, so that nobody reads it otherwise.

Only the parts found here are used to connect; no other parser sees the text.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from matchmaker.core.outbound.addresses import is_public

if TYPE_CHECKING:
    from matchmaker.core.outbound.addresses import Address

LONGEST: Final = 2_000
_PORTS: Final = {"https": 443, "http": 80}
_OPEN_PORTS: Final = frozenset({443, 8443})
# No space, quote, bracket of a text, backslash or caret: what parsers disagree about is refused.
_PRINTABLE: Final = re.compile(r"[a-z]+://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<six>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?"
)
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""A host name of two labels or more. The last begins with a letter: ``2130706433``, ``0x7f.1`` and
``127.0.0.010`` are addresses to some readers, and none to this one."""
_INSIDE: Final = (".localhost", ".local", ".internal", ".home.arpa", ".intranet", ".lan", ".corp")


class Refusal(enum.StrEnum):
    """Why nothing is sent to a URL."""

    MALFORMED = "malformed"
    SCHEME = "scheme"
    USERINFO = "userinfo"
    FRAGMENT = "fragment"
    HOST = "host"
    PORT = "port"
    ADDRESS = "address"
    """It is, or leads to, an address that is not of the public internet."""


class TargetRefused(Exception):
    """Nothing is sent there."""

    def __init__(self, reason: Refusal) -> None:
        """Say why."""
        super().__init__(reason.value)
        self.reason = reason


class Target(NamedTuple):
    """A URL that may be sent to, in its parts."""

    scheme: str
    host: str
    """A name in lower case, or an address without brackets."""
    port: int
    path: str
    """With its query."""

    @property
    def address(self) -> Address | None:
        """The address, where the host is one."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, *, is_open: bool) -> Target:
    """The target of ``url``; with ``is_open`` also http, any port and any address.

    Raises:
        TargetRefused: nothing is sent there.
    """
    if len(url) > LONGEST or not _PRINTABLE.fullmatch(url):
        raise TargetRefused(Refusal.MALFORMED)
    scheme, _, rest = url.partition("://")
    if scheme != "https" and not (is_open and scheme == "http"):
        raise TargetRefused(Refusal.SCHEME)
    if "#" in rest:
        raise TargetRefused(Refusal.FRAGMENT)
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise TargetRefused(Refusal.USERINFO)
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise TargetRefused(Refusal.MALFORMED)
    host = _host(found["six"], (found["name"] or "").lower(), is_open=is_open)
    port = _PORTS[scheme] if found["port"] is None else int(found["port"])
    if not 0 < port < 2**16 or not (is_open or port in _OPEN_PORTS):
        raise TargetRefused(Refusal.PORT)
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port, path)


def _host(six: str | None, name: str, *, is_open: bool) -> str:
    """The host of an authority, as a name or in the one spelling of its address.

    Raises:
        TargetRefused: it is neither, or an address that is not public.
    """
    try:
        address = ipaddress.IPv4Address(name) if six is None else ipaddress.IPv6Address(six)
    except ValueError:
        if six is not None or not _is_name(name, is_open=is_open):
            raise TargetRefused(Refusal.HOST) from None
        return name
    if not is_open and not is_public(address):
        raise TargetRefused(Refusal.ADDRESS)
    return str(address)


def _is_name(host: str, *, is_open: bool) -> bool:
    if is_open and host == "localhost":
        return True
    return _NAME.fullmatch(host) is not None and (is_open or not host.endswith(_INSIDE))
