"""Every statement of import and export of needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Text, Uuid, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from matchmaker.demand.models import Need, NeedVersion
from matchmaker.demand.queries import FoundNeed
from matchmaker.identity.models import Organisation, OrganisationId, OrganisationState
from matchmaker.identity.queries import is_known_by, key_in_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from matchmaker.core.db import ReadSession

_AT_A_TIME = 1000


class Firm(NamedTuple):
    """Whose needs a file states."""

    id: OrganisationId
    roles: list[str]
    state: OrganisationState


class ExportedNeed(NamedTuple):
    """A need with its current version and the key of its firm."""

    firm: str
    need: Need
    version: NeedVersion


async def firms(session: ReadSession, keys: Collection[str]) -> dict[str, Firm]:
    """The organisations known in files by ``keys``, by that name."""
    rows = await session.execute(
        select(key_in_files(), Organisation.id, Organisation.roles, Organisation.state).where(
            is_known_by(keys)
        )
    )
    return {key: Firm(id_, roles, state) for key, id_, roles, state in rows}


async def needs_named(
    session: ReadSession, names: Sequence[tuple[OrganisationId, str]]
) -> dict[tuple[OrganisationId, str], FoundNeed]:
    """The needs of these firms and external ids, as they stand."""
    wanted = (
        func.unnest(
            bindparam("owners", [owner for owner, _ in names], type_=ARRAY(Uuid)),
            bindparam("names", [name for _, name in names], type_=ARRAY(Text)),
        )
        .table_valued("owner", "name")
        .render_derived(name="wanted")
    )
    rows = await session.execute(
        select(Need, NeedVersion, Organisation.state)
        .select_from(Need)
        .join(NeedVersion, NeedVersion.id == Need.current_version_id)
        .join(Organisation, Organisation.id == Need.organisation_id)
        .where(
            tuple_(Need.organisation_id, Need.external_id).in_(
                select(wanted.c.owner, wanted.c.name)
            )
        ),
        execution_options={"populate_existing": True},
    )
    found = [FoundNeed(need, version, state, None) for need, version, state in rows]
    return {(each.need.organisation_id, str(each.need.external_id)): each for each in found}


async def needs(session: ReadSession, owner: OrganisationId | None) -> AsyncIterator[ExportedNeed]:
    """The needs that have an external id, by the key of their firm and that id."""
    statement = (
        select(key_in_files(), Need, NeedVersion)
        .select_from(Need)
        .join(NeedVersion, NeedVersion.id == Need.current_version_id)
        .join(Organisation, Organisation.id == Need.organisation_id)
        .where(Need.external_id.is_not(None))
        .order_by(key_in_files().collate("C"), Need.external_id.collate("C"))
    )
    if owner is not None:
        statement = statement.where(Need.organisation_id == owner)
    rows = await session.stream(statement, execution_options={"yield_per": _AT_A_TIME})
    async for row in rows:
        yield ExportedNeed(*row)
