"""What the cookie of a session holds: 256 random bits, stored as a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final, NamedTuple

_OCTETS: Final = 32
_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class SessionToken(NamedTuple):
    """The text that its holder's browser keeps."""

    text: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of it: what is found by and stored."""
        return hashlib.sha256(self.text.encode()).digest()

    def __repr__(self) -> str:
        """Nothing of it, so that no trace or log holds one."""
        return "SessionToken()"


def mint() -> SessionToken:
    """A new one."""
    return SessionToken(secrets.token_urlsafe(_OCTETS))


def read(text: str) -> SessionToken | None:
    """The one written as ``text``; None where it cannot be one."""
    return SessionToken(text) if _FORM.fullmatch(text) else None
