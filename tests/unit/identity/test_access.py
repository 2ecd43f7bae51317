"""Who may act as whom, and what the roles of an organisation allow."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from litestar import Controller, Litestar, Router, get

from matchmaker.core import access as declared
from matchmaker.core.events import ActorType
from matchmaker.core.machine import Actor
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import (
    ApiKeyId,
    Organisation,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)

R, S = OrganisationRole, OrganisationState


def principal(*roles: OrganisationRole) -> Principal:
    return Principal(
        organisation_id=OrganisationId(uuid4()),
        roles=frozenset(roles),
        state=S.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(),
    )


@pytest.mark.parametrize(
    ("roles", "own", "others"),
    [
        ((R.SME,), {Actor.OWNER}, set()),
        ((R.PROVIDER,), {Actor.OWNER}, set()),
        ((R.AGENCY,), {Actor.OWNER}, {Actor.AGENCY}),
        ((R.OPERATOR, R.PROVIDER), {Actor.OWNER}, {Actor.OPERATOR}),
        ((R.OPERATOR, R.AGENCY), {Actor.OWNER}, {Actor.OPERATOR, Actor.AGENCY}),
    ],
)
def test_nobody_is_operator_or_agency_of_their_own(
    roles: tuple[OrganisationRole, ...], own: set[Actor], others: set[Actor]
) -> None:
    caller = principal(*roles)
    assert access.actors_of(caller, caller.organisation_id) == own
    assert access.actors_of(caller, OrganisationId(uuid4())) == others


@pytest.mark.parametrize("state", [state for state in S if state is not S.VERIFIED])
def test_agency_and_operator_are_in_force_once_verified(state: OrganisationState) -> None:
    every = frozenset(R)
    assert access.roles_in_force(every, S.VERIFIED) == every
    assert access.roles_in_force(every, state) == {R.SME, R.PROVIDER}


def test_every_scope_is_somebodys_and_the_operator_has_all() -> None:
    assert access.scopes_of([R.OPERATOR]) == frozenset(Scope)
    assert access.scopes_of([]) == frozenset()
    assert access.scopes_of([R.SME, R.PROVIDER]) == (
        access.SCOPES_OF[R.SME] | access.SCOPES_OF[R.PROVIDER]
    )
    assert access.SCOPES_OF.keys() == set(R)


class Silent(Controller):
    path = "/silent"

    @get()
    async def read(self) -> None:
        """Say nothing of access."""


class Telling(Controller):
    path = "/telling"
    opt: Any = access.public()

    @get()
    async def read(self) -> None:
        """Open to all."""

    @get("/mine", opt=access.needs(Scope.NEEDS_READ, roles=[R.SME]))
    async def mine(self) -> None:
        """Not open to all: the handler's word counts, not the controller's."""


def test_a_handler_that_is_silent_about_access_is_refused() -> None:
    app = Litestar([Router("/v1", route_handlers=[Silent, Telling])], openapi_config=None)
    with pytest.raises(declared.AccessNotDeclared, match=r": GET /v1/silent$"):
        declared.check(app)


def test_what_is_declared_is_read_back() -> None:
    app = Litestar([Router("/v1", route_handlers=[Telling])], openapi_config=None)
    declared.check(app)
    found = {path: wanted for _, path, _, wanted in declared.declared(app)}
    assert found["/v1/telling"] == declared.Access(is_public=True)
    assert found["/v1/telling/mine"] == declared.Access(
        is_public=False, scope="needs:read", roles=frozenset({"sme"})
    )


def test_at_the_console_an_organisation_acts_with_its_rights_and_no_key() -> None:
    firm = Organisation(name={"en": "Firm"}, roles=["sme"], state=S.VERIFIED)
    by = access.at_console(firm)
    assert by.organisation_id == firm.id
    assert by.roles == {R.SME}
    assert by.key_id is None
    assert by.scopes == access.SCOPES_OF[R.SME]
    assert access.actors_of(by, firm.id) == {Actor.OWNER}
    told = access.event_actor(by)
    assert (told.type, told.id, told.organisation_id) == (ActorType.CLI, None, firm.id)
    draft = Organisation(name={"en": "Board"}, roles=["operator"], state=S.DRAFT)
    assert access.at_console(draft).roles == set()
