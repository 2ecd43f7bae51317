"""From where a credential is taken."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.types import HTTPScope, Scope


def address_of(scope: Scope | HTTPScope) -> str:
    """Where the request comes from; the server takes a proxy's word only where it is told to."""
    client = scope.get("client")
    return client[0] if client else ""


def is_allowed_from(address: str, networks: Sequence[str] | None) -> bool:
    """Whether ``address`` lies in one of ``networks``; where none are named, it does."""
    if networks is None:
        return True
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A listener for both families tells of an IPv4 client as ::ffff:192.0.2.1.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ipaddress.ip_network(network) for network in networks)
