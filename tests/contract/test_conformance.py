"""The OpenAPI document against the running API: every check, every operation, three callers.

The long form, in `make soak`; `test_answers` is the short one.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import httpx
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.run import PhaseName
from schemathesis.generation.meta import (
    REQUEST_SHAPE_PROBES,
    CoveragePhaseData,
    CoverageScenario,
    TestPhase,
)
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData
from tests.contract.conftest import stocked
from tests.contract.stage import NEIGHBOUR, OPERATOR, OWNER, Caller, NotMade, Stage
from tests.contract.supplies import SUPPLIES, integers
from tests.identities import holder

from matchmaker.app import Released, handlers
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.jobs import Handler, Options, Worker
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy import uscc

Case: TypeAlias = schemathesis.Case[Any]

EXAMPLES: Final = 20
SHOWN: Final = 10
ANONYMOUS: Final = "anonymous"
CALLERS: Final = (ANONYMOUS, OWNER, OPERATOR)
PATIENCE: Final = 60.0
POLLS: Final = 600
UNPROCESSABLE: Final = 422
NEGATIVE: Final = ["400", "401", "403", "404", "405", "415", "422", "428"]
"""How a request that the document does not allow may be refused. Beside what means just that:
412, for an If-Match that is no ETag is not the current one; 413, for a list may be too long and
the body thereby larger than any may be. A missing If-Match is 428 (RFC 6585)."""
DEPENDS: Final[dict[str, frozenset[str]]] = {
    # A merge patch is sound or not together with what is stored, which no schema of it knows.
    "reviseNeed": frozenset(
        {"unusable_input", "missing_pools", "pools_without_effect", "invalid_content", "invalid"}
    ),
    "patchProfile": frozenset({"invalid_content", "missing"}),
    # The path of a link may name the owner itself.
    "inviteNeedMember": frozenset({"firm_not_invitable"}),
    # A link may lead to what nobody here may see, whose steps are then unknown.
    **dict.fromkeys(
        ("takeNeedTransition", "takeNeedMemberTransition", "moveShortlist"),
        frozenset({"unknown_transition"}),
    ),
    "reviseOrganisation": frozenset({"invalid_content", "invalid", "not_a_provider"}),
}
"""By operation, problems of well-formed requests that are no findings."""
ONCE: Final = {*REQUEST_SHAPE_PROBES, CoverageScenario.MISSING_PARAMETER}
FIRST: Final = 4
GROWTH: Final = 1.7


@pytest.fixture(scope="module", autouse=True)
def formats(released: Released) -> None:
    """What a text of each format looks like, where no library knows it."""
    taxonomy = released.taxonomy
    for name, scheme in taxonomy.schemes.items():
        schemathesis.openapi.format(name, st.sampled_from(sorted(scheme.entries)))
    asked = sorted(each.name for each in released.checker.fields if each.rule is not None)
    schemathesis.openapi.format("rule_field", st.sampled_from(asked))
    body = st.text(uscc.ALPHABET, min_size=17, max_size=17)
    schemathesis.openapi.format("uscc", body.map(lambda text: text + uscc.check_character(text)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(released: Released) -> Any:  # noqa: ANN401
    """A server in a process of its own, on a database that nobody else writes to."""
    async with stocked(released) as database:
        engine = db.create_engine(database.url, database.settings)
        role = OrganisationRole
        firm = (role.SME, role.PROVIDER, role.AGENCY)
        held = {
            OWNER: await holder(engine, *firm),
            NEIGHBOUR: await holder(engine, *firm),
            OPERATOR: await holder(engine, role.OPERATOR),
        }
        callers = {
            name: Caller(organisation_id=str(found.organisation_id), headers=found.headers)
            for name, found in held.items()
        }
        with serving(database) as address, httpx.Client(base_url=address, timeout=30) as api:
            made = Stage(api, callers)
            await work_until_done(made, database, handlers(released, engine))
            await engine.dispose()
            yield made


async def work_until_done(stage: Stage, database: Database, handled: Mapping[str, Handler]) -> None:
    """Have the jobs done that requests ask about; those that follow wait."""
    worker = Worker(database.url, database.settings, handled, options=Options(poll=0.05))
    task = asyncio.create_task(worker.run())
    for _ in range(POLLS):
        if stage.is_done:
            break
        await asyncio.sleep(0.1)
    worker.stop()
    await task
    assert stage.is_done


@contextlib.contextmanager
def serving(database: Database) -> Iterator[str]:
    """Where a server on ``database`` listens."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("MATCHMAKER_")},
        "DATABASE_URL": database.url,
        "MATCHMAKER_DATA": str(database.settings.data_directory),
        "MATCHMAKER_SECRET": "s" * 32,
        "MATCHMAKER_LOG_LEVEL": "error",
    }
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "matchmaker.app:served", "--factory"),
                *("--fd", str(number), "--log-level", "error", "--no-access-log"),
            ],
            env=environment,
            pass_fds=[number],
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz", timeout=5).is_success:
                return
        time.sleep(0.05)
    pytest.fail("the server did not become ready")


