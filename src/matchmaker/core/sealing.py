"""Secrets that must be read again, kept so that a copy of the database tells none of them.

AES-256-GCM (NIST SP 800-38D) under a key that follows from the secret of the installation: whoever
has only the rows has nothing, and a sealed secret moved to another row does not open.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE: Final = 12
_KEY: Final = 32


class CannotOpen(Exception):
    """It was sealed under another secret, for another purpose or row, or was changed since."""


class Sealer:
    """Seals and opens for one purpose; no other use of the secret has a key in common with it."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        """Derive the key; whoever has the secret derives the same one."""
        info = f"matchmaker {purpose}, AES-256-GCM, 1".encode()
        derived = HKDF(SHA256(), _KEY, salt=None, info=info).derive(secret)
        self._cipher = AESGCM(derived)

    def seal(self, plain: bytes, *, row: bytes) -> bytes:
        """``plain`` as only this installation opens it, for the row of this name."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, row)

    def open(self, sealed: bytes, *, row: bytes) -> bytes:
        """What was sealed for this row.

        Raises:
            CannotOpen: it was not sealed here, not for this purpose and row, or was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], row)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen from error
