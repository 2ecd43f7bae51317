"""The layer that claims keys: it holds the request's one transaction until its answer is in it."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy.exc import DBAPIError

from matchmaker.core import db, problems, provided, transient
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import negotiate
from matchmaker.core.once import declaring, errors, queries
from matchmaker.core.once.queries import Claim, Found, Reply

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from matchmaker.core.once.declaring import Keeping

_HEADER: Final = declaring.HEADER.lower().encode()
_KEY: Final = re.compile(declaring.PATTERN.removesuffix("$") + r"\Z")
_REFUSED: Final = 400
_LOCK_NOT_AVAILABLE: Final = "55P03"
_SORTED: Final = msgspec.json.Encoder(order="sorted")
_JSON: Final = "application/json"


class _Refused(Exception):
    """The answer is a failure: what was written for it is undone, the claim as well."""


class Once(ASGIMiddleware):
    """Carries out a request with an Idempotency-Key once, and answers it as often as it comes.

    It stands behind the guard: a key is an organisation's. A request without one passes untouched.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, write: async_sessionmaker[AsyncSession]) -> None:
        """Open the transactions of requests that carry a key through ``write``."""
        self._write = write

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, or answer it as it was answered before."""
        given = [value for name, value in scope["headers"] if name == _HEADER]
        if not given:
            await next_app(scope, receive, send)
            return
        keeping = declaring.of(scope["route_handler"])
        organisation_id = scope["state"].get(provided.ACTING)
        if keeping is None or organisation_id is None:
            raise errors.IdempotencyKeyNotTaken
        key = _read(given)
        # Litestar keeps the body with the scope: the handler reads the same one.
        request = Request[Any, Any, State](scope, receive, send)
        asked = _Asked(scope, await request.body())
        if keeping.only_if is not None and not asked.says(keeping.only_if):
            raise errors.IdempotencyKeyNotTaken
        route = scope["path_template"]
        method = str(scope.get("method", ""))
        wanted = Claim(organisation_id, method, route, key, asked.fingerprint)
        answer = _Answer()
        try:
            with contextlib.suppress(_Refused):
                await self._carry_out(wanted, keeping, answer, (scope, receive, next_app))
        except Exception as failure:
            if not answer.messages:
                raise
            # The handler has answered, and it could not be committed: for the layers around this
            # one the answer has started, and they would end the connection.
            told = problems.answer(request, failure)
            await told.to_asgi_response(app=None, request=request)(scope, receive, send)
            return
        for message in answer.messages:
            await send(message)

    async def _carry_out(
        self,
        wanted: Claim,
        keeping: Keeping,
        answer: _Answer,
        call: tuple[Scope, Receive, ASGIApp],
    ) -> None:
        """Fill ``answer``, with what is kept or by the handler; what it wrote is committed here."""
        scope, receive, next_app = call
        async with db.begun(self._write, wanted.organisation_id) as made:
            session = Session(ReadSession(made))
            found = await _claim(session, wanted)
            if found is not None:
                answer.repeat(_reply(found, wanted))
                return
            scope["state"][provided.HELD] = session
            await next_app(scope, receive, answer.take)
            if answer.status >= _REFUSED:
                raise _Refused
            await queries.keep(session, wanted, answer.reply(scope, keeping))


async def _claim(session: Session, wanted: Claim) -> Found | None:
    try:
        return await queries.claim(session, wanted)
    except DBAPIError as failure:
        if transient.sql_state(failure) != _LOCK_NOT_AVAILABLE:
            raise
        raise errors.RequestUnderway from None


def _reply(found: Found, wanted: Claim) -> Reply:
    if found.fingerprint != wanted.fingerprint:
        raise errors.IdempotencyKeyReused
    if found.reply.body is None:
        raise errors.ReplyNotKept(extra={"made": found.reply.made})
    return found.reply


def _read(given: list[bytes]) -> str:
    key = given[0].decode("latin-1")
    if len(given) > 1 or not _KEY.match(key):
        raise errors.IdempotencyKeyInvalid
    return key


class _Asked:
    """What a request asks for, whichever way its JSON is written."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip()
        self._content: object = None
        written = body
        # What is no JSON the handler refuses, and then nothing is kept.
        with contextlib.suppress(msgspec.MsgspecError, RecursionError, UnicodeError):
            if media_type.lower() == _JSON:
                self._content = msgspec.json.decode(body)
                written = _SORTED.encode(self._content)
        query = sorted(scope.get("query_string", b"").split(b"&"))
        parts = [scope["path"].encode(), b"&".join(query), media_type.lower().encode()]
        self.fingerprint = hashlib.sha256(b"\n".join([*parts, written])).digest()

    def says(self, member: str) -> bool:
        """Whether the body has ``member``, and it is true."""
        return isinstance(self._content, dict) and self._content.get(member) is True


def _made(body: bytes) -> str | None:
    content = msgspec.json.decode(body)
    found = (content.get(name) for name in ("id", "run_id"))
    return next((str(name) for name in found if name is not None), None)


class _Answer:
    """What the handler answers, held back until it is committed."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.messages.append(message)

    def reply(self, scope: Scope, keeping: Keeping) -> Reply:
        """The answer as it is kept."""
        start, *rest = self.messages
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]  # type: ignore[typeddict-item]
        asked = next((v for n, v in scope["headers"] if n == b"accept-language"), b"")
        headers.append(("content-language", negotiate(asked.decode("latin-1"))))
        body = b"".join(message.get("body", b"") for message in rest)  # type: ignore[misc]
        return Reply(self.status, headers, None if keeping.has_secret else body, _made(body))

    def repeat(self, reply: Reply) -> None:
        """Answer with what was kept."""
        headers = [*reply.headers, (declaring.REPLAYED.lower(), "true")]
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.messages = [
            {"type": "http.response.start", "status": reply.status, "headers": encoded},
            {"type": "http.response.body", "body": reply.body or b"", "more_body": False},
        ]
