"""Things with a life, made in bulk in any state, straight in the database."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from matchmaker.catalog.admissions.models import Admission
from matchmaker.catalog.evidence.models import Evidence
from matchmaker.catalog.models import Offering, OfferingVersion
from matchmaker.catalog.pools.machine import PoolState
from matchmaker.catalog.pools.models import Pool, PoolVersion
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.demand.models import Need, NeedMember, NeedVersion
from matchmaker.enterprise.assessments.models import Assessment
from matchmaker.enterprise.participations.models import Participation
from matchmaker.enterprise.recognitions.models import Recognition
from matchmaker.identity.models import Organisation, OrganisationLive, OrganisationState
from matchmaker.matching.curations.models import Curation, CurationVersion
from matchmaker.matching.models import MatchRunRow
from matchmaker.matching.shortlists.models import Shortlist
from matchmaker.pathway.models import Pathway
from matchmaker.policy.guides.models import Guide
from matchmaker.policy.programmes.machine import ProgrammeState
from matchmaker.policy.programmes.models import Programme, ProgrammeVersion

Make = Callable[[AsyncConnection, enum.StrEnum, int], Awaitable[list[UUID]]]
"""The ids of so many new things in that state."""


async def organisations(
    connection: AsyncConnection,
    state: enum.StrEnum = OrganisationState.VERIFIED,
    count: int = 1,
) -> list[UUID]:
    """So many firms."""
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "external_id": f"o-{uuid4().hex}",
            "name": {"en": "Firm"},
            "roles": ["sme"],
            "state": state,
            "revision": 1,
        }
        for _ in range(count)
    ]
    await connection.execute(insert(Organisation), rows)
    if state == OrganisationState.VERIFIED:
        live = [
            {"organisation_id": row["id"], "name": row["name"], "from_position": 0} for row in rows
        ]
        await connection.execute(insert(OrganisationLive), live)
    return [row["id"] for row in rows]


async def needs(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many needs of one firm."""
    (owner,) = await organisations(connection)
    common = {"organisation_id": owner, "kind": "solution"}
    rows: list[dict[str, Any]] = [
        {**common, "id": uuid7(), "current_version_id": uuid7()} for _ in range(count)
    ]
    life = {"state": state, "revision": 1, "visibility": "private", "pools": []}
    await connection.execute(insert(Need), [{**row, **life} for row in rows])
    said = {**common, "number": 1, "facts": {"kind": "solution"}, "content_hash": bytes(32)}
    versions = [{**said, "id": row["current_version_id"], "need_id": row["id"]} for row in rows]
    await connection.execute(insert(NeedVersion), versions)
    return [row["id"] for row in rows]


