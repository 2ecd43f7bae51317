"""Signatures: what a third party needs to check one, done here without the library that signs."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from matchmaker.core.canonical import Canonical
from matchmaker.core.signing import SignatureInvalid, Signer, SigningKeys, signed_by

SECRET, OTHER = b"s" * 32, b"t" * 32
NO_SIGNATURES = ["", "..", "a..b", "a.b.c", "\x00", "eyJhbGciOiJub25lIn0..", "é"]
SAID: dict[str, Canonical] = {"digest": "sha256:0", "seed": None, "caller": "anonymous", "n": 7}


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(said: bytes) -> str:
    return base64.urlsafe_b64encode(said).rstrip(b"=").decode()


def is_of(signature: str, key: str, said: object) -> bool:
    """Whether it is, by RFC 7515, RFC 8032 and RFC 8785 as others have written them."""
    header, _, value = signature.split(".")
    message = f"{header}.{encoded(rfc8785.dumps(said))}"  # type: ignore[arg-type]
    try:
        Ed25519PublicKey.from_public_bytes(octets(key)).verify(octets(value), message.encode())
    except InvalidSignature:
        return False
    return True


def test_anybody_can_verify_it_with_the_public_key() -> None:
    signer = Signer(SECRET)
    signature = signer.sign(SAID)
    (key,) = signer.keys().keys
    assert json.loads(octets(signature.split(".")[0])) == {"alg": "Ed25519", "kid": key.kid}
    assert is_of(signature, key.x, SAID)
    assert not is_of(signature, key.x, {**SAID, "n": 8})
    assert not is_of(signature, Signer(OTHER).keys().keys[0].x, SAID)
    assert (key.kty, key.crv, key.use) == ("OKP", "Ed25519", "sig")


def test_the_key_follows_from_the_secret() -> None:
    assert Signer(SECRET).keys() == Signer(SECRET).keys()
    assert Signer(SECRET).keys() != Signer(OTHER).keys()


def test_it_is_verified_among_several_keys() -> None:
    one, two = Signer(SECRET), Signer(OTHER)
    both = SigningKeys(keys=[*two.keys().keys, *one.keys().keys])
    assert signed_by(SAID, one.sign(SAID), both) == one.keys().keys[0].kid


def test_every_flipped_character_fails() -> None:
    signer = Signer(SECRET)
    signature = signer.sign(SAID)
    for place, character in enumerate(signature[:-1]):
        flipped = "A" if character != "A" else "B"
        with pytest.raises(SignatureInvalid):
            signed_by(SAID, signature[:place] + flipped + signature[place + 1 :], signer.keys())


@pytest.mark.parametrize("signature", NO_SIGNATURES)
def test_what_is_no_signature_fails(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        signed_by(SAID, signature, Signer(SECRET).keys())


@pytest.mark.asvs("V9.1.2")
def test_another_algorithm_fails() -> None:
    """The public key as the secret of an HMAC: the classic confusion."""
    signer = Signer(SECRET)
    (key,) = signer.keys().keys
    for algorithm in ("none", "HS256", "EdDSA"):
        header = encoded(json.dumps({"alg": algorithm, "kid": key.kid}).encode())
        with pytest.raises(SignatureInvalid):
            signed_by(SAID, f"{header}..{signer.sign(SAID).split('.')[2]}", signer.keys())


def test_another_key_and_another_text_fail() -> None:
    signer = Signer(SECRET)
    with pytest.raises(SignatureInvalid):
        signed_by(SAID, Signer(OTHER).sign(SAID), signer.keys())
    with pytest.raises(SignatureInvalid):
        signed_by({**SAID, "n": 8}, signer.sign(SAID), signer.keys())


@pytest.mark.parametrize("x", ["", "!", "AAAA", "é"])
def test_what_is_no_key_verifies_nothing(x: str) -> None:
    signer = Signer(SECRET)
    (key,) = signer.keys().keys
    broken = SigningKeys(keys=[msgspec.structs.replace(key, x=x)])
    with pytest.raises(SignatureInvalid):
        signed_by(SAID, signer.sign(SAID), broken)


@pytest.mark.parametrize("name", ["kty", "crv", "alg", "use"])
def test_a_key_of_another_kind_is_not_read(name: str) -> None:
    told = msgspec.to_builtins(Signer(SECRET).keys())
    told["keys"][0][name] = "RSA"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, SigningKeys)
