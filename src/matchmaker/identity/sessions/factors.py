"""The second factor: codes of an authenticator (TOTP, RFC 6238) and codes for when it is lost."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

if TYPE_CHECKING:
    from collections.abc import Iterable

STEP: Final = 30
"""Seconds for which a code is shown."""
DRIFT: Final = 1
"""Steps before and after in which it is still taken: clocks differ, people are slow."""
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_SECRET_OCTETS: Final = 20
_RECOVERY_OCTETS: Final = 15
"""120 bits: what has 112 or more is not guessed, however fast the hash."""
ISSUER: Final = "matchmaker"


def new_secret() -> bytes:
    """A new secret of 160 bits, as RFC 4226 recommends."""
    return secrets.token_bytes(_SECRET_OCTETS)


def written(secret: bytes) -> str:
    """The secret as people type it into an authenticator."""
    return base64.b32encode(secret).decode()


def read(text: str) -> bytes | None:
    """The secret that is ``written`` so; None where it is none of ours."""
    try:
        found = base64.b32decode(text)
    except ValueError:
        return None
    return found if len(found) == _SECRET_OCTETS else None


def uri(secret: bytes, account: str) -> str:
    """What an authenticator reads from a QR code."""
    query = urlencode({"secret": written(secret), "issuer": ISSUER})
    return f"otpauth://totp/{quote(f'{ISSUER}:{account}')}?{query}"


def code_at(secret: bytes, step: int) -> str:
    """The code of a step."""
    # SHA-1 as in RFC 6238: it is what authenticators know, and HMAC does not need more of it.
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303


def step_of(secret: bytes, code: str, seconds: float) -> int | None:
    """The step about now whose code this is; None where it is of none."""
    now = int(seconds // STEP)
    for step in range(now - DRIFT, now + DRIFT + 1):
        if secrets.compare_digest(code_at(secret, step), code):
            return step
    return None


def recovery_codes() -> list[str]:
    """New codes, each good once in place of one of an authenticator."""
    made = (secrets.token_bytes(_RECOVERY_OCTETS) for _ in range(RECOVERY_CODES))
    return [base64.b32encode(each).decode().lower() for each in made]


def digests(codes: Iterable[str]) -> list[bytes]:
    """What is stored of recovery codes: 120 random bits need no slow hash."""
    return [hashlib.sha256(code.strip().lower().encode()).digest() for code in codes]
