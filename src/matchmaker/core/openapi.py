"""The OpenAPI document, made true: bodies come from the very types that read and write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import msgspec.inspect
from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.routes import HTTPRoute

from matchmaker.core import access, etags, limits, once, origin, transitions
from matchmaker.core.edges import ABOUT_BODY
from matchmaker.core.wire import END, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from litestar import Litestar
    from litestar.handlers import HTTPRouteHandler

    from matchmaker.core.access import Access
    from matchmaker.core.errors import MatchmakerError

TITLE = "matchmaker"
SCHEMAS = "schemas"
"""Where in the ``opt`` of an app the schemas are that no type can state, by name."""
REF = "#/components/schemas/"
_REF = re.compile(rf'"{REF}([^"]+)"')
_PROBLEM_JSON = "application/problem+json"
_BEARER = "bearer"
_COOKIE = "session"
_CLIENT = "client"
_SECURITY = {
    _BEARER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "mmk_live_*",
        "description": "An API key of an organisation, or a token of `POST /v1/oauth/token`; an "
        "operation names the scope it needs",
    },
    _CLIENT: {
        "type": "http",
        "scheme": "basic",
        "description": "The public id of a key and its whole text (`client_secret_basic`)",
    },
    _COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": origin.COOKIE,
        "description": "A person who is logged in (`POST /v1/sessions`); changes also carry the "
        f"header `{origin.HEADER}`, which no other site can send",
    },
}
_PYTHON_END = msgspec.json.encode(END)[1:-1]
_ABOUT = (
    "A text whose `format` is the name of a scheme of `GET /v1/taxonomy` is one of its codes, and "
    "`rule_field` a field of the field catalogue. Whole numbers are written without a fraction: "
    "79, not 79.0. Bodies take no member that is not described."
)
FORM = "form"
"""In ``opt`` of a handler that reads a form itself: the type that describes it."""
ANSWERS = "answers"
"""In ``opt`` of a handler that answers with a file: the media types it may have."""
_BINARY = {"type": "string", "format": "binary"}
_PLAIN = "^[^\\x00-\\x08\\x0b-\\x1f]*$"


class _NoPages(Router):
    """Takes the pages Litestar would add beside ours and serves none of them."""

    def register(self, value: Any) -> list[Any]:  # noqa: ANN401, ARG002  (Litestar's signature)
        return []


def config() -> OpenAPIConfig:
    """How Litestar describes the handlers; ``document`` corrects the result."""
    return OpenAPIConfig(
        title=TITLE,
        version="1",
        description=_ABOUT,
        use_handler_docstrings=True,
        openapi_router=_NoPages("/openapi", route_handlers=[]),
    )


def document(app: Litestar) -> dict[str, Any]:
    """The document of ``app``, keys in a stable order.

    Every request and response body is described by msgspec from its type, so that length, pattern
    and unknown-field rules are the ones that are enforced.
    """
    found: dict[str, Any] = app.openapi_schema.to_schema()
    pairs = list(_operations(app, found))
    types = list(
        dict.fromkeys([Problem, *(t for h, _ in pairs for t in (_takes(h), _gives(h)) if t)])
    )
    schemas, components = msgspec.json.schema_components(types, ref_template=REF + "{name}")
    by_type = dict(zip(types, schemas, strict=True))
    _add_described(types, components)
    for handler, operation in pairs:
        _describe_files(handler, operation)
        _correct(operation, by_type.get(_takes(handler)), by_type.get(_gives(handler)))
        _name_transitions(handler, operation)
        for declared in (access.of(handler), once.of(handler)):
            _declare_problems(declared.problems if declared else (), operation)
        if access.of(handler):
            _declare_problems([limits.TooManyRequests], operation)
        _declare_security(access.of(handler), operation)
        once.describe(once.of(handler), operation)
        _correct_problems(operation, by_type[Problem])
        _correct_conditions(handler, operation)
    ours: dict[str, Any] = found.get("components", {}).get("schemas", {})
    found.setdefault("components", {})["schemas"] = _referenced(
        found["paths"], {**ours, **components, **app.opt.get(SCHEMAS, {})}
    )
    found["components"]["securitySchemes"] = _SECURITY
    # In the dialect of JSON Schema `$` is the very end, and few tools read the lookahead.
    exact = msgspec.json.encode(found, order="sorted").replace(_PYTHON_END, b"$")
    finished: dict[str, Any] = msgspec.json.decode(exact)
    return finished


def _add_described(types: Sequence[Any], components: dict[str, Any]) -> None:
    """Add what structs refuse beyond the types of their members."""
    for kind in _structs(msgspec.inspect.multi_type_info(types), set()):
        described = getattr(kind, "json_schema", None)
        if described is not None:
            components[kind.__name__].update(described)


def _structs(found: object, seen: set[int]) -> Iterator[type[msgspec.Struct]]:
    """Every struct that a description of types names, each once."""
    if isinstance(found, tuple | list):
        for inner in found:
            yield from _structs(inner, seen)
    elif isinstance(found, msgspec.inspect.Type | msgspec.inspect.Field) and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, msgspec.inspect.StructType):
            yield found.cls
        for name in found.__struct_fields__:
            yield from _structs(getattr(found, name), seen)


def _operations(
    app: Litestar, found: dict[str, Any]
) -> Iterator[tuple[HTTPRouteHandler, dict[str, Any]]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                operation = found["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    yield handler, operation


def _takes(handler: HTTPRouteHandler) -> Any:  # noqa: ANN401  (a type form)
    field = handler.parsed_data_field
    return field.annotation if field else handler.opt.get(FORM)


def _gives(handler: HTTPRouteHandler) -> Any:  # noqa: ANN401  (a type form)
    field = handler.parsed_return_field
    if field.inner_types and field.origin is not None and field.origin.__name__ == "Response":
        field = field.inner_types[0]
    return None if field.annotation in {None, type(None), bytes, Any} else field.annotation


def _describe_files(handler: HTTPRouteHandler, operation: dict[str, Any]) -> None:
    """Say of a handler that reads or writes plain octets which files these may be."""
    accepted: tuple[str, ...] = handler.opt.get("accepts", ())
    if accepted and handler.parsed_data_field is None:
        content = {name: {"schema": _BINARY} for name in accepted}
        operation["requestBody"] = {"required": True, "content": content}
    answers: tuple[str, ...] = handler.opt.get(ANSWERS, ())
    if answers:
        found = {name: {"schema": _BINARY} for name in answers}
        operation["responses"]["200"]["content"] = found


def _correct(operation: dict[str, Any], takes: object, gives: object) -> None:
    if takes is not None:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["schema"] = takes
    for status, response in operation["responses"].items():
        if gives is not None and status.startswith("2"):
            for content in response.get("content", {}).values():
                content["schema"] = gives


def _name_transitions(handler: HTTPRouteHandler, operation: dict[str, Any]) -> None:
    """Say which transitions there are for what the operation is about, from its machine."""
    names: tuple[str, ...] = handler.opt.get(transitions.STEPS, ())
    if names:
        named = {"properties": {"transition": {"enum": list(names)}}}
        for content in operation["requestBody"]["content"].values():
            content["schema"] = {**content["schema"], **named}


def _declare_security(wanted: Access | None, operation: dict[str, Any]) -> None:
    """Say who may call the operation, from what the guard reads."""
    if wanted is None:
        return
    scopes = [] if wanted.scope is None else [wanted.scope]
    if wanted.is_entry:
        known = [{_CLIENT: scopes}] if wanted.proves_itself else []
    else:
        known = [{_BEARER: scopes}, {_COOKIE: scopes}][wanted.by_person :]
    operation["security"] = [{}, *known] if wanted.is_public else known


def _declare_problems(kinds: Iterable[type[MatchmakerError]], operation: dict[str, Any]) -> None:
    """Say how requests are refused by what their operation declares."""
    for kind in kinds:
        response = operation["responses"].setdefault(
            str(kind.status), {"description": "", "content": {_PROBLEM_JSON: {}}}
        )
        told = (response["description"], f"`{kind.slug}` {kind.title.en}")
        response["description"] = "; ".join(filter(None, told))


def _correct_problems(operation: dict[str, Any], problem: object) -> None:
    responses, parameters = operation["responses"], operation.get("parameters", [])
    if "requestBody" not in operation:
        for status in ABOUT_BODY:
            responses.pop(str(status), None)
    if any(parameter["in"] == "path" for parameter in parameters):
        responses.setdefault(
            "404", {"description": "`not_found` Not found", "content": {_PROBLEM_JSON: {}}}
        )
    for parameter in parameters:
        _correct_list(parameter["schema"])
        _correct_text(parameter["schema"])
    for response in responses.values():
        if _PROBLEM_JSON in response.get("content", {}):
            response["content"] = {_PROBLEM_JSON: {"schema": problem}}


def _correct_conditions(handler: HTTPRouteHandler, operation: dict[str, Any]) -> None:
    """Say which media type a body has, that If-Match is needed, and when the answer is a 304."""
    etags.require(operation)
    content = operation.get("requestBody", {}).get("content", {})
    accepted: tuple[str, ...] = handler.opt.get("accepts", ())
    if accepted and content and _takes(handler) is not None:
        (described,) = content.values()
        operation["requestBody"]["content"] = dict.fromkeys(accepted, described)
    answered = operation["responses"].get("200", {})
    if "GET" in handler.http_methods and "ETag" in answered.get("headers", {}):
        operation["responses"]["304"] = {
            "description": "The caller's If-None-Match names the current ETag"
        }


def _correct_list(schema: dict[str, Any]) -> None:
    """A list in the query is one, or is left out; one name is a list of one."""
    for inner in schema.get("oneOf", ()):
        if inner.get("type") == "array":
            del schema["oneOf"]
            schema.update(inner)
            return


def _correct_text(schema: dict[str, Any]) -> None:
    """Say of a text in the query what ``core.http`` holds it to."""
    for inner in (schema, schema.get("items"), *schema.get("oneOf", ())):
        if isinstance(inner, dict) and inner.get("type") == "string":
            if not inner.keys() & {"pattern", "enum", "format", "const"}:
                inner["pattern"] = _PLAIN
        elif isinstance(inner, dict) and inner is not schema:
            _correct_text(inner)


def _referenced(paths: object, schemas: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    waiting = _REF.findall(msgspec.json.encode(paths).decode())
    while waiting:
        name = waiting.pop()
        if name not in kept and name in schemas:
            kept[name] = schemas[name]
            waiting.extend(_REF.findall(msgspec.json.encode(schemas[name]).decode()))
    return kept
