"""What proves a key other than its secret: public keys of whoever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent

if TYPE_CHECKING:
    from matchmaker.identity import schemas


def stored(given: schemas.PublicKeys) -> dict[str, Any]:
    """The keys as they are stored.

    Raises:
        InvalidContent: one is no point of its curve, or two have one name; all of these are named.
    """
    found = [
        {name: value for name, value in msgspec.to_builtins(each).items() if value is not None}
        for each in given.keys
    ]
    names = [each["kid"] for each in found]
    faults = [
        FieldFault(f"#/jwks/keys/{place}", "not_a_key", _NO_KEY)
        for place, each in enumerate(found)
        if not is_public_key(each) or each["kid"] in names[:place]
    ]
    if faults:
        raise InvalidContent(errors=faults)
    return {"keys": found}


def is_public_key(jwk: dict[str, Any]) -> bool:
    """Whether it is a key of one of the two curves that signatures can be checked with."""
    if (jwk["kty"], jwk["crv"], "y" in jwk) not in _SHAPES:
        return False
    try:
        import_key(jwk).get_op_key("verify")
    except (JoseError, ValueError, TypeError):
        return False
    return True


_SHAPES = {("EC", "P-256", True), ("OKP", "Ed25519", False)}
_NO_KEY = Bilingual(
    zh="不是可用的公钥，或 kid 重复", en="is no public key of its curve, or its kid occurs twice"
)
