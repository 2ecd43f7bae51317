"""Talking to identity providers: what they publish, and codes for tokens."""

from __future__ import annotations

import asyncio
import base64
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote_plus, urlencode

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from matchmaker.core import jose
from matchmaker.core.outbound.reaching import NotFetched
from matchmaker.core.outbound.target import TargetRefused, parse
from matchmaker.identity.errors import LoginRefused
from matchmaker.identity.oidc.errors import IssuerUnavailable
from matchmaker.identity.oidc.judging import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.outbound.reaching import Fetched, Outbound
    from matchmaker.identity.oidc.issuers import Issuer

T = TypeVar("T")

SECONDS: Final = 5.0
LONGEST: Final = 256 * 1024
"""Octets of an answer."""
KEPT: Final = 3600.0
"""Seconds for which what a provider publishes is taken as it was."""
REFETCHED: Final = 60.0
"""Seconds between two looks at the keys, whoever names ones that are not there."""
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {"Accept": "application/json"}
_OK: Final = 200


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself (OpenID Connect Discovery, RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider gives for a code."""

    id_token: str


class Provider:
    """One identity provider as a process knows it."""

    def __init__(self, issuer: Issuer, outbound: Outbound) -> None:
        """Ask nothing yet."""
        self.issuer = issuer
        self._out = outbound
        self._one = asyncio.Lock()
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    async def metadata(self) -> Metadata:
        """What the provider says of itself.

        Raises:
            IssuerUnavailable: nothing, or that it is somebody else.
        """
        async with self._one:
            if self._metadata is None or monotonic() - self._metadata[1] > KEPT:
                place = f"{self.issuer.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = _decoded(await self._fetched("GET", place, _JSON), Metadata)
                if not is_itself(found, self.issuer.issuer) or not self._is_web(found):
                    raise IssuerUnavailable
                self._metadata = found, monotonic()
            return self._metadata[0]

    async def claims(self, code: str, verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """What the provider signed about who logged in, for a code; what it says is to be judged.

        Raises:
            LoginRefused: the code is none, or the signature is not the provider's.
            IssuerUnavailable: it does not answer.
        """
        token = await self._id_token(code, verifier, redirect_uri)
        try:
            header, _ = jose.unverified(token)
            return jose.read(token, await self._key_set(header.get("kid")), ALGORITHMS).claims
        except jose.Untrusted:
            raise LoginRefused from None

    async def _id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        told = await self.metadata()
        headers = {**_JSON, **_FORM}
        secret = self.issuer.client_secret
        if secret is None:
            form["client_id"] = self.issuer.client_id
        elif "client_secret_basic" in told.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(self.issuer.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.issuer.client_id, "client_secret": secret}
        found = await self._fetched("POST", told.token_endpoint, headers, urlencode(form).encode())
        if 400 <= found.status < 500:  # noqa: PLR2004  (the code is refused)
            raise LoginRefused
        return _decoded(found, Answer).id_token

    async def _key_set(self, kid: object) -> KeySet:
        """The provider's keys; looked at anew where none has this name, but not at every call."""
        place = (await self.metadata()).jwks_uri
        async with self._one:
            if self._keys is None or may_look_again(self._keys, kid, monotonic()):
                found = await self._fetched("GET", place, _JSON)
                self._keys = _key_set(found), monotonic()
            return self._keys[0]

    async def _fetched(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Fetched:
        try:
            return await self._out.fetch(
                method, url, headers=headers, body=body, seconds=SECONDS, longest=LONGEST
            )
        except NotFetched as failure:
            raise IssuerUnavailable from failure

    def _is_web(self, found: Metadata) -> bool:
        """Whether people may be sent where it says."""
        try:
            parse(found.authorization_endpoint, is_open=self._out.is_open)
        except TargetRefused:
            return False
        return True


def is_itself(found: Metadata, issuer: str) -> bool:
    """Whether who answers at the issuer's address says that it is the issuer."""
    return found.issuer == issuer


def may_look_again(known: tuple[KeySet, float], kid: object, now: float) -> bool:
    """Whether keys are looked at anew: unknown or old ones are, once a minute at most."""
    keys, seen = known
    is_missing = kid is not None and all(key.kid != kid for key in keys)
    return now - seen > (REFETCHED if is_missing else KEPT)


def _decoded(found: Fetched, type_: type[T]) -> T:
    if found.status != _OK:
        raise IssuerUnavailable
    try:
        return msgspec.json.decode(found.content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IssuerUnavailable from error


def _key_set(found: Fetched) -> KeySet:
    try:
        return KeySet.import_key_set(_decoded(found, dict[str, Any]))  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, LookupError) as error:
        raise IssuerUnavailable from error