async def members(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many firms in their part in one need."""
    (need_id,) = await needs(connection, Need.__table__.c.state.default.arg, 1)
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "need_id": need_id,
            "organisation_id": firm,
            "state": state,
            "revision": 1,
        }
        for firm in await organisations(connection, count=count)
    ]
    await connection.execute(insert(NeedMember), rows)
    return [row["id"] for row in rows]


async def offerings(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many offerings of one provider, each with a version that was published."""
    (owner,) = await organisations(connection)
    common = {"organisation_id": owner, "kind": "solution"}
    rows: list[dict[str, Any]] = [
        {**common, "id": uuid7(), "published_version_id": uuid7()} for _ in range(count)
    ]
    life = {"state": state, "revision": 1, "visibility": "public"}
    await connection.execute(
        insert(Offering), [{**row, **life, "external_id": str(row["id"])} for row in rows]
    )
    said = {**common, "number": 1, "title": {"en": "Offering"}, "document": {}, "tokens": {}}
    counted = {"text_version": "1", "content_hash": bytes(32)}
    versions = [
        {**said, **counted, "id": row["published_version_id"], "offering_id": row["id"]}
        for row in rows
    ]
    await connection.execute(insert(OfferingVersion), versions)
    return [row["id"] for row in rows]


async def shortlists(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many shortlists of one run."""
    (owner,) = await organisations(connection)
    run = {
        "id": uuid7(),
        "organisation_id": owner,
        "asked_by": owner,
        "caller_pools": [],
        "as_of": dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
        "input": {},
        "digest": f"sha256:{'0' * 64}",
        "body": {},
        "answers": {"zh": {}, "en": {}},
    }
    await connection.execute(insert(MatchRunRow), [run])
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "organisation_id": owner,
            "run_id": run["id"],
            "state": state,
            "revision": 1,
        }
        for _ in range(count)
    ]
    await connection.execute(insert(Shortlist), rows)
    return [row["id"] for row in rows]


async def offering(connection: AsyncConnection, owner: UUID) -> UUID:
    """A published offering of the owner's."""
    ids: dict[str, Any] = {"id": uuid7(), "organisation_id": owner, "revision": 1}
    version_id = uuid7()
    stated = {"kind": "solution", "visibility": "public"}
    said = {"kind": "solution", "title": {"en": "Thing"}, "document": stated, "tokens": {}}
    offered = {"external_id": ids["id"].hex, "kind": "solution", "state": "published"}
    await connection.execute(
        insert(Offering).values(
            **ids, **offered, visibility="public", published_version_id=version_id
        )
    )
    await connection.execute(
        insert(OfferingVersion).values(
            **said,
            id=version_id,
            offering_id=ids["id"],
            organisation_id=owner,
            number=1,
            text_version="",
            content_hash=bytes(32),
        )
    )
    found: UUID = ids["id"]
    return found


async def pools(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many pools of one agency, each with its first version."""
    (owner,) = await organisations(connection)
    rows: list[dict[str, Any]] = [
        {"id": uuid7(), "organisation_id": owner, "code": f"p-{uuid4().hex}"} for _ in range(count)
    ]
    life = {"state": state, "revision": 1, "version": 1}
    await connection.execute(insert(Pool), [{**row, **life} for row in rows])
    said = {"organisation_id": owner, "number": 1, "name": {"en": "Pool"}}
    asked = {"rule": {"all": []}, "tiers": []}
    versions = [{**said, **asked, "id": uuid7(), "pool_id": row["id"]} for row in rows]
    await connection.execute(insert(PoolVersion), versions)
    return [row["id"] for row in rows]


async def admissions(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many admissions of one offering, each to another pool."""
    (owner,) = await organisations(connection)
    offering_id = await offering(connection, owner)
    whose = {"organisation_id": owner, "offering_id": offering_id, "state": state, "revision": 1}
    rows: list[dict[str, Any]] = [
        {**whose, "id": uuid7(), "pool_id": pool_id}
        for pool_id in await pools(connection, PoolState.OPEN, count)
    ]
    await connection.execute(insert(Admission), rows)
    return [row["id"] for row in rows]


async def evidence(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many claims of one provider, which another organisation has looked at."""
    owner, verifier = await organisations(connection, count=2)
    said = {"type": "case", "claim": {"en": "Done"}, "scenes": []}
    whose = {"organisation_id": owner, "verified_by": verifier, "state": state, "revision": 1}
    rows: list[dict[str, Any]] = [{**said, **whose, "id": uuid7()} for _ in range(count)]
    await connection.execute(insert(Evidence), rows)
    return [row["id"] for row in rows]


async def assessments(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many assessments of one firm, each at a checkpoint or under a scheme of its own."""
    (owner,) = await organisations(connection)
    said = {"organisation_id": owner, "checkpoint": 0, "mode": "self", "content": {}}
    rows: list[dict[str, Any]] = [
        {**said, "id": uuid7(), "scheme": f"s{place}", "state": state, "revision": 1}
        for place in range(count)
    ]
    await connection.execute(insert(Assessment), rows)
    return [row["id"] for row in rows]


async def pathways(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many pathways of one firm."""
    (owner,) = await organisations(connection)
    said = {"organisation_id": owner, "asked": {}, "way": {}, "state": state, "revision": 1}
    rows: list[dict[str, Any]] = [{**said, "id": uuid7()} for _ in range(count)]
    await connection.execute(insert(Pathway), rows)
    return [row["id"] for row in rows]


async def recognitions(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many recognitions of one firm."""
    (owner,) = await organisations(connection)
    said = {"organisation_id": owner, "scheme": "cn_smart_factory", "level": "basic"}
    whose = {**said, "issuer": "City", "state": state, "revision": 1}
    rows: list[dict[str, Any]] = [{**whose, "id": uuid7()} for _ in range(count)]
    await connection.execute(insert(Recognition), rows)
    return [row["id"] for row in rows]


async def guides(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many guides of one agency, each of a code of its own."""
    (owner,) = await organisations(connection)
    told = {"edition": "1", "issuer": {"en": "City"}, "source": {"en": "City"}, "pitfalls": []}
    said = {**told, "organisation_id": owner, "industries": [], "scenes": ["quality"]}
    rows: list[dict[str, Any]] = [
        {**said, "id": uuid7(), "code": f"g{place}", "state": state, "revision": 1}
        for place in range(count)
    ]
    await connection.execute(insert(Guide), rows)
    return [row["id"] for row in rows]


async def curations(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many curations of one agency, each with its version."""
    (owner,) = await organisations(connection)
    said = {"organisation_id": owner, "of_operator": False, "version": 1}
    rows: list[dict[str, Any]] = [
        {**said, "id": uuid7(), "state": state, "revision": 1} for _ in range(count)
    ]
    await connection.execute(insert(Curation), rows)
    version = {"organisation_id": owner, "number": 1, "terms": {"name": {"en": "A"}}}
    versions = [{**version, "id": uuid7(), "curation_id": row["id"]} for row in rows]
    await connection.execute(insert(CurationVersion), versions)
    return [row["id"] for row in rows]


async def programmes(connection: AsyncConnection, state: enum.StrEnum, count: int) -> list[UUID]:
    """So many programmes of one agency, each with its version."""
    (owner,) = await organisations(connection)
    rows: list[dict[str, Any]] = [
        {"id": uuid7(), "organisation_id": owner, "version": 1, "state": state, "revision": 1}
        for _ in range(count)
    ]
    await connection.execute(insert(Programme), rows)
    said = {"name": {"en": "A"}, "issuers": [{"en": "City"}], "source": {"en": "City"}}
    version = {"organisation_id": owner, "number": 1, "terms": {**said, "level": "zone"}}
    versions = [{**version, "programme_id": row["id"]} for row in rows]
    await connection.execute(insert(ProgrammeVersion), versions)
    return [row["id"] for row in rows]


async def participations(
    connection: AsyncConnection, state: enum.StrEnum, count: int
) -> list[UUID]:
    """So many firms in one programme."""
    (programme,) = await programmes(connection, ProgrammeState.PUBLISHED, 1)
    keeper = select(Programme.organisation_id).where(Programme.id == programme)
    said = {"programme_id": programme, "agency_id": await connection.scalar(keeper)}
    firms = await organisations(connection, count=count)
    rows: list[dict[str, Any]] = [
        {**said, "id": uuid7(), "organisation_id": firm, "state": state, "revision": 1}
        for firm in firms
    ]
    await connection.execute(insert(Participation), rows)
    return [row["id"] for row in rows]


OBJECTS: Final[Mapping[str, tuple[type[Revised], Make]]] = {
    "admission": (Admission, admissions),
    "assessment": (Assessment, assessments),
    "curation": (Curation, curations),
    "evidence": (Evidence, evidence),
    "guide": (Guide, guides),
    "need": (Need, needs),
    "offering": (Offering, offerings),
    "need_member": (NeedMember, members),
    "organisation": (Organisation, organisations),
    "participation": (Participation, participations),
    "pathway": (Pathway, pathways),
    "pool": (Pool, pools),
    "programme": (Programme, programmes),
    "recognition": (Recognition, recognitions),
    "shortlist": (Shortlist, shortlists),
}
"""By the noun of its machine, the table of a thing and how to make some."""

ELSEWHERE: Final = frozenset({"change", "experiment", "model"})
"""Nouns whose state is a second one of another's row, so that `core.rows` does not move them, or of
which one alone may be in a state: their own room's test races them."""
