"""Use-cases of components: lines of a bill, kept by whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog.components import queries
from matchmaker.catalog.components.declaration import ComponentFacts, component_faults
from matchmaker.catalog.components.errors import BillNotFound, ComponentNotFound, UnusableComponent
from matchmaker.catalog.components.models import Component
from matchmaker.catalog.components.queries import Bill
from matchmaker.catalog.errors import OfferingNotFound
from matchmaker.catalog.rights import happened
from matchmaker.core import events, patching, rows
from matchmaker.core.errors import StaleVersion
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from typing import Any

    from matchmaker.catalog.components.models import ComponentId
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import Event
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker

_JUDGING = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})


async def offering_bill(
    session: ReadSession, offering_id: OfferingId, visitor: Principal | None
) -> Bill:
    """The technology bill of an offering, for whoever may see the offering.

    Raises:
        OfferingNotFound: there is none, or it is not for ``visitor`` to see.
    """
    found = await queries.bill_of_offering(session, offering_id)
    if found is None or not (found.is_public or _sees(visitor, found)):
        raise OfferingNotFound
    return found


async def own_offering_bill(
    session: ReadSession, offering_id: OfferingId, principal: Principal
) -> Bill:
    """The technology bill of an offering of the caller's.

    Raises:
        OfferingNotFound: there is none, or it is somebody else's.
    """
    found = await queries.bill_of_offering(session, offering_id)
    if found is None or found.organisation_id != principal.organisation_id:
        raise OfferingNotFound
    return found


def own_systems(organisation_id: OrganisationId, principal: Principal) -> Bill:
    """The systems of the caller's own firm: nobody else sees them.

    Raises:
        BillNotFound: the firm is another one.
    """
    if principal.organisation_id != organisation_id:
        raise BillNotFound
    return Bill(organisation_id)


async def find(session: ReadSession, bill: Bill, component_id: ComponentId) -> Component:
    """The component.

    Raises:
        ComponentNotFound: the bill has none of this id.
    """
    found = await queries.find(session, bill, component_id)
    if found is None:
        raise ComponentNotFound
    return found


async def add(
    session: Session, principal: Principal, bill: Bill, facts: ComponentFacts, *, checker: Checker
) -> Component:
    """The component as a new line of the bill.

    Raises:
        UnusableComponent: with every fault.
    """
    _refuse_faults(checker, facts)
    made = Component(
        organisation_id=bill.organisation_id, offering_id=bill.offering_id, **_columns(facts)
    )
    session.add(made)
    await session.flush()
    await events.append(session, _event("added", made, principal))
    return await find(session, bill, made.id)


async def revise(
    session: Session,
    principal: Principal,
    found: Component,
    patch: msgspec.Struct,
    *,
    revision: int,
    checker: Checker,
) -> Component:
    """The component after ``patch``.

    Raises:
        StaleVersion: it is no longer at ``revision``.
        UnusableComponent: with every fault.
    """
    if found.revision != revision:
        raise StaleVersion
    before = facts_of(found)
    after = patching.merged(before, patch)
    if after == before:
        return found
    _refuse_faults(checker, after)
    values = _columns(after)
    if await rows.revise(session, Component, found.id, revision=revision, values=values) is None:
        raise StaleVersion
    await events.append(session, _event("revised", found, principal))
    bill = Bill(found.organisation_id, found.offering_id)
    return await find(session, bill, found.id)


async def remove(
    session: Session, principal: Principal, found: Component, *, revision: int
) -> None:
    """Take the component out of its bill.

    Raises:
        StaleVersion: it is no longer at ``revision``.
    """
    if not await queries.remove(session, found.id, revision=revision):
        raise StaleVersion
    await events.append(session, _event("removed", found, principal))


def facts_of(stored: Component) -> ComponentFacts:
    """What a stored component says."""
    names = ComponentFacts.__struct_fields__
    return msgspec.convert({name: getattr(stored, name) for name in names}, ComponentFacts)


def _sees(visitor: Principal | None, bill: Bill) -> bool:
    if visitor is None:
        return False
    return visitor.organisation_id == bill.organisation_id or bool(_JUDGING & visitor.roles)


def _columns(facts: ComponentFacts) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(facts)
    return {**plain, "substitutes": list(plain["substitutes"])}


def _event(verb: str, component: Component, principal: Principal) -> Event:
    offering = component.offering_id
    return happened(
        f"component.{verb}",
        component.id,
        component.organisation_id,
        event_actor(principal),
        offering_id=None if offering is None else str(offering),
        layer=component.layer,
    )


def _refuse_faults(checker: Checker, facts: ComponentFacts) -> None:
    faults = list(component_faults(checker, facts, "#"))
    if faults:
        raise UnusableComponent(errors=faults)
