"""What a key was good for before curations and models had scopes, it stays good for."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.identities import Holder, holder

from matchmaker.core.db import with_driver
from matchmaker.core.postgres import Server
from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole as R

FILE = Path(__file__).parents[3] / "migrations/versions/2026-11-30_scopes.py"
BEFORE = frozenset({Scope.POOLS_READ, Scope.POOLS_WRITE, Scope.MATCH_READ, Scope.MATCH_RUN})
OF_CURATIONS = {Scope.CURATIONS_READ, Scope.CURATIONS_WRITE}
OF_MODELS = {Scope.MODELS_READ, Scope.MODELS_WRITE}


def statements() -> list[str]:
    """What the migration runs."""
    spec = importlib.util.spec_from_file_location("scopes", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        module._KEEP.format(new=new, old=old, roles=roles) for new, old, roles in module._PARTED
    ]


async def test_keys_keep_what_they_were_given(server: Server, engine: AsyncEngine) -> None:
    made: dict[str, Holder] = {
        "operator": await holder(engine, R.OPERATOR, scopes=BEFORE),
        "agency": await holder(engine, R.AGENCY, scopes=BEFORE),
        "reads": await holder(engine, R.AGENCY, scopes=frozenset({Scope.POOLS_READ})),
        "firm": await holder(engine, scopes=frozenset({Scope.MATCH_READ, Scope.MATCH_RUN})),
        "other": await holder(engine, R.OPERATOR, scopes=frozenset({Scope.NEEDS_READ})),
    }
    owner = create_async_engine(with_driver(server.url("mm_owner")))
    found: dict[str, set[str]] = {}
    async with owner.connect() as connection:
        # Twice: a key that has a scope is given no second one.
        for statement in statements() * 2:
            await connection.execute(text(statement))
        for name, of in made.items():
            asked = text("select scopes from mm.api_key where id = :id")
            scopes = await connection.scalar(asked, {"id": of.key_id})
            assert len(scopes) == len({*scopes})
            found[name] = {*scopes}
        await connection.rollback()
    await owner.dispose()
    assert found == {
        "operator": {*BEFORE, *OF_CURATIONS, *OF_MODELS},
        "agency": {*BEFORE, *OF_CURATIONS},
        "reads": {Scope.POOLS_READ, Scope.CURATIONS_READ},
        "firm": {Scope.MATCH_READ, Scope.MATCH_RUN},
        "other": {Scope.NEEDS_READ},
    }
