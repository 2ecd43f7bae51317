"""`/openapi.json` and `/docs`: the contract for machines and for readers, all assets our own."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.datastructures import State

from matchmaker.core import openapi
from matchmaker.core.language import Language, negotiate

if TYPE_CHECKING:
    from collections.abc import Iterator

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "h2{margin-top:2.5rem}code,pre{font:14px/1.4 ui-monospace,monospace}"
    "article{border-top:1px solid;padding:.5rem 0}pre{overflow:auto}"
    "b{display:inline-block;min-width:4rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class DocsController(Controller):
    """The contract of the API."""

    include_in_schema = False

    @get("/openapi.json", operation_id="readContract")
    async def contract(self, request: Request[Any, Any, State]) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        return _document(request)

    @get("/docs", operation_id="readDocs")
    async def page(self, request: Request[Any, Any, State]) -> Response[str]:
        """The same document as a page."""
        language = negotiate(request.headers.get("accept-language", ""))
        return Response(
            "".join(_page(_document(request), language)),
            media_type=MediaType.HTML,
            headers={"Content-Security-Policy": POLICY},
        )


def _document(request: Request[Any, Any, State]) -> dict[str, Any]:
    state = request.app.state
    if "openapi_document" not in state:
        state["openapi_document"] = openapi.document(request.app)
    found: dict[str, Any] = state["openapi_document"]
    return found


def _page(document: dict[str, Any], language: Language) -> Iterator[str]:
    zh = language == "zh"
    title = f"{openapi.TITLE} API"
    yield f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
    yield f'<p><a href="/openapi.json">{"OpenAPI 文档" if zh else "The OpenAPI document"}</a></p>'
    yield f"<h2>{'操作' if zh else 'Operations'}</h2>"
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield from _operation(path, method, operation)
    yield f"<h2>{'数据结构' if zh else 'Shapes'}</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield from _shape(name, schema)
    yield "</main></body></html>"


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<article id="{escape(operation["operationId"])}">'
    yield f"<h3><b>{escape(method.upper())}</b> <code>{escape(path)}</code></h3>"
    yield f"<p>{escape(operation.get('description', ''))}</p><ul>"
    for parameter in operation.get("parameters", []):
        yield f"<li><code>{escape(parameter['name'])}</code> ({escape(parameter['in'])})</li>"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"<li>&rarr; {_name(content.get('schema', {}))}</li>"
    for status, response in operation["responses"].items():
        shapes = "".join(_name(c.get("schema", {})) for c in response.get("content", {}).values())
        yield f"<li>{escape(status)} {shapes} {escape(response.get('description', ''))}</li>"
    yield "</ul></article>"


def _shape(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<article id="{escape(name)}"><h3><code>{escape(name)}</code></h3>'
    yield f"<p>{escape(schema.get('description', ''))}</p><ul>"
    required = schema.get("required", [])
    for field, inner in schema.get("properties", {}).items():
        mark = " *" if field in required else ""
        said = escape(inner.get("description", ""))
        yield f"<li><code>{escape(field)}</code>{mark} {_name(inner)} {said}</li>"
    yield "</ul></article>"


def _name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(openapi.REF))
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " | ".join(_name(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_name(schema.get('items') or {})}]"
    return f"<code>{escape(str(schema.get('type', schema.get('enum', ''))))}</code>"
