"""The rights of a person over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core.canonical import canonical
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.problems import problems
from matchmaker.core.signing import Signer
from matchmaker.identity import access
from matchmaker.identity.access import Principal
from matchmaker.identity.errors import RightsRequestNotFound
from matchmaker.identity.rights import schemas, service
from matchmaker.identity.rights.models import RightsKind, RightsRequestId
from matchmaker.identity.sessions.controllers import login_of

if TYPE_CHECKING:
    from matchmaker.identity.rights.models import RightsRequest


class RightsController(Controller):
    """What the person who is logged in asks about themselves."""

    path = "/me"
    tags = ("Identity",)
    opt = access.person()

    @post("/export", operation_id="exportMe", status_code=202, responses=problems())
    async def export(
        self, session: NamedDependency[Session], principal: NamedDependency[Principal]
    ) -> schemas.RightsRequest:
        """Ask for everything that is known of you; a job gathers it, read the request for it."""
        return _told(await service.ask(session, login_of(principal), RightsKind.EXPORT))

    @post("/erasure", operation_id="eraseMe", status_code=202, responses=problems())
    async def erase(
        self,
        data: JSONBody[schemas.ErasureRequest],
        session: NamedDependency[Session],
        principal: NamedDependency[Principal],
    ) -> schemas.RightsRequest:
        """Ask to be forgotten; a job does it for good, and its receipt is told by this number.

        You are logged out everywhere and are nobody's member then. Events keep numbers alone.
        """
        asked = await service.ask(
            session, login_of(principal), RightsKind.ERASURE, with_firms=data.with_firms
        )
        return _told(asked)

    @get(
        "/rights-requests/{request_id:uuid}",
        operation_id="getRightsRequest",
        responses=problems(RightsRequestNotFound),
    )
    async def read(
        self,
        request_id: FromPath[RightsRequestId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
    ) -> schemas.RightsRequest:
        """Read what came of your request: of an export, everything that is known of you."""
        return _told(await service.read(read_session, request_id, login_of(principal)))


class ErasureReceiptController(Controller):
    """Receipts of erasures."""

    path = "/erasure-receipts"
    tags = ("Identity",)

    @get(
        "/{request_id:uuid}",
        operation_id="getErasureReceipt",
        responses=problems(RightsRequestNotFound),
        opt=access.public(),
    )
    async def read(
        self,
        request_id: FromPath[RightsRequestId],
        read_session: NamedDependency[ReadSession],
        signer: NamedDependency[SkipValidation[Signer]],
    ) -> schemas.SignedErasure:
        """Read the signed receipt of an erasure that is done, by the number it was asked with."""
        found = await service.receipt(read_session, request_id)
        assert found.done_at is not None  # noqa: S101  (the service gives no other)
        said = schemas.ErasureReceipt(
            request_id=found.id,
            counts=dict(found.counts or {}),
            requested_at=found.requested_at,
            done_at=found.done_at,
        )
        return schemas.SignedErasure(receipt=said, signature=signer.sign(canonical(said)))


def _told(row: RightsRequest) -> schemas.RightsRequest:
    return schemas.RightsRequest(
        id=row.id,
        kind=row.kind,
        requested_at=row.requested_at,
        done_at=row.done_at,
        content=row.content,
    )


CONTROLLERS = (RightsController, ErasureReceiptController)
