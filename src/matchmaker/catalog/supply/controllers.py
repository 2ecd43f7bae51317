"""A provider's own supply card over HTTP."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, patch, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.catalog import schemas as shown
from matchmaker.catalog.controllers import provider_to_wire
from matchmaker.catalog.errors import ProviderNotFound, UnusableDeclaration
from matchmaker.catalog.supply import schemas, service
from matchmaker.core import etags, patching
from matchmaker.core.db import Session
from matchmaker.core.problems import problems
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import Principal, Scope, event_actor, needs
from matchmaker.identity.models import OrganisationId, OrganisationRole

Caller = NamedDependency[SkipValidation[Principal]]

_WRITE: Final = needs(Scope.OFFERINGS_WRITE, roles=(OrganisationRole.PROVIDER,))
_FIRST: Final = {
    201: ResponseSpec(shown.Provider, description="The first card", generate_examples=False)
}


class SupplyCardController(Controller):
    """What an organisation says of itself as a provider."""

    path = "/providers/{organisation_id:uuid}"
    tags = ("Catalog",)

    @put(
        operation_id="putProvider",
        status_code=200,
        opt=_WRITE,
        response_headers=etags.HEADERS,
        responses=_FIRST | problems(ProviderNotFound, UnusableDeclaration, *etags.PROBLEMS),
    )
    async def state(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        data: JSONBody[schemas.SupplyCard],
        session: NamedDependency[Session],
        principal: Caller,
        known_revision: NamedDependency[int | None],
    ) -> Response[shown.Provider]:
        """State the own supply card as a whole; the first time needs no If-Match."""
        _own(principal, organisation_id)
        card, is_first = await service.state_card(
            session,
            organisation_id,
            data,
            revision=known_revision,
            recorded=event_actor(principal),
        )
        status = 201 if is_first else 200
        return etags.tagged(provider_to_wire(card), card.revision, status_code=status)

    @patch(
        operation_id="patchProvider",
        opt={**_WRITE, **patching.OPT},
        response_headers=etags.HEADERS,
        responses=problems(ProviderNotFound, UnusableDeclaration, InvalidContent, *etags.PROBLEMS),
    )
    async def change(
        self,
        organisation_id: FromPath[OrganisationId],
        *,
        data: JSONBody[schemas.SupplyCardPatch],
        session: NamedDependency[Session],
        principal: Caller,
        expected_revision: NamedDependency[int],
    ) -> Response[shown.Provider]:
        """Change the own supply card by a merge patch; null takes a fact away."""
        _own(principal, organisation_id)
        card = await service.patch_card(
            session,
            organisation_id,
            data,
            revision=expected_revision,
            recorded=event_actor(principal),
        )
        return etags.tagged(provider_to_wire(card), card.revision)


def _own(principal: Principal, organisation_id: OrganisationId) -> None:
    """Nothing, where the card is the caller's; one that is not and none at all answer alike."""
    if principal.organisation_id != organisation_id:
        raise ProviderNotFound
