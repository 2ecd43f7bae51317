"""The platform's own people: an operator's members, whose auditor reads what happened, no more."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.match_calls import NEED
from tests.identities import holder, sitter

from matchmaker.app import installed
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.identity.models import MemberRole, OrganisationRole, OrganisationState
from matchmaker.released import Released

R = OrganisationRole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    server: Server, settings: Settings, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    made = db.create_engine(server.url("mm_app"), settings)
    async with client_of(installed(settings, made, released)) as client:
        yield client
    await made.dispose()


async def test_an_auditor_reads_what_everybody_did_and_its_proof(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    firm, operator = await holder(engine), await holder(engine, R.OPERATOR)
    need = (await api.post("/v1/needs", json=NEED, headers=firm.headers)).json()["id"]
    auditor = await sitter(engine, operator.organisation_id, MemberRole.AUDITOR)
    found = await api.get(f"/v1/audit?subject_id={need}", headers=auditor.headers)
    (record,) = found.json()["items"]
    assert record["event"]["organisation_id"] == str(firm.organisation_id)
    proof = await api.get(f"/v1/audit/{record['event']['position']}/proof", headers=auditor.headers)
    assert proof.status_code == 200, proof.text
    assert (await api.get("/v1/organisations", headers=auditor.headers)).status_code == 200
    for path in (f"/v1/profiles/{firm.organisation_id}", "/v1/needs", "/v1/match-runs"):
        assert (await api.get(path, headers=auditor.headers)).status_code == 403
    written = await api.post("/v1/needs", json=NEED, headers=auditor.headers)
    assert written.status_code == 403


@pytest.mark.parametrize(
    ("role", "state"),
    [(R.SME, OrganisationState.VERIFIED), (R.OPERATOR, OrganisationState.DRAFT)],
)
async def test_elsewhere_an_auditor_reads_nothing(
    api: httpx.AsyncClient,
    engine: AsyncEngine,
    role: OrganisationRole,
    state: OrganisationState,
) -> None:
    """Not in a firm, nor where nobody has verified that it is an operator."""
    of = await holder(engine, role, state=state)
    auditor = await sitter(engine, of.organisation_id, MemberRole.AUDITOR)
    assert (await api.get("/v1/audit", headers=auditor.headers)).status_code == 403
