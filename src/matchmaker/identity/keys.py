"""What an API key looks like: recognisable, checkable without a database, stored as a digest.

``mmk_live_<8: public id>_<43: 256 random bits>_<6: CRC-32>``. The prefix is for secret scanners,
the checksum turns junk away, the public id is what people see and rows are found by.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX = "mmk_live_"
_DIGITS = string.digits + string.ascii_letters
_ID_LENGTH = 8
_CHECK_LENGTH = 6
_SECRET_BYTES = 32
_FORM = re.compile(
    rf"(?P<signed>{PREFIX}(?P<public_id>[0-9A-Za-z]{{{_ID_LENGTH}}})_(?P<secret>[\w-]{{43}}))"
    rf"_(?P<check>[0-9A-Za-z]{{{_CHECK_LENGTH}}})",
    re.ASCII,
)


class Token(NamedTuple):
    """The two parts of a key: the name it is found by and what proves it."""

    public_id: str
    secret: str

    @property
    def text(self) -> str:
        """The key as its holder keeps it; shown once, never stored, never logged."""
        signed = f"{PREFIX}{self.public_id}_{self.secret}"
        return f"{signed}_{_checksum(signed)}"

    @property
    def digest(self) -> bytes:
        """SHA-256 of the secret: 256 random bits need no slow hash."""
        return hashlib.sha256(self.secret.encode()).digest()

    def __repr__(self) -> str:
        """The name alone, so that no trace or log holds a secret."""
        return f"Token({self.public_id})"


def mint() -> Token:
    """A new key."""
    public_id = "".join(secrets.choice(_DIGITS) for _ in range(_ID_LENGTH))
    return Token(public_id, secrets.token_urlsafe(_SECRET_BYTES))


def read(text: str) -> Token | None:
    """The key written as ``text``; None where form or checksum say that it never was one."""
    found = _FORM.fullmatch(text)
    if found is None or found["check"] != _checksum(found["signed"]):
        return None
    return Token(found["public_id"], found["secret"])


def _checksum(signed: str) -> str:
    value = zlib.crc32(signed.encode())
    digits = []
    for _ in range(_CHECK_LENGTH):
        value, place = divmod(value, len(_DIGITS))
        digits.append(_DIGITS[place])
    return "".join(reversed(digits))
