"""Ids of others: every operation of the document, with each id it takes, by each sort of caller.

What is another's answers as what is not there, byte for byte. The matrix runs twice: with both
walls, and with row-level security gone. And once more from within: the service layer is told that
the owner asks while the database knows who really does, and gives nothing away by itself.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.calling import OPERATIONS, Operation, anonymous, call, code, parameters
from tests.contract.conftest import stocked_server
from tests.contract.owned import (
    BY_PART,
    OWNED,
    SEEN,
    SHARED,
    SPECIAL,
    USED_BY_ALL,
    Maker,
    World,
    assessed,
    cohort,
    draft,
    need,
    pathway,
    profile,
    programme,
    published,
    run,
    things,
)
from tests.databases import unwalled
from tests.identities import Holder, another_key, holder

from matchmaker.app import installed
from matchmaker.core import db, provided
from matchmaker.identity.access import SCOPES_OF, Scope
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.released import Released

R = OrganisationRole
DOCUMENT = json.loads(
    (Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json").read_text("utf-8")
)
METHODS = {"get", "put", "post", "patch", "delete"}
NOBODYS = {"scheme", "code", "number"}
"""Path parameters that name nothing of an organisation's."""
REFERENCES: dict[tuple[str, str], Maker | None] = {
    ("claimEvidence", "offering_id"): draft,
    ("createPathway", "assessment_id"): assessed,
    ("createPathway", "previous_id"): pathway,
    ("listPathways", "assessment_id"): assessed,
    ("match", "need_id"): need,
    ("match", "profile_id"): profile,
    ("explainMatch", "need_id"): need,
    ("explainMatch", "profile_id"): profile,
    ("explainMatch", "offering_id"): None,
    ("createShortlist", "run_id"): run,
    ("startBatch", "cohort_id"): cohort,
    ("matchReverse", "offering_id"): published,
    ("giveFeedback", "run_id"): run,
    ("giveFeedback", "offering_id"): None,
    ("giveJudgement", "run_id"): run,
    ("giveJudgement", "offering_id"): None,
    ("applyToPool", "offering_id"): published,
    ("checkOffering", "offering_id"): draft,
    ("listAudit", "subject_id"): need,
    ("listEvents", "subject_id"): need,
    ("listMatchRuns", "need_id"): need,
    ("createExperiment", "a_id"): None,
    ("createExperiment", "b_id"): None,
    ("giveDelegation", "adviser_id"): None,
    ("issueToken", "client_id"): None,
    ("logIn", "organisation_id"): None,
    ("actFor", "organisation_id"): None,
    ("listEvidence", "offering_id"): draft,
    ("createProgramme", "parent_id"): programme,
    ("reviseProgramme", "parent_id"): programme,
    ("listEvidence", "organisation_id"): None,
    ("listPools", "organisation_id"): None,
}
"""By operation and name the ids that stand beside the path, and how one of the owner's is made.

None: what is named is published, or names nothing that is not.
"""
PUBLISHED = {
    *("getPool", "listPoolVersions", "getPoolVersion", "listAdmissions", "applyToPool"),
    *("getModel", "getModelCard"),
    *USED_BY_ALL,
}
"""Operations whose path names what is there for everyone."""
JUDGED = {"getEvidence", "listOfferingComponents", "getOfferingComponent"}
"""Operations by which agencies read what they are asked to judge, whosever it is."""
SHOWN = {"getPoolTransitions", "diffOfferingVersions", "listModelTransitions"}
"""Operations whose rows are published, though the answer is for the owner."""
DRAFTS = {"getChangeTransitions", "moveChange"}
"""Of a published offering the draft: to the service layer a version that ought to be there."""
COUNT: Counter[str] = Counter()


@dataclass(frozen=True)
class Callers:
    """Who has nothing to do with the owner's things."""

    firm: Holder
    provider: Holder
    agency: Holder
    suspended: Holder


ROLES = {"firm": R.SME, "provider": R.PROVIDER, "agency": R.AGENCY}
PRINCIPALS = ("anonymous", "suspended", "scopeless", *ROLES)


def _members(schema: dict[str, Any]) -> Iterator[str]:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for kind in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(kind, ()):
            yield from _members(each)
    yield from schema.get("properties", {})


