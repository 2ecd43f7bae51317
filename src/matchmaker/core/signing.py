"""Signatures of an installation: Ed25519 over canonical JSON, as a detached JWS.

RFC 7515 appendix F for the form, RFC 8037 and RFC 9864 for the key and the algorithm: any JOSE
library verifies them with the public key alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from matchmaker.core.canonical import encode

if TYPE_CHECKING:
    from matchmaker.core.canonical import Canonical

_ALGORITHM: Final = "Ed25519"
_ALGORITHMS: Final = (_ALGORITHM,)
_PURPOSE: Final = b"matchmaker receipts, Ed25519, 1"
"""What the key is derived for: no other use of the secret has a key in common with it."""

Signature = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{86}$",
        description="Detached JWS (RFC 7515, appendix F) of Ed25519; its payload is the canonical"
        " JSON (RFC 8785) of what is signed",
    ),
]


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key (RFC 8037); ``kid`` is its thumbprint (RFC 7638)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["Ed25519"]
    use: Literal["sig"]
    kid: str
    x: str


class SigningKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A JWK set (RFC 7517)."""

    keys: Annotated[list[SigningKey], msgspec.Meta(min_length=1)]


class SignatureInvalid(Exception):
    """The signature is not of this text by one of the keys."""


class Signer:
    """Signs with the key of an installation, which follows from its secret."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key; whoever has the secret derives the same one."""
        self._key = OKPKey.derive_key(secret, _ALGORITHM, kdf_options={"info": _PURPOSE})
        self._kid = self._key.thumbprint()

    def sign(self, value: Canonical) -> str:
        """The signature of ``value``."""
        header = {"alg": _ALGORITHM, "kid": self._kid}
        whole = jws.serialize_compact(header, encode(value), self._key, algorithms=_ALGORITHMS)
        return str(jws.detach_content(whole))

    def keys(self) -> SigningKeys:
        """The public key."""
        public: dict[str, Any] = self._key.as_dict(private=False)
        told = {**public, "alg": _ALGORITHM, "use": "sig", "kid": self._kid}
        return SigningKeys(keys=[msgspec.convert(told, SigningKey)])


def signed_by(value: Canonical, signature: str, keys: SigningKeys) -> str:
    """The ``kid`` of the key that made ``signature`` of ``value``.

    Raises:
        SignatureInvalid: none of ``keys`` did, or they are no keys.
    """
    try:
        known = KeySet.import_key_set(msgspec.to_builtins(keys))
        found = jws.deserialize_compact(
            signature, known, algorithms=_ALGORITHMS, payload=encode(value)
        )
    except (JoseError, ValueError) as error:
        raise SignatureInvalid(str(error)) from error
    return str(found.headers()["kid"])
