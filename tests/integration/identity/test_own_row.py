"""What an operator says of an organisation it cannot write into its own row, whatever the service.

Its row decides what the second wall opens to it, and is its own behind that wall.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.databases import own_database
from tests.identities import Holder, holder

from matchmaker.core import db, provided
from matchmaker.core.machine import Actor
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity import organisations
from matchmaker.identity.machine import EDITABLE, ORGANISATION
from matchmaker.identity.models import OrganisationRole, OrganisationState

S = OrganisationState
FIELDS = {
    "roles": "'{operator}'",
    "jurisdiction": '\'{"regions": ["330000"]}\'',
    "external_id": "'another'",
    "name": '\'{"en": "Another"}\'',
    "uscc": "'91330200MA2AGNBXX0'",
    "region": "'330200'",
    "note": "'said'",
    "revision": "revision + 1",
}
ALWAYS = {"note", "revision"}
WHILE_EDITABLE = {"name", "uscc", "region"}
BY_OWNER = {
    (source, step.target)
    for step in ORGANISATION.steps
    if Actor.OWNER in step.actors
    for source in step.sources
}


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    with own_database(server) as made:
        yield made


async def login(url: str) -> asyncpg.Connection:
    plain = make_url(url).set(drivername="postgresql")
    return await asyncpg.connect(plain.render_as_string(hide_password=False))


async def passes(connection: asyncpg.Connection, acting: UUID, statement: str) -> bool:
    """Whether one row is written by whoever acts; nothing of it is kept."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("select set_config('mm.org_id', $1, true)", str(acting))
        return bool(await connection.execute(statement) in {"UPDATE 1", "INSERT 0 1"})
    except asyncpg.InsufficientPrivilegeError:
        return False
    finally:
        await transaction.rollback()


async def written(url: str, changes: dict[str, str], *, of: Holder, as_: UUID) -> dict[str, bool]:
    """By change whether it passes, tried on the row of ``of``."""
    connection = await login(url)
    try:
        return {
            name: await passes(
                connection,
                as_,
                f"update mm.organisation set {said} where id = '{of.organisation_id}'",  # noqa: S608
            )
            for name, said in changes.items()
        }
    finally:
        await connection.close()


def fields() -> dict[str, str]:
    return {name: f"{name} = {said}" for name, said in FIELDS.items()}


@pytest.mark.parametrize("state", list(S))
async def test_an_organisation_writes_of_itself_what_the_service_lets_it(
    url: str, settings: Settings, state: OrganisationState
) -> None:
    engine = db.create_engine(url, settings, acting=db.INSTALLATION)
    firm = await holder(engine, OrganisationRole.SME, OrganisationRole.AGENCY, state=state)
    operator = await holder(engine, OrganisationRole.OPERATOR)
    await engine.dispose()
    steps = {target.value: f"state = '{target.value}'" for target in S if target is not state}
    own = firm.organisation_id
    found = await written(url, steps, of=firm, as_=own)
    assert found == {target: (state, S(target)) in BY_OWNER for target in steps}
    may = ALWAYS | (WHILE_EDITABLE if state in EDITABLE else set())
    assert await written(url, fields(), of=firm, as_=own) == {name: name in may for name in FIELDS}
    everything = {**steps, **fields()}
    by_operator = await written(url, everything, of=firm, as_=operator.organisation_id)
    assert by_operator == dict.fromkeys(everything, True)


async def test_it_does_not_register_itself(url: str) -> None:
    new = uuid4()
    connection = await login(url)
    statement = (
        "insert into mm.organisation (id, name, roles, state, revision)"  # noqa: S608
        f" values ('{new}', '{{\"en\": \"I\"}}', '{{operator}}', 'verified', 1)"
    )
    assert not await passes(connection, new, statement)
    assert await passes(connection, db.INSTALLATION, statement), "the control"
    await connection.close()


async def test_control_without_the_trigger_it_is_an_operator_at_once(
    server: Server, settings: Settings
) -> None:
    """The row is its own: the policy alone lets all of it pass."""
    with own_database(server) as bare:
        engine = db.create_engine(bare, settings, acting=db.INSTALLATION)
        firm = await holder(engine, OrganisationRole.AGENCY)
        await engine.dispose()
        owner = make_url(server.url("mm_owner")).set(database=make_url(bare).database)
        connection = await login(owner.render_as_string(hide_password=False))
        await connection.execute("drop trigger organisation_not_self_made on mm.organisation")
        await connection.close()
        changes = {**fields(), "roles": "roles = '{agency,operator}'"}
        found = await written(bare, changes, of=firm, as_=firm.organisation_id)
    assert found == dict.fromkeys(FIELDS, True)


async def test_with_the_service_gone_the_database_refuses(
    identity: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = await holder(engine)
    path = f"/v1/organisations/{firm.organisation_id}"
    headers = {**firm.headers, "If-Match": '"1"', "Content-Type": MEDIA_TYPE}
    body = {"roles": ["operator"]}
    refused = await identity.patch(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "operators_field")
    monkeypatch.setattr(organisations, "_refuse_operators_fields", lambda *_: None)
    monkeypatch.setattr(provided, "_acting", lambda _: firm.organisation_id)
    refused = await identity.patch(path, json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    told = (await identity.get(path, headers=firm.headers)).json()
    assert told["roles"] == ["sme"]


def test_the_steps_are_not_none() -> None:
    assert (S.DRAFT, S.SUBMITTED) in BY_OWNER
    assert (S.SUBMITTED, S.VERIFIED) not in BY_OWNER
    assert len(BY_OWNER) < len(list(itertools.product(S, S))) / 2