def _documented() -> dict[str, tuple[set[str], set[str]]]:
    """By operation below /v1 the parameters of its path, and the ids in its query and body."""
    found = {}
    for path, methods in DOCUMENT["paths"].items():
        for method, said in methods.items():
            if method not in METHODS or not path.startswith("/v1/"):
                continue
            given = said.get("parameters", ())
            named = {each["name"] for each in given if each["in"] == "query"}
            for content in said.get("requestBody", {}).get("content", {}).values():
                named |= set(_members(content["schema"]))
            ids = {name for name in named if name.endswith("_id") and name != "external_id"}
            found[said["operationId"]] = (
                {each["name"] for each in given if each["in"] == "path"},
                ids,
            )
    return found


DOCUMENTED = _documented()
every = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
naming = pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if set(parameters(o)) - NOBODYS and o.id not in PUBLISHED],
    ids=str,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["two walls", "one wall"])
async def world(
    request: pytest.FixtureRequest, released: Released
) -> AsyncIterator[tuple[httpx.AsyncClient, AsyncEngine]]:
    """The API, and an engine that writes whatever a test needs there."""
    async with stocked_server(released) as (server, found):
        writing = db.create_engine(found.url, found.settings, acting=db.INSTALLATION)
        serving = db.create_engine(found.url, found.settings)
        if request.param == "one wall":
            serving = unwalled(server, found.settings)
        async with client_of(installed(found.settings, serving, released)) as api:
            yield api, writing
        await writing.dispose()
        await serving.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def callers(world: tuple[httpx.AsyncClient, AsyncEngine]) -> Callers:
    _, engine = world
    return Callers(
        firm=await holder(engine, R.SME),
        provider=await holder(engine, R.PROVIDER),
        agency=await holder(engine, R.AGENCY),
        suspended=await holder(engine, *R, state=OrganisationState.SUSPENDED),
    )


def test_every_operation_says_whose_its_ids_are() -> None:
    """A new operation with an id that nobody declared fails here."""
    assert set(DOCUMENTED) == {operation.id for operation in OPERATIONS}
    for name, (paths, _) in DOCUMENTED.items():
        makers = {*OWNED, *SPECIAL.get(name, {}), *NOBODYS, *SHARED}
        assert paths <= makers, f"whose are {sorted(paths - makers)} of {name}?"
    found = {(name, id_) for name, (_, ids) in DOCUMENTED.items() for id_ in ids}
    assert found == set(REFERENCES)


def refused(operation: Operation, role: OrganisationRole) -> bool:
    """Whether the guard turns the role away, whatever is named."""
    wanted = operation.wanted
    if wanted.roles and role not in wanted.roles:
        return True
    return wanted.scope is not None and wanted.scope not in SCOPES_OF[role]


@pytest.mark.asvs("V8.2.2")
@every
async def test_what_is_anothers_is_as_good_as_missing(
    world: tuple[httpx.AsyncClient, AsyncEngine], callers: Callers, operation: Operation
) -> None:
    api, engine = world
    owner = await holder(engine, *R)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    for principal in PRINCIPALS:
        COUNT[operation.id] += 1
        if principal == "scopeless":
            await another_scope_does_not_do(api, engine, operation, owner, ids)
        elif principal in ROLES:
            caller = getattr(callers, principal)
            await nothing_is_told(api, operation, ids, caller, ROLES[principal])
        elif principal == "suspended":
            answer = await call(api, operation, callers.suspended.headers, ids)
            # Where callers prove themselves in the request, a key in the header is no proof.
            proves_itself = operation.wanted.proves_itself
            told = (401, "client_refused") if proves_itself else (403, "account_inactive")
            assert code(answer) == told
        elif operation.wanted.is_public:
            await nothing_is_told(api, operation, ids, None, None)
        else:
            assert code(await call(api, operation, None, ids)) == (401, "unauthenticated")


async def another_scope_does_not_do(
    api: httpx.AsyncClient,
    engine: AsyncEngine,
    operation: Operation,
    owner: Holder,
    ids: dict[str, object],
) -> None:
    """The owner, with a key for everything but what the operation asks."""
    own = {Scope(operation.wanted.scope or Scope.MATCH_RUN)}
    given = frozenset(Scope) - own - BY_PART.get(operation.id, frozenset())
    caller = await another_key(engine, owner, given)
    answer = await call(api, operation, caller.headers, ids)
    if operation.wanted.scope is not None:
        assert code(answer) == (403, "scope_missing")
    elif operation.id in BY_PART and operation.method != "GET":
        assert answer.status_code in {403, 404}


