"""Whose a request without a credential is."""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING, Final

from matchmaker.core.settings import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_FORWARDED: Final = b"x-forwarded-for"
_HOST: Final = 64
"""The bits that a household or a machine with IPv6 has for itself are those behind."""


def networks(said: str) -> tuple[Network, ...]:
    """Networks written one after another, as ``10.0.0.0/8, ::1``.

    Raises:
        SettingsInvalid: something else is among them.
    """
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in said.split(",") if each.strip())
    except ValueError as error:
        raise SettingsInvalid(f"MATCHMAKER_TRUSTED_PROXIES: {error}") from error


class Addresses:
    """The address a request is counted by: that of the caller, behind the proxies one trusts."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        """Believe what those in ``trusted`` say of whom they forward."""
        self._trusted = trusted
        self._read = functools.lru_cache(maxsize=4096)(self._find)

    def of(self, scope: Scope) -> str:
        """The address, of IPv6 the network of 64 bits; of no address the empty text."""
        client = scope["client"]
        said = [value for name, value in scope["headers"] if name == _FORWARDED]
        return self._read(client[0] if client else "", b",".join(said) if self._trusted else b"")

    def _find(self, peer: str, forwarded: bytes) -> str:
        hops = [each.strip() for each in forwarded.decode("latin-1").split(",") if each.strip()]
        found = peer
        # From the nearest on: whoever is not trusted may have made up what stands before.
        for hop in reversed(hops):
            if not self._trusts(found) or _address(hop) is None:
                break
            found = hop
        return _network(_address(found))

    def _trusts(self, peer: str) -> bool:
        found = _address(peer)
        return found is not None and any(found in network for network in self._trusted)


def _address(said: str) -> Address | None:
    try:
        found = ipaddress.ip_address(said)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(found: Address | None) -> str:
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(found) >> _HOST << _HOST, _HOST)))
    return "" if found is None else str(found)
