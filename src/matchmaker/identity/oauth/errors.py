"""How the token endpoint refuses: problems that also say what RFC 6749, 5.2 has for it."""

from __future__ import annotations

from typing import ClassVar

from matchmaker.core.errors import BadRequest, Unauthenticated
from matchmaker.core.language import Bilingual


class TokenRefused:
    """No token is given; ``error`` is the word of RFC 6749 for why. The failure is beside it."""

    error: ClassVar[str]
    title: ClassVar[Bilingual]

    def __init__(self) -> None:
        """Say why in both forms."""
        told = {"error": self.error, "error_description": self.title.en}
        super().__init__(extra=told)  # type: ignore[call-arg]  # MatchmakerError's


class TokenRequestInvalid(TokenRefused, BadRequest):
    """A parameter is missing, occurs twice, or two ways to prove the client are mixed."""

    slug = "token_request_invalid"
    title = Bilingual(zh="令牌请求有误", en="The token request is not right")
    error = "invalid_request"


class GrantNotSupported(TokenRefused, BadRequest):
    """Tokens are given for client credentials alone."""

    slug = "grant_not_supported"
    title = Bilingual(zh="不支持该授权类型", en="The grant type is not supported")
    error = "unsupported_grant_type"


class ScopeRefused(TokenRefused, BadRequest):
    """A scope is none, or none that the client's key is good for now."""

    slug = "scope_refused"
    title = Bilingual(zh="不能授予所请求的权限范围", en="The scope asked for is not given")
    error = "invalid_scope"


class ClientNotAllowed(TokenRefused, BadRequest):
    """The client is who it says, and gets no token: suspended, elsewhere, or good for nothing."""

    slug = "client_not_allowed"
    title = Bilingual(zh="该客户端不能获取令牌", en="The client gets no token")
    error = "unauthorized_client"


class ClientRefused(TokenRefused, Unauthenticated):
    """The client did not prove who it is; it is not said what does not fit."""

    slug = "client_refused"
    title = Bilingual(zh="客户端身份验证失败", en="The client did not prove who it is")
    error = "invalid_client"
    headers = {"WWW-Authenticate": 'Basic realm="matchmaker"'}  # noqa: RUF012  (a constant)
