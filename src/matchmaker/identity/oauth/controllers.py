"""Tokens of clients over HTTP."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from matchmaker.core.clock import utc_now
from matchmaker.core.db import Session
from matchmaker.core.limits import under
from matchmaker.core.openapi import FORM
from matchmaker.core.problems import problems
from matchmaker.core.signing import SigningKeys
from matchmaker.identity import access
from matchmaker.identity.access import Scope
from matchmaker.identity.networks import address_of
from matchmaker.identity.oauth import assertions, schemas, service
from matchmaker.identity.oauth.errors import (
    ClientNotAllowed,
    ClientRefused,
    GrantNotSupported,
    ScopeRefused,
    TokenRequestInvalid,
)
from matchmaker.identity.oauth.tokens import AccessTokens

_FORM: Final = "application/x-www-form-urlencoded"
_MOST: Final = 256
"""Parameters of a form."""
Tokens = NamedDependency[SkipValidation[AccessTokens]]


class TokenController(Controller):
    """Short tokens for machines."""

    path = "/oauth"
    tags = ("Identity",)

    @post(
        "/token",
        operation_id="issueToken",
        status_code=200,
        responses=problems(
            TokenRequestInvalid, GrantNotSupported, ScopeRefused, ClientNotAllowed, ClientRefused
        ),
        opt={
            **access.entry(proves_itself=True),
            **under("token"),
            "accepts": (_FORM,),
            FORM: schemas.TokenRequest,
        },
    )
    async def issue(
        self,
        request: Request[Any, Any, State],
        session: NamedDependency[Session],
        access_tokens: Tokens,
    ) -> Response[schemas.AccessToken]:
        """Give a client a token for ten minutes (OAuth 2, client credentials).

        A key is a client: its public id is the `client_id`. It proves itself by HTTP Basic, with
        the whole text of the key as the secret, or, where the key has public keys (`jwks`), by an
        assertion that it signs (`private_key_jwt`). A token is good for no more than its key is at
        each use, and within five seconds of the end of its key for nothing.
        """
        given = await service.give(
            session,
            access_tokens,
            read_form(await request.body()),
            authorization=_only_header(request),
            address=address_of(request.scope),
        )
        return Response(given, headers={"Cache-Control": "no-store"})

    @get("/jwks", operation_id="listTokenKeys", responses=problems(), opt=access.public())
    async def keys(self, access_tokens: Tokens) -> SigningKeys:
        """List the public keys of tokens, the next one ahead of its time.

        A key signs for 30 days; the one before is listed until the last of its tokens is over.
        """
        found = access_tokens.public_keys(now=int(utc_now().timestamp()))
        return msgspec.convert({"keys": found}, SigningKeys)


class AuthorizationServerController(Controller):
    """Where clients read how tokens are given."""

    tags = ("Identity",)

    @get(
        "/.well-known/oauth-authorization-server",
        operation_id="readAuthorizationServer",
        responses=problems(),
    )
    async def read(self, access_tokens: Tokens) -> Response[schemas.AuthorizationServer]:
        """Say where tokens are given and how (RFC 8414)."""
        issuer = access_tokens.issuer
        found = schemas.AuthorizationServer(
            issuer=issuer,
            token_endpoint=issuer + service.ENDPOINT,
            jwks_uri=f"{issuer}/v1/oauth/jwks",
            scopes_supported=sorted(Scope),
            response_types_supported=[],
            grant_types_supported=[service.GRANT],
            token_endpoint_auth_methods_supported=["client_secret_basic", "private_key_jwt"],
            token_endpoint_auth_signing_alg_values_supported=[*assertions.ALGORITHMS],
        )
        return Response(found, headers={"Cache-Control": "public, max-age=3600"})


def read_form(body: bytes) -> schemas.TokenRequest:
    """The form; a parameter without a value counts as left out (RFC 6749, 3.2).

    Raises:
        TokenRequestInvalid: it is none, or a parameter occurs twice.
    """
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=_MOST)
    except ValueError:
        raise TokenRequestInvalid from None
    known = Counter(name for name, _ in pairs if name in schemas.TokenRequest.__struct_fields__)
    if any(count > 1 for count in known.values()):
        raise TokenRequestInvalid
    try:
        return msgspec.convert(dict(pairs), schemas.TokenRequest)
    except msgspec.ValidationError:
        raise TokenRequestInvalid from None


def _only_header(request: Request[Any, Any, State]) -> str | None:
    """The Authorization header, as it came.

    Raises:
        TokenRequestInvalid: there is more than one.
    """
    given = request.headers.getall("authorization", [])
    if len(given) > 1:
        raise TokenRequestInvalid
    return given[0] if given else None


CONTROLLERS = (TokenController,)
