"""A real identity provider: authlib's authorization server, served over HTTP on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core.grants import OpenIDCode
from joserfc import jwt
from joserfc.jwk import Key, KeySet, RSAKey

from matchmaker.core import jose

CLIENT_ID = "matchmaker"
CLIENT_SECRET = "issuer-knows:this"  # noqa: S105  (of a server in tests)
SECURE = "https://issuer.test"
"""How authlib is told that its requests come: it refuses to serve loopback without TLS."""
KEY: Key = RSAKey.generate_key(2048, {"kid": "one"})
Claims = dict[str, Any]


@dataclass
class Reply:
    """What a handler sends."""

    status: int
    body: bytes
    headers: list[tuple[str, str]]

    @property
    def location(self) -> str:
        return dict(self.headers).get("Location", "")

    @location.setter
    def location(self, value: str) -> None:
        self.headers = [(name, value if name == "Location" else v) for name, v in self.headers]


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, method: str, uri: str, form: dict[str, str], headers: Any) -> None:  # noqa: ANN401
        super().__init__(method, uri, headers=headers)
        self._given = {**dict(parse_qsl(urlsplit(uri).query)), **form}
        self.payload = BasicOAuth2Payload(self._given)

    @property
    def args(self) -> dict[str, str]:
        return self._given

    @property
    def form(self) -> dict[str, str]:
        return self._given


class _Client:
    """The one client that the issuer knows."""

    client_id = CLIENT_ID

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_basic", "token")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code:
    code: str
    payload: dict[str, str]
    user: Claims

    def get_redirect_uri(self) -> str:
        return self.payload["redirect_uri"]

    def get_scope(self) -> str:
        return self.payload["scope"]

    def get_nonce(self) -> str | None:
        return self.payload.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None

    @property
    def code_challenge(self) -> str | None:
        return self.payload.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.payload.get("code_challenge_method")


@dataclass
class Issuer:
    """The provider and how it behaves; tests change that while it runs."""

    url: str
    redirect_uri: str
    user: Claims = field(default_factory=dict)
    """Who is logged in there."""
    change: Callable[[Claims], Claims] = lambda claims: claims
    """What is done to what it says before it signs it."""
    key: Key = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    signs_with: Key | None = None
    """Another key than the one it publishes."""
    says_who: bool = True
    """Whether its answers name it (RFC 9207)."""
    asked: Counter[str] = field(default_factory=Counter)
    codes: dict[str, _Code] = field(default_factory=dict)

    def metadata(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "authorization_response_iss_parameter_supported": self.says_who,
        }

    def jwks(self) -> Claims:
        return dict(KeySet([self.key]).as_dict(private=False))

    def sign(self, claims: Claims) -> str:
        registry = jose._Allowed(algorithms=[self.algorithm])
        header = {"alg": self.algorithm, "kid": self.key.kid}
        key = self.signs_with or self.key
        return jwt.encode(
            header, self.change(claims), key, algorithms=[self.algorithm], registry=registry
        )


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, issuer: Issuer) -> None:
        super().__init__()
        self.issuer = issuer
        self.register_token_generator(
            "default", lambda **_: {"token_type": "Bearer", "access_token": "x", "scope": "openid"}
        )
        self.register_grant(_Grant, [CodeChallenge(required=True), _OpenID(issuer)])
        self.register_extension(_Named(issuer))

    def query_client(self, client_id: str) -> _Client | None:
        return _Client(self.issuer.redirect_uri) if client_id == CLIENT_ID else None

    def save_token(self, token: object, request: object) -> None:
        """Nobody uses it."""

    def send_signal(self, *_: object, **__: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:  # noqa: ANN401
        content = json.dumps(body).encode() if isinstance(body, dict) else b""
        return Reply(status, content, list(headers))


class _Grant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: _Request) -> None:
        made = _Code(code, dict(request.payload.data), dict(request.user))
        self.server.issuer.codes[code] = made

    def query_authorization_code(self, code: str, client: _Client) -> _Code | None:  # noqa: ARG002
        found: _Code | None = self.server.issuer.codes.get(code)
        return found

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        self.server.issuer.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: _Code) -> Claims:
        return authorization_code.user


class _OpenID(OpenIDCode):  # type: ignore[misc]
    def __init__(self, issuer: Issuer) -> None:
        super().__init__(require_nonce=True)
        self.issuer = issuer

    def exists_nonce(self, nonce: str, request: object) -> bool:  # noqa: ARG002
        return False

    def get_client_claims(self, client: _Client) -> Claims:  # noqa: ARG002
        return {"iss": self.issuer.url, "aud": [CLIENT_ID]}

    def encode_id_token(self, token: Claims, request: _Request) -> str:  # noqa: ARG002
        now = int(time.time())
        claims = {**self.get_client_claims(request.client), "iat": now, "exp": now + 600}
        said = self.get_authorization_code_claims(request.authorization_code)
        return self.issuer.sign({**claims, **said, **request.user})


class _Named(IssuerParameter):  # type: ignore[misc]
    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer

    def get_issuer(self) -> str | None:
        return self.issuer.url if self.issuer.says_who else None


class _Http(ThreadingHTTPServer):
    issuer: Issuer
    provider: _Server


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        issuer, path = self.server.issuer, urlsplit(self.path).path
        issuer.asked[path] += 1
        if path == "/authorize":
            request = _Request("GET", SECURE + self.path, {}, self.headers)
            provider = self.server.provider
            grant = provider.get_consent_grant(request, end_user=issuer.user)
            self._send(provider.create_authorization_response(request, issuer.user, grant))
            return
        published = {
            "/.well-known/openid-configuration": issuer.metadata,
            "/jwks": issuer.jwks,
        }
        found = published.get(path)
        content = b"" if found is None else json.dumps(found()).encode()
        self._send(Reply(404 if found is None else 200, content, []))

    def do_POST(self) -> None:
        self.server.issuer.asked[self.path] += 1
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        request = _Request("POST", SECURE + self.path, dict(parse_qsl(body)), self.headers)
        self._send(self.server.provider.create_token_response(request))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def issuing(redirect_uri: str) -> Iterator[Issuer]:
    """An issuer that runs until the end, and sends people back there."""
    with _Http(("127.0.0.1", 0), _Handler) as http:
        http.issuer = Issuer(f"http://127.0.0.1:{http.server_port}", redirect_uri)
        http.provider = _Server(http.issuer)
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield http.issuer
        finally:
            http.shutdown()
            thread.join()