def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop the refusal of a well-formed change that what is stored does not bear."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != UNPROCESSABLE:
        return True
    told = response.json()
    faults = {told["code"], *(each["code"] for each in told["errors"])}
    return not faults <= DEPENDS.get(operation_id(case), frozenset())


def operation_id(case: Case) -> str:
    """The name of the operation in the document."""
    return str(case.operation.definition.raw["operationId"])


@dataclass
class Sampler:
    """Thins out the cases of the coverage phase, of which there are many more than the rest."""

    seen: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def keeps(self, case: Case) -> bool:
        """All cases of a kind that comes once, else the first few and then ever fewer."""
        meta = case.meta
        if meta is None or not isinstance(meta.phase.data, CoveragePhaseData):
            return True
        if meta.phase.data.scenario in ONCE:
            return True
        key = (case.operation.label, meta.generation.mode.is_positive)
        self.seen[key] += 1
        place = self.seen[key]
        return place <= FIRST or int(math.log(place, GROWTH)) > int(math.log(place - 1, GROWTH))


@dataclass
class Director:
    """Gives each request what it needs before it is sent, as the supplies say."""

    stage: Stage
    released: Released
    caller: str
    paths: dict[str, dict[str, object]] = field(default_factory=dict)
    """The path parameters in use, by operation."""

    def __call__(self, _: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG002
        if case.meta is None:
            return
        with self.stage.lock:
            self._fill(case)

    def _fill(self, case: Case) -> None:
        meta = case.meta
        assert meta is not None
        name = operation_id(case)
        supply = SUPPLIES[name]
        is_sound = meta.generation.mode.is_positive
        parts = ParameterLocation
        is_linked = meta.phase.name is TestPhase.STATEFUL and not supply.is_risky
        if case.path_parameters and not meta.is_negative_at(parts.PATH) and not is_linked:
            is_new = supply.is_consumed and is_sound and self.caller == supply.by
            if is_new or name not in self.paths:
                self.paths[name] = supply.path(self.stage)
            case.path_parameters = {**case.path_parameters, **self.paths[name]}
        if case.query and not meta.is_negative_at(parts.QUERY):
            case.query = supply.query(self.stage, dict(case.query))
        if is_sound and isinstance(case.body, dict):
            case.body = supply.body(self.stage, self._sound(integers(case.body)))
            with contextlib.suppress(NotMade):
                self._name_transition(case, supply.by)
        # What a link leads to may be another's, or gone.
        with contextlib.suppress(NotMade):
            self._match_version(case, supply.by)

    def _match_version(self, case: Case, by: str) -> None:
        meta = case.meta
        assert meta is not None
        takes = "If-Match" in case.operation.headers
        if not takes or meta.is_negative_at(ParameterLocation.HEADER):
            return
        if meta.is_negative_at(ParameterLocation.PATH):
            return
        versioned = SUPPLIES[operation_id(case)].versioned
        path = versioned.format(**case.path_parameters) or case.formatted_path
        case.headers["If-Match"] = self.stage.etag(path, by)

    def _name_transition(self, case: Case, by: str) -> None:
        if case.path.endswith("/transitions") and isinstance(case.body, dict):
            case.body = {**case.body, "transition": self.stage.possible(case.formatted_path, by)}

    def _sound(self, value: Any) -> Any:  # noqa: ANN401
        """Rules that can hold: whether a field takes an operator, no schema of a rule says."""
        if isinstance(value, list):
            return [self._sound(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._sound(inner) for name, inner in value.items()}
        if isinstance(found.get("must"), dict) and not self._holds(found["must"]):
            found["must"] = {"all": []}
        if isinstance(found.get("prefer"), list):
            found["prefer"] = [each for each in found["prefer"] if self._holds(each, is_leaf=True)]
        return found

    def _holds(self, rule: object, *, is_leaf: bool = False) -> bool:
        return not list(self.released.checker.rule(rule, "#", is_leaf=is_leaf))


@dataclass
class Outcome:
    """What a run found."""

    findings: list[str] = field(default_factory=list)
    sound: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)

    def note(self, event: events.EngineEvent) -> None:
        """Keep what ``event`` says."""
        if isinstance(event, events.NonFatalError):
            self.findings.append(f"{event.label}: {event.info.title}: {str(event.value)[:300]}")
        if isinstance(event, events.FatalError):
            raise event.exception
        if not isinstance(event, events.ScenarioFinished):
            return
        for case_id, checks in event.recorder.checks.items():
            case = event.recorder.cases[case_id].value
            found = event.recorder.interactions[case_id].response
            for check in checks:
                if check.status is Status.FAILURE and check.failure_info is not None:
                    failure = check.failure_info.failure
                    told = (
                        ""
                        if found is None or found.content is None
                        else found.content.decode(errors="replace")
                    )
                    self.findings.append(
                        f"{case.operation.label} [{event.phase}] {check.name}: {failure.message}\n"
                        f"    {check.failure_info.code_sample[:600]}\n    -> {told[:400]}"
                    )
            self._count(event.phase, case, found)

    def _count(self, phase: PhaseName, case: Case, found: Any) -> None:  # noqa: ANN401
        self.phases[phase.value] += 1
        meta = case.meta
        if phase is PhaseName.STATEFUL_TESTING or found is None or meta is None:
            return
        if meta.generation.mode.is_positive:
            name = operation_id(case)
            self.sound[name] += 1
            if 200 <= found.status_code < 300:
                self.succeeded[name] += 1
            else:
                self.refused[
                    f"{name} {found.status_code} {(found.content or b'').decode()[24:300]}"
                ] += 1


def configured(stage: Stage, caller: str, document: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
    """The document as requests of ``caller`` are drawn from it, with every check."""
    address = str(stage.api.base_url)
    raw = document or stage.api.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(raw)
    schema.config.update(
        base_url=address,
        headers={} if caller == ANONYMOUS else dict(stage.callers[caller].headers),
        continue_on_failure=True,
    )
    checks = schema.config.checks
    checks.negative_data_rejection.expected_statuses = [*NEGATIVE, "412", "413"]
    checks.missing_required_header.expected_statuses = ["401", "403", "428"]
    schema.config.generation.update(
        max_examples=EXAMPLES, deterministic=True, no_shrink=True, database="none"
    )
    return schema


def perform(
    stage: Stage, released: Released, caller: str, document: dict[str, Any] | None = None
) -> Outcome:
    """What every check says of requests of ``caller``, and how they were answered."""
    schema = configured(stage, caller, document)
    found = Outcome()
    director = Director(stage, released, caller)

    def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
        director(context, case, kwargs)

    schemathesis.hook(before_call)
    sampler = Sampler()

    def filter_case(_: HookContext, case: Case) -> bool:
        return sampler.keeps(case)

    schema.hook(filter_case)
    schema.hook(filter_failure)
    try:
        for event in from_schema(schema).execute():
            found.note(event)
    finally:
        schemathesis.hooks.GLOBAL_HOOK_DISPATCHER.unregister(before_call)
    return found


def test_every_operation_has_a_supply(stage: Stage) -> None:
    found = stage.api.get("/openapi.json").json()["paths"].values()
    named = {operation["operationId"] for item in found for operation in item.values()}
    assert named == SUPPLIES.keys(), "tests/contract/supplies.py: one entry for each operation"


def test_no_check_is_left_out(stage: Stage) -> None:
    schema = configured(stage, OWNER)
    load_all_checks()
    assert all(
        schema.config.checks.get_by_name(name=name).enabled
        for name in CHECKS.get_all_names()
        if name != "max_response_time"
    )


@pytest.mark.soak
@pytest.mark.parametrize("caller", CALLERS)
def test_the_document_is_true(stage: Stage, released: Released, caller: str) -> None:
    """Requests drawn from the document, sound and unsound: no finding, and most sound ones work.

    Of those that may use an operation at least half of the well-formed requests must succeed.
    """
    found = perform(stage, released, caller)
    assert not found.findings, "\n\n".join(found.findings[:SHOWN])
    assert found.sound.keys() == SUPPLIES.keys()
    counted = [name for name, supply in SUPPLIES.items() if supply.by == caller]
    for name in sorted(counted):
        print(f"{caller}: {name} {found.succeeded[name]} of {found.sound[name]}")  # noqa: T201
    low = [name for name in counted if found.succeeded[name] * 2 < found.sound[name]]
    assert not low, "\n".join(
        what for what in sorted(found.refused) if what.partition(" ")[0] in low
    )


@pytest.mark.soak
def test_a_response_that_does_not_conform_is_caught(stage: Stage, released: Released) -> None:
    """The control: the document promises a member that no answer has."""
    document = stage.api.get("/openapi.json").json()
    document["paths"] = {path: document["paths"][path] for path in ("/v1/me", "/v1/match")}
    document["components"]["schemas"]["Me"]["required"].append("colour")
    found = perform(stage, released, OWNER, document)
    assert found.findings
    assert all("response_schema_conformance" in finding for finding in found.findings)
    assert all("/v1/me" in finding for finding in found.findings)


def test_a_body_that_is_too_large_is_answered_not_cut_off(stage: Stage) -> None:
    """A server that closes on an unread body resets the connection: the 413 was lost with it."""
    body = b'{"need":{"kind":"solution","text":"' + b"a" * 900_000 + b'"}}'
    for _ in range(30):
        answer = httpx.post(
            f"{str(stage.api.base_url).rstrip('/')}/v1/match",
            content=body,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 413
