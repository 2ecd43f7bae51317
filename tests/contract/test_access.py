"""Who may call what: every operation of the API, read from where its access is declared.

A new operation is tested here without being named. One that takes a body, or the id of something
that belongs to an organisation, adds a sound body or a maker to `owned`; without it a test fails.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.conftest import client_of
from tests.contract.calling import (
    GUARDED,
    OPERATIONS,
    PUBLIC,
    Operation,
    anonymous,
    call,
    code,
    parameters,
)
from tests.contract.conftest import stocked
from tests.contract.owned import (
    BODIES,
    BY_PART,
    SEEN,
    USED_BY_ALL,
    Belongings,
    World,
    filled,
    member,
    things,
)
from tests.identities import Holder, another_key, bearer, holder, sitter
from tests.machines import MACHINES

from matchmaker.app import installed
from matchmaker.cli.session import Database
from matchmaker.core import db, provided
from matchmaker.identity.access import SCOPES_OF, Scope
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.identity.people import service
from matchmaker.released import Released

R = OrganisationRole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_database(released: Released) -> AsyncIterator[Database]:
    """The demo pool once more: what belongs to the callers is made and published in it."""
    async with stocked(released) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(own_database: Database) -> AsyncIterator[AsyncEngine]:
    made = db.create_engine(own_database.url, own_database.settings, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def api(
    own_database: Database, engine: AsyncEngine, released: Released
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(installed(own_database.settings, engine, released)) as made:
        yield made


@pytest.fixture(scope="module")
def belongings(api: httpx.AsyncClient, engine: AsyncEngine) -> Belongings:
    return Belongings(api, engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def callers(engine: AsyncEngine) -> dict[OrganisationRole, Holder]:
    return {role: await holder(engine, role) for role in R}


def roles_for(operation: Operation) -> tuple[OrganisationRole, ...]:
    """Roles in which the operation's scope is given, those it asks for first."""
    if operation.wanted.roles:
        return tuple(R(role) for role in sorted(operation.wanted.roles))
    scope = operation.wanted.scope
    return (next(role for role in R if scope is None or scope in SCOPES_OF[role]),)


def only(operation: Operation) -> frozenset[Scope]:
    """The operation's scopes alone; any one where it needs none."""
    declared = frozenset({Scope(operation.wanted.scope or Scope.NEEDS_READ)})
    return declared | BY_PART.get(operation.id, frozenset())


guarded = pytest.mark.parametrize("operation", GUARDED, ids=str)
every = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def test_there_is_something_to_test() -> None:
    assert len(GUARDED) >= 18
    assert {operation.id for operation in PUBLIC} == {
        *("getTaxonomy", "suggestCodes", "getScheme", "getCode", "computeScale"),
        *("listQuestionnaires", "getQuestionnaire"),
        *("listOfferings", "countOfferings", "getOffering", "listProviders", "getProvider"),
        *("listPublicNeeds", "getNeed"),
        *("listPools", "getPool", "listPoolVersions", "getPoolVersion", "listAdmissions"),
        *("listEvidence", "getEvidence", "listOfferingComponents", "getOfferingComponent"),
        *("listModels", "getModel", "getModelCard"),
        *("getCuration", "listCurationVersions"),
        *("listGuides", "getGuide", "listProgrammes", "getProgramme"),
        *("match", "explainMatch", "replayMatch", "listReceiptKeys"),
        "parseNeed",
        *("logIn", "startLogin", "finishLogin", "issueToken", "listTokenKeys"),
        "getErasureReceipt",
    }, "anonymous callers read what is published, match, explain, replay, verify, parse and log in"


def test_every_scope_that_is_asked_for_is_one() -> None:
    asked = {o.wanted.scope for o in GUARDED if o.wanted.scope is not None}
    assert asked <= {scope.value for scope in Scope}
    assert {role for o in GUARDED for role in o.wanted.roles} <= {role.value for role in R}


@guarded
async def test_nobody_does_not_pass(api: httpx.AsyncClient, operation: Operation) -> None:
    assert code(await call(api, operation)) == (401, "unauthenticated")


