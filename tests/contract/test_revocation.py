"""Revoked at one server process, refused at another: within five seconds, whatever is revoked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contract.conftest import stocked
from tests.contract.staging import serving
from tests.identities import Holder, Sitter, another_key, bearer, holder, sitter

from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.identity.access import Scope
from matchmaker.identity.models import MemberRole, OrganisationRole
from matchmaker.released import Released

LIMIT: Final = 5.0
SERVED: Final = "matchmaker.app:served"
FORGETLESS: Final = "tests.contract.forgetless:served"


@dataclass(frozen=True)
class Machine(Holder):
    """A key that acts by a token."""

    fetched: list[str] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.fetched[0])

    def fetch(self, api: httpx.Client) -> None:
        form = {"grant_type": "client_credentials"}
        proof = (self.token.public_id, self.token.text)
        answer = api.post("/v1/oauth/token", data=form, auth=proof)
        self.fetched.append(answer.json()["access_token"])


class Parties(NamedTuple):
    """A firm, who ends things, and who is ended."""

    operator: Holder
    owner: Holder
    ended: Holder | Sitter


End = Callable[[httpx.Client, Parties], httpx.Response]
Make = Callable[[AsyncEngine, Holder], Awaitable[Holder | Sitter]]


async def a_key(engine: AsyncEngine, owner: Holder) -> Holder:
    return await another_key(engine, owner, frozenset({Scope.NEEDS_READ}))


async def a_token(engine: AsyncEngine, owner: Holder) -> Machine:
    key = await a_key(engine, owner)
    return Machine(key.organisation_id, key.key_id, key.token)


async def a_member(engine: AsyncEngine, owner: Holder) -> Sitter:
    return await sitter(engine, owner.organisation_id, MemberRole.EDITOR)


def revoke_key(api: httpx.Client, who: Parties) -> httpx.Response:
    assert isinstance(who.ended, Holder)
    path = f"/v1/keys/{who.ended.key_id}/revocation"
    return api.post(path, headers=who.owner.headers)


def log_out(api: httpx.Client, who: Parties) -> httpx.Response:
    return api.delete("/v1/sessions", headers=who.ended.headers)


def remove_member(api: httpx.Client, who: Parties) -> httpx.Response:
    assert isinstance(who.ended, Sitter)
    headers = {**who.owner.headers, "If-Match": '"1"'}
    return api.delete(f"/v1/members/{who.ended.member_id}", headers=headers)


def suspend(api: httpx.Client, who: Parties) -> httpx.Response:
    path = f"/v1/organisations/{who.owner.organisation_id}/transitions"
    return api.post(path, json={"transition": "suspend"}, headers=who.operator.headers)


ENDS: Final[dict[str, tuple[Make, End]]] = {
    "key": (a_key, revoke_key),
    "key, its token": (a_token, revoke_key),
    "session": (a_member, log_out),
    "member": (a_member, remove_member),
    "organisation, its key": (a_key, suspend),
    "organisation, its member": (a_member, suspend),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(released: Released) -> AsyncIterator[Database]:
    async with stocked(released) as found:
        yield found


def status(api: httpx.Client, who: Holder | Sitter) -> int:
    return api.get("/v1/me", headers=who.headers).status_code


def seconds_until_refused(here: httpx.Client, there: httpx.Client, who: Parties, end: End) -> float:
    """From the answer to the end at one process until both, that had seen the caller, refuse."""
    if isinstance(who.ended, Machine):
        who.ended.fetch(here)
    assert (status(here, who.ended), status(there, who.ended)) == (200, 200)
    answer = end(here, who)
    assert answer.is_success, answer.text
    started = time.monotonic()
    while time.monotonic() - started < LIMIT:
        if not {status(here, who.ended), status(there, who.ended)} - {401, 403}:
            break
        time.sleep(0.05)
    return time.monotonic() - started


async def took(database: Database, application: str, names: list[str]) -> dict[str, float]:
    """By what is ended, how long two processes of ``application`` take to refuse it."""
    engine = db.create_engine(database.url, database.settings, acting=db.INSTALLATION)
    operator = await holder(engine, OrganisationRole.OPERATOR)
    parties = {}
    for name in names:
        owner = await holder(engine)
        parties[name] = Parties(operator, owner, await ENDS[name][0](engine, owner))
    await engine.dispose()
    with ExitStack() as held:
        here, there = (
            held.enter_context(
                httpx.Client(
                    base_url=held.enter_context(serving(database, application)), timeout=10
                )
            )
            for _ in range(2)
        )
        return {
            name: seconds_until_refused(here, there, who, ENDS[name][1])
            for name, who in parties.items()
        }


@pytest.mark.asvs("V7.4.2", "V8.3.2")
async def test_it_acts_at_every_process(database: Database) -> None:
    found = await took(database, SERVED, list(ENDS))
    assert max(found.values()) < LIMIT, found


async def test_control_a_memory_that_does_not_pass_is_caught(database: Database) -> None:
    found = await took(database, FORGETLESS, ["key", "member"])
    assert min(found.values()) >= LIMIT, found
