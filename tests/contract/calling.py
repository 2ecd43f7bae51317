"""Every operation of the API as it is declared, and how one is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import uuid4

import httpx
import msgspec
from tests import release
from tests.contract.owned import BODIES, QUERIES, RAW, SHARED

from matchmaker.app import installed
from matchmaker.core import access, db, once
from matchmaker.core.access import Access
from matchmaker.core.origin import HEADER
from matchmaker.core.settings import Settings

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@dataclass(frozen=True)
class Operation:
    """One operation and what it declares."""

    id: str
    method: str
    path: str
    wanted: Access
    takes_a_body: bool
    media_type: str
    is_once: bool
    """Whether it takes an Idempotency-Key."""

    def __str__(self) -> str:
        return self.id


def parameters(operation: Operation) -> list[str]:
    parts = [part.strip("{}") for part in operation.path.split("/") if part.startswith("{")]
    return [part.partition(":")[0] for part in parts]


def operations() -> list[Operation]:
    settings = Settings(secret="s" * 32)
    app = installed(settings, db.create_engine(NOWHERE, settings), release.released())
    found = []
    for method, path, handler, wanted in access.declared(app):
        assert wanted is not None
        accepted = handler.opt.get("accepts", ("application/json",))
        body = handler.parsed_data_field is not None
        name = str(getattr(handler, "operation_id", ""))
        is_once = once.of(handler) is not None
        found.append(Operation(name, method, path, wanted, body, accepted[0], is_once))
    return found


OPERATIONS = operations()
GUARDED = [operation for operation in OPERATIONS if not operation.wanted.is_public]
PUBLIC = [operation for operation in OPERATIONS if operation.wanted.is_public]


async def call(
    api: httpx.AsyncClient,
    operation: Operation,
    headers: dict[str, str] | None = None,
    ids: Mapping[str, object] = MappingProxyType({}),
    *,
    asking: Mapping[str, str] = MappingProxyType({}),
    **more: object,
) -> httpx.Response:
    """The answer to a request that is sound in everything but, perhaps, its caller and ids.

    Ids that are not given are nobody's; ``asking`` goes into the query, ``more`` into the body.
    """
    path = re.sub(r":\w+}", "}", operation.path)
    named = {name: ids.get(name, SHARED.get(name, uuid4())) for name in parameters(operation)}
    sent = {HEADER: "test", **(headers or {}), "If-Match": '"1"'}
    content = None
    if operation.takes_a_body:
        sent["Content-Type"] = operation.media_type
        content = msgspec.json.encode({**BODIES[operation.id], **more})
    if operation.id in RAW:
        sent["Content-Type"], content = RAW[operation.id]
    query = {**QUERIES.get(operation.id, {}), **asking}
    return await api.request(
        operation.method, path.format(**named), params=query, headers=sent, content=content
    )


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def anonymous(answer: httpx.Response) -> tuple[bytes, dict[str, str]]:
    """Body and headers without what differs between any two requests.

    That is the id of the request, and a cursor, which is sealed with what was asked.
    """
    own = answer.headers["x-request-id"]
    headers = {name: value.replace(own, "") for name, value in answer.headers.items()}
    content = re.sub(rb'"next":"[^"]+"', b'"next":""', answer.content)
    return content.replace(own.encode(), b""), headers