@pytest.mark.parametrize("operation", PUBLIC, ids=str)
async def test_everyone_passes_where_it_is_public(
    api: httpx.AsyncClient, operation: Operation
) -> None:
    answer = await call(api, operation)
    assert answer.status_code in {200, 202, 404} or code(answer) in {
        (401, "login_refused"),
        (401, "client_refused"),
    }


@every
async def test_a_credential_that_is_none_does_not_pass(
    api: httpx.AsyncClient, operation: Operation
) -> None:
    # Who proves themselves in the request is answered there.
    proves_itself = operation.wanted.proves_itself
    refused = (401, "client_refused" if proves_itself else "unauthenticated")
    assert code(await call(api, operation, bearer("junk"))) == refused


@every
async def test_a_suspended_organisation_does_not_pass(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    caller = await holder(engine, *R, state=OrganisationState.SUSPENDED)
    headers, refused = caller.headers, (403, "account_inactive")
    if operation.wanted.proves_itself:
        pair = f"{caller.token.public_id}:{caller.token.text}".encode()
        headers = {"Authorization": f"Basic {b64encode(pair).decode()}"}
        refused = (400, "client_not_allowed")
    assert code(await call(api, operation, headers)) == refused


@guarded
async def test_every_other_scope_does_not_do(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    caller = await holder(engine, *R, scopes=frozenset(Scope) - only(operation))
    answer = await call(api, operation, caller.headers)
    if operation.id in BY_PART:
        # Of what is nobody's it is not said which part the caller would have in it.
        assert answer.status_code in {403, 404}
    elif operation.wanted.by_person:
        assert code(answer) == (403, "session_needed")
    elif operation.wanted.scope is None:
        assert answer.status_code == 200
    else:
        assert code(answer) == (403, "scope_missing")
        assert answer.json()["scope"] == operation.wanted.scope


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.wanted.roles], ids=str)
async def test_every_other_role_does_not_do(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    others = [role for role in R if role not in operation.wanted.roles]
    caller = await holder(engine, *others, scopes=frozenset(Scope))
    answer = await call(api, operation, caller.headers)
    assert code(answer) in {(403, "role_missing"), (403, "scope_missing")}


@guarded
async def test_its_scope_and_role_alone_do(
    api: httpx.AsyncClient, engine: AsyncEngine, operation: Operation
) -> None:
    """With things of one's own; what the operation then says of them is tested with its room."""
    owner = await holder(engine, *R)
    ids = await things(World(api, engine, owner), operation.id, parameters(operation))
    caller = await another_key(engine, owner, only(operation))
    asking, more = await filled(World(api, engine, owner), operation.id)
    headers = caller.headers
    if operation.wanted.by_person:
        headers = (await sitter(engine, owner.organisation_id)).headers
    answer = await call(api, operation, headers, ids, asking=asking, **more)
    assert answer.status_code < 500
    expected = PASSED.get(operation.id)
    if expected is not None:
        assert code(answer) == expected
        return
    assert answer.status_code not in {400, 401, 403, 404, 415, 422}, answer.text
    assert answer.headers["cache-control"] == "no-store"


PASSED = {
    "actFor": (403, "not_a_member"),
    "setSecondFactor": (422, "wrong_code"),
    "removeSecondFactor": (409, "not_protected"),
    "changePassword": (422, "wrong_password"),
    "getRightsRequest": (404, "rights_request_not_found"),
    "getOwnExpertCard": (404, "expert_not_found"),
    "withdrawExpertCard": (404, "expert_not_found"),
    "matchReverse": (404, "offering_not_considered"),
    "getBatchResults": (409, "batch_not_ready"),
    "getBatchReport": (409, "batch_not_ready"),
    "getBatchReportTable": (409, "batch_not_ready"),
}
"""How it is answered whoever came past the guard with a body that is sound for nobody."""


def let_in(operation: Operation) -> list[OrganisationRole]:
    """Roles that come past the guard and are no operator, whose business everything may be."""
    wanted = operation.wanted
    return [
        role
        for role in (R.SME, R.PROVIDER, R.AGENCY)
        if (not wanted.roles or role in wanted.roles)
        and (wanted.scope is None or wanted.scope in SCOPES_OF[role])
    ]


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        (operation, role)
        for operation in GUARDED
        # What is a person's is asked for by people, in test_rights.
        if parameters(operation)
        and not operation.wanted.by_person
        and operation.id not in USED_BY_ALL
        for role in let_in(operation)
    ],
    ids=str,
)
async def test_what_is_anothers_is_as_good_as_missing(
    api: httpx.AsyncClient,
    belongings: Belongings,
    callers: dict[OrganisationRole, Holder],
    operation: Operation,
    role: OrganisationRole,
) -> None:
    """Byte for byte, but for the id of the request."""
    caller = callers[role]
    _, ids = await belongings.things(operation.id, parameters(operation))
    theirs = await call(api, operation, caller.headers, ids)
    missing = await call(api, operation, caller.headers)
    assert missing.status_code == 404
    if role in SEEN.get(operation.id, ()):
        assert operation.method == "GET" or theirs.status_code in {403, 404}
        return
    assert theirs.status_code == 404
    assert anonymous(theirs) == anonymous(missing)