async def nothing_is_told(
    api: httpx.AsyncClient,
    operation: Operation,
    ids: dict[str, object],
    caller: Holder | None,
    role: OrganisationRole | None,
) -> None:
    """The caller, whom the owner's things are no business of, does not learn that they are."""
    headers = None if caller is None else caller.headers
    answer = await call(api, operation, headers, ids)
    if role is not None and refused(operation, role):
        assert code(answer) in {(403, "scope_missing"), (403, "role_missing")}
    elif operation.wanted.by_person and ids:
        missing = await call(api, operation, headers)
        assert code(answer) == (403, "session_needed")
        assert anonymous(answer) == anonymous(missing)
    elif not set(ids) - set(SHARED) or operation.id in PUBLISHED:
        assert answer.status_code < 500
        assert str(ids.get("organisation_id")) not in answer.text
    elif role is R.AGENCY and operation.id in JUDGED:
        assert answer.status_code == 200
    elif role in SEEN.get(operation.id, ()):
        assert operation.method == "GET" or answer.status_code in {403, 404}
    else:
        missing = await call(api, operation, headers)
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert anonymous(answer) == anonymous(missing)


@pytest.mark.parametrize(
    "reference", [pair for pair, make in REFERENCES.items() if make is not None], ids="-".join
)
async def test_an_id_beside_the_path_is_as_good_as_missing_too(
    world: tuple[httpx.AsyncClient, AsyncEngine], callers: Callers, reference: tuple[str, str]
) -> None:
    api, engine = world
    (operation,) = [each for each in OPERATIONS if each.id == reference[0]]
    name, make = reference[1], REFERENCES[reference]
    assert make is not None
    owner = await holder(engine, *R)
    theirs, nowhere = await make(World(api, engine, owner)), str(uuid4())
    in_query = not operation.takes_a_body
    asked = 0
    for principal, role in ROLES.items():
        if refused(operation, role):
            continue
        caller: Holder = getattr(callers, principal)
        ids = await things(World(api, engine, owner), operation.id, parameters(operation))
        told = []
        for id_ in (theirs, nowhere):
            where: dict[str, Any] = {"asking": {name: id_}} if in_query else {name: id_}
            if name == "need_id" and not in_query:
                where["need"] = None
            if name == "cohort_id":
                where["criteria"] = None
            told.append(await call(api, operation, caller.headers, ids, **where))
        asked += 1
        assert told[0].status_code == told[1].status_code
        assert anonymous(told[0]) == anonymous(told[1])
    assert asked


def test_the_whole_matrix_ran(request: pytest.FixtureRequest) -> None:
    """Every operation by six principals, once for each set of walls."""
    if COUNT and len(COUNT) == len(OPERATIONS):
        walls = sum(COUNT.values()) // (len(OPERATIONS) * len(PRINCIPALS))
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        said = (
            f"{len(OPERATIONS)} operations x {len(PRINCIPALS)} principals x {walls} sets of walls"
        )
        if reporter is not None:
            reporter.write_line(f"{os.linesep}IDOR: {said}")
        assert all(each == walls * len(PRINCIPALS) for each in COUNT.values())


@pytest.mark.parametrize("world", ["two walls"], indirect=True, scope="module")
class TestServiceLayerGone:
    """The service layer believes that the owner asks; the database knows who does."""

    @pytest.mark.asvs("V8.4.1")
    @naming
    async def test_row_level_security_alone_gives_nothing_away(
        self,
        world: tuple[httpx.AsyncClient, AsyncEngine],
        callers: Callers,
        monkeypatch: pytest.MonkeyPatch,
        operation: Operation,
    ) -> None:
        api, engine = world
        owner = await holder(engine, *R)
        ids = await things(World(api, engine, owner), operation.id, parameters(operation))
        attacker = callers.firm
        monkeypatch.setattr(provided, "_acting", lambda _: attacker.organisation_id)
        answer = await call(api, operation, owner.headers, ids)
        if answer.is_success:
            # A list of what is there: nothing is.
            assert operation.method == "GET"
            assert operation.id in SHOWN or answer.json()["items"] == []
        elif operation.id in DRAFTS:
            assert answer.status_code == 500, "a fault of ours, and logged as one"
        else:
            # 409 and 412: what is published is read, and no row of it was found to change.
            assert answer.status_code in {403, 404, 409, 410, 412}, answer.text

    async def test_control_the_owner_is_let_in_so(
        self,
        world: tuple[httpx.AsyncClient, AsyncEngine],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It is the database that refuses above: knowing the owner, it does not."""
        api, engine = world
        owner = await holder(engine, *R)
        (operation,) = [each for each in OPERATIONS if each.id == "getNeed"]
        ids = await things(World(api, engine, owner), operation.id, parameters(operation))
        monkeypatch.setattr(provided, "_acting", lambda _: owner.organisation_id)
        assert (await call(api, operation, owner.headers, ids)).status_code == 200
