"""Every failure as one shape: RFC 9457 problem details in the caller's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    SerializationException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec

from matchmaker.core import edges, faults, transient
from matchmaker.core.errors import (
    BadRequest,
    FieldFault,
    MatchmakerError,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from matchmaker.core.language import Bilingual, Language, negotiate
from matchmaker.core.wire import FieldProblem, InvalidContent, Problem, UnreadableJson

if TYPE_CHECKING:
    from litestar.types import ExceptionHandlersMap

MEDIA_TYPE = "application/problem+json"
URN = "urn:matchmaker:problem:"

# Litestar names an absent parameter only in its message.
_MISSING = re.compile(r"Missing required (?P<place>\w+) parameter '(?P<name>[\w-]+)'")

_NO_BODY = "'data'"
"""What Litestar says of an empty body: the KeyError of the handler's argument."""

_AS_IN_CODE: Final[Mapping[str, str]] = MappingProxyType({})

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_BY_STATUS: dict[int, type[MatchmakerError]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        NotFound,
        edges.MethodNotAllowed,
        edges.BodyTooSlow,
        edges.BodyTooLarge,
        edges.WrongMediaType,
        Unprocessable,
        Unavailable,
    )
}


class InternalFault(MatchmakerError):
    """A fault of ours; the log has it under the request id."""

    slug = "internal"
    status = 500
    title = Bilingual(zh="服务器内部错误", en="A fault of ours")


class _Told(ResponseSpec):
    """One that nobody changes: Litestar copies every handler twice, with all that is in it."""

    def __deepcopy__(self, memo: object) -> Self:
        """Itself."""
        return self


def problems(*errors: type[MatchmakerError]) -> dict[int, ResponseSpec]:
    """OpenAPI responses of an operation that may fail with ``errors``.

    The edges of every operation (``core.http``) and the generic faults are always among them.
    """
    named: tuple[type[MatchmakerError], ...] = (
        *edges.EVERYWHERE,
        *errors,
        Unavailable,
        InternalFault,
    )
    kinds = list(dict.fromkeys(named))
    slugs: dict[int, list[str]] = {}
    for kind in kinds:
        slugs.setdefault(kind.status, []).append(f"`{kind.slug}` {kind.title.en}")
    return {
        status: _Told(
            data_container=Problem,
            description="; ".join(names),
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status, names in sorted(slugs.items())
    }


def known(failure: Exception, spellings: Mapping[str, str] = _AS_IN_CODE) -> MatchmakerError:
    """The failure by its name among ours; whatever has none is ``InternalFault``.

    ``spellings`` has the parameters that callers know by another name than the code.
    """
    if isinstance(failure, MatchmakerError):
        return failure
    if isinstance(failure, ExceptionGroup) and len(failure.exceptions) == 1:
        return known(failure.exceptions[0], spellings)
    if isinstance(failure, HTTPException):
        return _from_http(failure, spellings)
    if transient.is_transient(failure):
        return Unavailable()
    if isinstance(failure, (RecursionError, UnicodeDecodeError, SerializationException)):
        return UnreadableJson()
    return transient.meaning(failure) or InternalFault()


def _from_http(failure: HTTPException, spellings: Mapping[str, str]) -> MatchmakerError:
    if isinstance(failure, ValidationException):
        return _from_validation(failure, spellings)
    if isinstance(failure.__cause__, SerializationException):
        return UnreadableJson()
    if isinstance(failure, MethodNotAllowedException):
        return edges.MethodNotAllowed(allow=(failure.headers or {}).get("allow", ""))
    return _BY_STATUS.get(failure.status_code, InternalFault)()


def _from_validation(failure: ValidationException, spellings: Mapping[str, str]) -> MatchmakerError:
    listed = failure.extra if isinstance(failure.extra, list) else []
    found = [_fault(entry, spellings) for entry in listed if isinstance(entry, dict)]
    if missing := _MISSING.match(failure.detail):
        message = Bilingual(zh="缺少该参数", en="is required")
        found.append(FieldFault(f"#/{missing['place']}/{missing['name']}", "missing", message))
    return InvalidContent(errors=found)


def _fault(entry: dict[str, Any], spellings: Mapping[str, str]) -> FieldFault:
    if entry.get("message") == _NO_BODY:
        return FieldFault("#", "missing", Bilingual(zh="缺少请求体", en="the body is missing"))
    key, source = str(entry.get("key", "")), entry.get("source")
    root = "#" if source in {None, "body"} else f"#/{getattr(source, 'value', source)}"
    path = "" if key in {"", "data"} else "." + spellings.get(key, key).removeprefix("data.")
    found = faults.from_message(str(entry.get("message", "")), root=root)
    return found._replace(pointer=faults.pointer_of(path, root))


def _spellings(request: Request[Any, Any, State]) -> dict[str, str]:
    """The parameters of the operation that callers know by another name, as `from`."""
    handler = request.scope.get("route_handler")
    if handler is None:
        return {}
    declared = handler.parsed_fn_signature.parameters
    return {
        name: spelt
        for name, parameter in declared.items()
        if (spelt := getattr(parameter.kwarg_definition, "name", None))
    }


def answer(request: Request[Any, Any, State], failure: Exception) -> Response[dict[str, Any]]:
    """The response to any failure; what is ours is logged, nothing internal leaves."""
    error = known(failure, _spellings(request))
    if isinstance(error, InternalFault):
        _log.error("request.failed", exc_info=failure)
    elif isinstance(error, Unavailable):
        _log.warning("database.unavailable", kind=type(failure).__name__)
    elif transient.sql_state(failure) == "42501":
        _log.critical("database.permission_refused", state="42501")
    language = negotiate(request.headers.get("accept-language", ""))
    return Response(
        body(error, language, edges.request_id(request.scope)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=_headers(error),
    )


def body(error: MatchmakerError, language: Language, request_id: str) -> dict[str, Any]:
    """The members of the problem."""
    problem = Problem(
        type=URN + error.slug,
        title=error.title.in_language(language),
        status=error.status,
        code=error.slug,
        instance=f"urn:uuid:{request_id}",
        detail=error.detail.in_language(language) if error.detail else None,
        errors=[
            FieldProblem(
                pointer=fault.pointer, code=fault.code, message=fault.message.in_language(language)
            )
            for fault in error.errors
        ],
    )
    return {**error.extra, **msgspec.structs.asdict(problem)}


def _headers(error: MatchmakerError) -> dict[str, str]:
    headers: dict[str, str] = {"Cache-Control": "no-store", **error.headers}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, edges.MethodNotAllowed):
        headers["Allow"] = error.allow
    if isinstance(error, Unauthenticated):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="matchmaker"')
    if isinstance(error, (edges.BodyTooLarge, edges.BodyTooSlow)):
        # The rest of the body was not read: the connection cannot be used again.
        headers["Connection"] = "close"
    return headers


def handlers() -> ExceptionHandlersMap:
    """The exception handlers of the application: one for all."""
    return {Exception: answer, HTTPException: answer}
