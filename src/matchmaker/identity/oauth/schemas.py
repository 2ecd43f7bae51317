"""What the token endpoint reads and says, and what it is published as."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_Text = Annotated[str, msgspec.Meta(max_length=8192)]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A form (RFC 6749, 4.4.2); parameters that are not named here are passed over."""

    grant_type: Annotated[
        str, msgspec.Meta(max_length=64, extra_json_schema={"enum": ["client_credentials"]})
    ]
    scope: _Text | None = None
    """What the token is to be good for, one after another; all that the key is good for if left
    out."""
    client_id: _Text | None = None
    """The public id of the key; it may be left out where assertion or header have it."""
    client_assertion_type: (
        Annotated[str, msgspec.Meta(max_length=128, extra_json_schema={"enum": [TYPE]})] | None
    ) = None
    client_assertion: _Text | None = None
    """A JWT that the client signed (RFC 7523), instead of HTTP Basic."""


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, taken as `Authorization: Bearer` wherever the key itself is."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    """Seconds."""
    scope: str


class AuthorizationServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where tokens are given and how (RFC 8414)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]
