"""Use-cases of identity."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matchmaker.identity import queries
from matchmaker.identity.models import (
    OrganisationId,
    OrganisationRole,
    OrganisationState,
    new_organisation_id,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.db import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredProvider:
    """What an operator's file says of an organisation that provides."""

    external_id: str
    name: dict[str, str]
    provider_kind: str | None = None
    region: str | None = None
    uscc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFirm:
    """What an operator's file says of an organisation that looks for something."""

    external_id: str
    name: dict[str, str] | None = None
    """None: it keeps the name it has."""


class Outcome(enum.StrEnum):
    """What a declaration did to what was stored."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


async def register_providers(
    session: Session, declared: Sequence[DeclaredProvider]
) -> dict[str, tuple[OrganisationId, Outcome]]:
    """The organisation of each declaration by external id; the operator's word verifies a new one.

    An organisation that is known keeps its state and its other roles.
    """
    known = await queries.cards_by_external_id(session, [one.external_id for one in declared])
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    found: dict[str, tuple[OrganisationId, Outcome]] = {}
    for one in declared:
        values = dataclasses.asdict(one)
        card = known.get(one.external_id)
        if card is None:
            id_ = new_organisation_id()
            added.append(
                {
                    **values,
                    "id": id_,
                    "roles": [OrganisationRole.PROVIDER.value],
                    "state": OrganisationState.VERIFIED,
                }
            )
            found[one.external_id] = id_, Outcome.NEW
            continue
        values["roles"] = sorted({*card.roles, OrganisationRole.PROVIDER.value})
        is_same = all(getattr(card, name) == value for name, value in values.items())
        found[one.external_id] = card.id, Outcome.UNCHANGED if is_same else Outcome.CHANGED
        if not is_same:
            changed.append({**values, "of": card.id})
    await queries.insert_organisations(session, added)
    await queries.update_organisations(session, changed)
    return found


async def register_firms(
    session: Session, declared: Sequence[DeclaredFirm]
) -> dict[str, tuple[OrganisationId, Outcome]]:
    """The organisation of each declaration by its key; the operator's word verifies a new one.

    An organisation that is known keeps its state and its other roles. A new one has a name.
    """
    known = await queries.cards_by_external_id(session, [one.external_id for one in declared])
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    found: dict[str, tuple[OrganisationId, Outcome]] = {}
    for one in declared:
        card = known.get(one.external_id)
        if card is None:
            id_ = new_organisation_id()
            added.append(
                {
                    "id": id_,
                    "external_id": one.external_id,
                    "name": one.name,
                    "roles": [OrganisationRole.SME.value],
                    "state": OrganisationState.VERIFIED,
                }
            )
            found[one.external_id] = id_, Outcome.NEW
            continue
        roles = sorted({*card.roles, OrganisationRole.SME.value})
        name = one.name or card.name
        is_same = (card.name, sorted(card.roles)) == (name, roles)
        found[one.external_id] = card.id, Outcome.UNCHANGED if is_same else Outcome.CHANGED
        if not is_same:
            changed.append({"of": card.id, "name": name, "roles": roles})
    await queries.insert_organisations(session, added)
    await queries.update_organisations(session, changed)
    return found
