"""`/livez` (the process runs) and `/readyz` (it can answer): named checks, each with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from litestar import Controller, Request, Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from matchmaker.core import db, migrate
from matchmaker.core.problems import problems

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

DEADLINE = 0.3
"""Seconds one check may take."""

Check = Callable[[], Awaitable[bool]]
"""True where this part is ready; an exception or a late answer counts as not ready."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the process can answer, and which part cannot."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, bool]


NOT_READY = ResponseSpec(Readiness, description="Not ready", generate_examples=False)


class HealthController(Controller):
    """Health of this process."""

    tags = ("Service",)

    @get("/livez", operation_id="readLiveness", responses=problems())
    async def live(self) -> dict[str, str]:
        """Say that the process runs; depends on nothing else."""
        return {"status": "alive"}

    @get("/readyz", operation_id="readReadiness", responses={**problems(), 503: NOT_READY})
    async def ready(self, request: Request[Any, Any, State]) -> Response[Readiness]:
        """Say whether the process can answer, part by part; 503 where it cannot."""
        checks: Mapping[str, Check] = request.app.state["checks"]
        results = await asyncio.gather(*(_passes(check) for check in checks.values()))
        found = dict(zip(checks, results, strict=True))
        good = all(results)
        return Response(
            Readiness(status="ready" if good else "not_ready", checks=found),
            status_code=200 if good else 503,
            headers={"Cache-Control": "no-store"},
        )


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(DEADLINE):
            return await check()
    except Exception:  # noqa: BLE001  (whatever is wrong with a part, the answer is "not ready")
        return False


def database_checks(engine: AsyncEngine) -> dict[str, Check]:
    """The two checks every installation has: the database answers, and its schema is the newest."""
    newest = migrate.head()

    async def database() -> bool:
        return await db.answers(engine)

    async def schema() -> bool:
        return await db.revision(engine) == newest

    return {"database": database, "schema": schema}