async def test_a_wall_that_is_missing_would_be_seen(
    api: httpx.AsyncClient, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: members are everybody's business, and the second wall is down as well."""
    monkeypatch.setattr(service, "require_own", lambda *_: None)
    caller, stranger = await holder(engine), await holder(engine)
    await member(World(api, engine, stranger))
    (operation,) = [o for o in GUARDED if o.id == "listMembers"]
    ids = {"organisation_id": stranger.organisation_id}
    answer = await call(api, operation, caller.headers, ids)
    assert answer.status_code == 200
    assert not answer.json()["items"], "the second wall stands"
    monkeypatch.setattr(provided, "_acting", lambda _: db.INSTALLATION)
    assert (await call(api, operation, caller.headers, ids)).json()["items"]


@pytest.mark.parametrize("operation", [o for o in GUARDED if o.takes_a_body], ids=str)
async def test_no_more_is_taken_than_is_described(
    api: httpx.AsyncClient, engine: AsyncEngine, belongings: Belongings, operation: Operation
) -> None:
    """Nobody becomes verified, another's or somebody else by a member that is merely sent along."""
    owner, ids = await belongings.things(operation.id, parameters(operation))
    headers = owner.headers
    if operation.wanted.by_person:
        headers = (await sitter(engine, owner.organisation_id)).headers
    for name in ("id", "state", "organisation_id", "revision", "created_at", "colour"):
        extra: dict[str, Any] = {name: "verified"}
        if name in (BODIES.get(operation.id) or {}):
            continue
        answer = await call(api, operation, headers, ids, **extra)
        assert code(answer) == (422, "invalid_content"), name
        assert answer.json()["errors"][0]["code"] == "unknown_field"


TAKEN = [o for o in OPERATIONS if o.method == "POST" and o.path.endswith("/transitions")]


def test_every_machine_is_moved_over_http() -> None:
    assert len(TAKEN) == len(MACHINES)


@pytest.mark.parametrize("operation", TAKEN, ids=str)
async def test_who_says_what_they_saw_moves_nothing_newer(
    api: httpx.AsyncClient, belongings: Belongings, operation: Operation
) -> None:
    owner, ids = await belongings.things(operation.id, parameters(operation))
    path = re.sub(r":\w+}", "}", operation.path).format(**ids)
    found = await api.get(path, headers=owner.headers)
    revision = found.json()["revision"]
    told = []
    for seen in (None, f'"{revision}"', found.headers.get("ETag"), f'"{revision + 1}"', '"x"'):
        sent = owner.headers if seen is None else {**owner.headers, "If-Match": seen}
        told.append(code(await api.post(path, json={"transition": "none"}, headers=sent)))
    assert set(told[:3]) == {(422, "unknown_transition")}
    assert set(told[3:]) == {(412, "stale_version")}
