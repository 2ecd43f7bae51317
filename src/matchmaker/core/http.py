"""The edges of HTTP: what a request must satisfy, what every answer carries."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import structlog
from litestar import Litestar, Request
from litestar.datastructures import MutableScopeHeaders, State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_304_NOT_MODIFIED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
)

from matchmaker.core import wire
from matchmaker.core.edges import (
    BodyCutShort,
    BodyTooSlow,
    UnexpectedBody,
    UnexpectedParameter,
    WrongMediaType,
)
from matchmaker.core.errors import BadRequest, FieldFault, NotFound
from matchmaker.core.ids import uuid7
from matchmaker.core.language import Bilingual, negotiate

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CALLER = "caller"
"""Where in the state of a scope a middleware leaves what the log says of the caller."""
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ANY_QUERY = "any_query"
"""In ``opt`` of a handler that others' servers send people to: what is not known is passed over."""
_DISCARDED = 1024 * 1024
"""Octets of a body that is too large which are read before the answer."""
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_ON_EVERY_ANSWER = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)


class StrictRequest(Request[Any, Any, State]):
    """A request whose JSON body is read by ``wire.decode`` as the handler's own type."""

    async def json(self) -> Any:  # noqa: ANN401  (the signature is Litestar's)
        """The body as what the handler's ``data`` is declared to be."""
        field = self.route_handler.parsed_data_field
        return wire.decode(await self.body(), field.annotation if field else Any)


class Guard(ASGIMiddleware):
    """Refuses, after routing and before the handler, what the operation does not declare.

    A handler that reads something other than JSON names it in ``opt``:
    ``{"accepts": ("application/x-ndjson",)}``.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self) -> None:
        """Start without routes; ``learn`` fills them in once the application is complete."""
        self._parameters: dict[tuple[str, str], dict[str, bool]] = {}
        self._methods: dict[str, set[str]] = {}

    def learn(self, app: Litestar) -> None:
        """Note methods and query parameters (name -> may repeat) of every route of ``app``."""
        for route in app.routes:
            if not isinstance(route, HTTPRoute):
                continue
            for method, (_, model) in route.route_handler_map.items():
                self._methods.setdefault(route.path_format, set()).add(method)
                self._parameters[route.path_format, method] = {
                    parameter.field_alias: parameter.is_sequence
                    for parameter in model.expected_query_params
                }

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request pass or raise what is wrong with it."""
        template, method = scope["path_template"], _method(scope)
        if method == "OPTIONS":
            await _allow(send, self._methods[template])
            return
        if any(map(_is_unspeakable, scope["path_params"].values())):
            raise NotFound
        declared = self._parameters.get((template, method), {})
        is_open = ANY_QUERY in scope["route_handler"].opt
        _check_query(scope.get("query_string", b""), declared, is_open=is_open)
        _check_body(scope)
        await next_app(scope, receive, send)


def _method(scope: Scope) -> str:
    return str(scope.get("method", ""))


def _is_unspeakable(value: object) -> bool:
    return isinstance(value, str) and wire.has_control_character(value)


