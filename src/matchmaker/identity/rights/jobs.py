"""What workers do for people who ask about themselves: all of it in one transaction, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from matchmaker.identity.rights import service
from matchmaker.identity.rights.models import RightsKind, RightsRequestId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.core import jobs
    from matchmaker.core.erasing import Eraser


def handlers(erasers: Sequence[Eraser]) -> Mapping[str, jobs.Handler]:
    """What a worker does, by the kind of the job."""

    async def export(context: jobs.Context, payload: dict[str, Any]) -> dict[str, Any]:
        id_ = RightsRequestId(UUID(payload["id"]))
        return {"counts": await service.export(context.session, id_, erasers)}

    async def erase(context: jobs.Context, payload: dict[str, Any]) -> dict[str, Any]:
        id_ = RightsRequestId(UUID(payload["id"]))
        return {"counts": await service.erase(context.session, id_, erasers)}

    return {
        service.JOBS[RightsKind.EXPORT]: export,
        service.JOBS[RightsKind.ERASURE]: erase,
    }