async def _allow(send: Send, methods: set[str]) -> None:
    allowed = methods | ({"HEAD"} if "GET" in methods else set())
    value = ", ".join(method for method in _METHODS if method in allowed)
    headers = [(b"allow", value.encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_query(query: bytes, declared: dict[str, bool], *, is_open: bool) -> None:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise UnexpectedParameter(zh="查询串不是 UTF-8", en="the query is not UTF-8") from None
    seen: set[str] = set()
    for name, value in pairs:
        pointer = f"#/query/{name[:64]}"
        if name not in declared:
            if is_open:
                continue
            raise UnexpectedParameter(errors=[_unknown(pointer)])
        if name in seen and not declared[name]:
            raise UnexpectedParameter(errors=[_repeated(pointer)])
        if wire.has_control_character(value):
            raise wire.InvalidContent(errors=[wire.control_character(pointer)])
        seen.add(name)


def _unknown(pointer: str) -> FieldFault:
    message = Bilingual(zh="没有这个参数", en="is not a known parameter")
    return FieldFault(pointer, "unknown_parameter", message)


def _repeated(pointer: str) -> FieldFault:
    message = Bilingual(zh="参数重复", en="may occur only once")
    return FieldFault(pointer, "repeated_parameter", message)


def _check_body(scope: Scope) -> None:
    headers = dict(scope["headers"])
    # What a proxy reads differently, it guards differently: one type, and nothing packed.
    if len(_values(scope, b"content-type")) > 1:
        raise BadRequest(zh="Content-Type 只能出现一次", en="Content-Type may occur only once")
    has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
    handler = scope["route_handler"]
    accepted: tuple[str, ...] = handler.opt.get("accepts", ())
    if not accepted and handler.parsed_data_field is not None:
        accepted = ("application/json",)
    if not accepted:
        if has_body:
            raise UnexpectedBody
        return
    given = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if any(coding.lower() != b"identity" for coding in _values(scope, b"content-encoding")):
        raise WrongMediaType(zh="请求体不能使用内容编码", en="send it without a content coding")
    if given not in accepted and (has_body or given):
        names = ", ".join(accepted)
        raise WrongMediaType(zh=f"请使用 {names}", en=f"send it as {names}")


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for given, value in scope["headers"] if given == name]


class Edge:
    """The outermost layer: request id, body deadline, HEAD, and the headers of every answer.

    It stands outside routing, so that a 404 carries the same headers as a match.
    """

    def __init__(self, app: ASGIApp, *, body_deadline: float) -> None:
        """Wrap ``app``; ``body_deadline`` is in seconds from the start of the request."""
        self._app = app
        self._body_deadline = body_deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._body_deadline)
        answer = _Answer(scope, send, body)
        scope.setdefault("state", {})["request_id"] = answer.request_id
        if answer.is_head:
            # A copy: the server reads its own scope to know that a HEAD has no body.
            scope = cast("Scope", {**scope, "method": "GET"})
        context: dict[str, str] = {"request_id": answer.request_id}
        if theirs := _client_request_id(scope):
            context["client_request_id"] = theirs
        with structlog.contextvars.bound_contextvars(**context):
            started = time.perf_counter()
            await self._app(scope, body.receive, answer.send)
            _log.info(
                "request.done",
                method="HEAD" if answer.is_head else _method(scope),
                route=scope.get("path_template", "-"),
                **scope["state"].get(CALLER, {}),
                status=answer.status,
                ms=round((time.perf_counter() - started) * 1000, 2),
            )


def _known_tags(scope: Scope) -> frozenset[str]:
    """The ETags of If-None-Match (RFC 9110, 13.1.2) of a GET; what the caller has already."""
    if _method(scope) not in {"GET", "HEAD"}:
        return frozenset()
    given = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    tags = (tag.strip() for tag in given.decode("latin-1").split(","))
    return frozenset(tag.removeprefix("W/") for tag in tags if tag)


def _client_request_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            return text if _CLIENT_ID.fullmatch(text) else None
    return None


class _Answer:
    """The sending half of one request."""

    def __init__(self, scope: Scope, send: Send, body: _Body) -> None:
        self._body = body
        self.request_id = str(uuid7())
        self.is_head = _method(scope) == "HEAD"
        self.status = 0
        self._send = send
        self._known = _known_tags(scope)
        asked = next((v for n, v in scope["headers"] if n == b"accept-language"), b"")
        self._language = negotiate(asked.decode("latin-1"))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            if message["status"] == HTTP_200_OK and headers.get("ETag") in self._known:
                message["status"] = HTTP_304_NOT_MODIFIED
                for name in ("Content-Type", "Content-Length"):
                    headers.pop(name, None)
            self.status = message["status"]
            if self.status == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
                await self._body.discard()
            self._add_headers(headers)
        elif message["type"] == "http.response.body" and self._has_no_body:
            message["body"] = b""
        await self._send(message)

    @property
    def _has_no_body(self) -> bool:
        return self.is_head or self.status == HTTP_304_NOT_MODIFIED

    def _add_headers(self, headers: MutableScopeHeaders) -> None:
        headers["X-Request-Id"] = self.request_id
        headers.setdefault("Content-Language", self._language)
        # A cache that keeps what nobody in particular got must not hand it to somebody.
        headers.extend_header_value("Vary", "Accept-Language, Authorization")
        for name, value in _ON_EVERY_ANSWER:
            headers.setdefault(name, value)
        allowed = headers.get("Allow", "")
        if "GET" in allowed and "HEAD" not in allowed:
            headers["Allow"] = f"{allowed}, HEAD"


class _Body:
    """The receiving half of one request: the body arrives before the deadline or not at all."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._complete = False

    async def receive(self) -> Any:  # noqa: ANN401  (one of ASGI's message types)
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect":
            raise BodyCutShort
        self._complete = not message.get("more_body", False)
        return message

    async def discard(self) -> None:
        """Read on what nobody wants, within bounds.

        A server that closes on what it has not read resets the connection, and the client may never
        see the answer.
        """
        read = 0
        with contextlib.suppress(BodyTooSlow, BodyCutShort):
            while not self._complete and read < _DISCARDED:
                read += len((await self.receive()).get("body", b""))
