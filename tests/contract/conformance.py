"""The OpenAPI document against the running API: every check, every operation, three callers or six.

The requests are drawn once, as the owner, and the others send the same ones: drawing takes several
times as long as sending does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import CheckNode
from schemathesis.engine.run import PhaseName
from schemathesis.generation.meta import TestPhase
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData
from tests.contract.director import Case, Director, operation_id
from tests.contract.drawing import Drawn, Sampler
from tests.contract.stage import OPERATOR, OWNER, PORTAL, PROVIDER, SME, Stage
from tests.contract.supplies import SUPPLIES

from matchmaker.released import Released

EXAMPLES: Final = 20
MANY: Final = 100
"""Examples of an operation in the long form."""
STATED: Final = frozenset({"Catalog", "Components", "Enterprise", "Evidence", "Pools"})
"""Tags of what organisations say of themselves and of what they offer: half of the work."""
SHOWN: Final = 10
ANONYMOUS: Final = "anonymous"
CALLERS: Final = (OWNER, ANONYMOUS, OPERATOR)
"""The first draws; it is firm, provider and agency in one."""
MORE: Final = (*CALLERS, SME, PROVIDER, PORTAL)
"""Those of the long form: each role by itself, too."""
UNPROCESSABLE: Final = 422
NEGATIVE: Final = ["400", "401", "403", "404", "405", "415", "422", "428"]
"""How a request that the document does not allow may be refused. Beside what means just that:
412, for an If-Match that is no ETag is not the current one; 413, for a list may be too long and
the body thereby larger than any may be. A missing If-Match is 428 (RFC 6585)."""
DEPENDS: Final[dict[str, frozenset[str]]] = {
    # The organisation may be the one that invites.
    "inviteNeedMember": frozenset({"firm_not_invitable"}),
    # A merge patch is sound or not together with what is stored, which no schema of it knows: half
    # of an amount where there was none, one language taken away where the other was not said.
    "patchProfile": frozenset(
        f"#/{money}/{part} missing"
        for money in ("revenue", "assets", "yearly_budget")
        for part in ("amount", "currency")
    ),
    "patchProvider": frozenset({"#/summary invalid"}),
    "reviseNeed": frozenset({"#/pools pools_without_effect", "#/pools missing_pools"}),
    "reviseOrganisation": frozenset(
        {"#/provider_kind not_a_provider", "#/jurisdiction not_an_agency"}
    ),
}
"""By operation, faults of well-formed requests that are no findings in a sequence of requests:
what they act on there is what earlier ones left. Everywhere else it bears every such request."""


def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop the refusal of a well-formed request that what an earlier one left does not bear."""
    is_linked = case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL
    is_refusal = isinstance(failure, RejectedPositiveData)
    if not (is_linked and is_refusal and response.status_code == UNPROCESSABLE):
        return True
    told = response.json()
    faults = {f"{each['pointer']} {each['code']}" for each in told["errors"]} or {told["code"]}
    return not faults <= DEPENDS.get(operation_id(case), frozenset())


@dataclass
class Outcome:
    """What a run found."""

    findings: list[str] = field(default_factory=list)
    sent: int = 0
    """Requests, but for those of sequences."""
    sound: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def note(self, event: events.EngineEvent) -> None:
        """Keep what ``event`` says."""
        if isinstance(event, events.NonFatalError):
            self.findings.append(f"{event.label}: {event.info.title}: {str(event.value)[:300]}")
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.EngineFinished):
            self.findings += [str(failure) for failure in event.failures]
        if isinstance(event, events.ScenarioFinished):
            for case_id, checks in event.recorder.checks.items():
                case = event.recorder.cases[case_id].value
                answer = event.recorder.interactions[case_id].response
                self._judge(f"{case.operation.label} [{event.phase}]", checks, answer)
                if event.phase is not PhaseName.STATEFUL_TESTING:
                    self._count(case, answer)

    def _judge(self, of: str, checks: Sequence[CheckNode], answer: Response | None) -> None:
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                said = check.failure_info.failure.message
                code = check.failure_info.code_sample[:600]
                self.findings.append(
                    f"{of} {check.name}: {said}\n    {code}\n    -> {_text(answer)[:400]}"
                )

    def _count(self, case: Case, answer: Response | None) -> None:
        self.sent += 1
        meta = case.meta
        if answer is None or meta is None or not meta.generation.mode.is_positive:
            return
        name = operation_id(case)
        self.sound[name] += 1
        if 200 <= answer.status_code < 300:
            self.succeeded[name] += 1
        else:
            self.refused[f"{name} {answer.status_code} {_text(answer)[24:300]}"] += 1

    def low(self, name: str) -> Iterator[str]:
        """What is to be said if less than half of the well-formed requests succeed."""
        if self.sound[name] == 0 or self.succeeded[name] * 2 < self.sound[name]:
            yield f"{name}: {self.succeeded[name]} of {self.sound[name]}"
            yield from (told for told in sorted(self.refused) if told.startswith(f"{name} "))


def _text(answer: Response | None) -> str:
    return "" if answer is None else (answer.content or b"").decode(errors="replace")


def operations(stage: Stage, *, stated: bool) -> set[str]:
    """The operations with one of the tags ``STATED``; else all others."""
    paths = stage.api.get("/openapi.json").json()["paths"].values()
    found = [operation for item in paths for operation in item.values()]
    return {one["operationId"] for one in found if stated is not STATED.isdisjoint(one["tags"])}


def credential(stage: Stage, caller: str) -> dict[str, str]:
    """What ``caller`` sends with every request."""
    return {} if caller == ANONYMOUS else {**stage.callers[caller].headers}


def configured(
    stage: Stage,
    caller: str,
    document: dict[str, Any] | None = None,
    *,
    only: Collection[str] = SUPPLIES.keys(),
    examples: int = EXAMPLES,
) -> Any:  # noqa: ANN401
    """The document as requests of ``caller`` are drawn from it, with every check."""
    raw = document or stage.api.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(raw).include(operation_id=sorted(only))
    schema.config.update(
        base_url=str(stage.api.base_url),
        headers=credential(stage, caller),
        continue_on_failure=True,
    )
    checks = schema.config.checks
    checks.negative_data_rejection.expected_statuses = [*NEGATIVE, "412", "413"]
    checks.missing_required_header.expected_statuses = ["401", "403", "428"]
    schema.config.generation.update(
        max_examples=examples, deterministic=True, no_shrink=True, database="none"
    )
    schema.config.phases.stateful.generation.max_examples = examples // 2
    return schema


def perform(schema: Any, stage: Stage, released: Released, caller: str, drawn: Drawn) -> Outcome:  # noqa: ANN401
    """What every check says of requests of ``caller``, and how they were answered.

    They are ``drawn``; if nothing is yet, they are drawn now.
    """
    is_first = not drawn.requests
    director, sampler = Director(stage, released, caller), Sampler()

    def filter_case(_: HookContext, case: Case) -> bool:
        return sampler.keeps(case)

    def before_add_examples(context: HookContext, examples: list[Case]) -> None:
        assert context.operation is not None
        examples.extend(drawn.again(context.operation, credential(stage, caller)))

    def before_call(_: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
        if is_first:
            drawn.keep(case)
        director.give(case)

    if not is_first:
        schema.config.phases.update(phases=["examples", "stateful"])
        schema.hook(before_add_examples)
    schema.hook(filter_case)
    schema.hook(filter_failure)
    schemathesis.hook(before_call)
    found = Outcome()
    try:
        for event in from_schema(schema).execute():
            found.note(event)
    finally:
        schemathesis.hooks.GLOBAL_HOOK_DISPATCHER.unregister(before_call)
    return found


def hold(stage: Stage, released: Released, only: Collection[str], examples: int = EXAMPLES) -> None:
    """Requests drawn from the document, sound and unsound: no finding, and most sound ones work.

    Of those that may use an operation at least half of the well-formed requests must succeed.
    """
    drawn = Drawn()
    findings: list[str] = []
    low: list[str] = []
    for caller in CALLERS if examples == EXAMPLES else MORE:
        schema = configured(stage, caller, only=only, examples=examples)
        found = perform(schema, stage, released, caller, drawn)
        if found.sent != len(drawn):
            findings.append(f"{caller}: {found.sent} of {len(drawn)} requests were sent")
        findings += [f"{caller}: {finding}" for finding in found.findings]
        for name in sorted(only):
            if SUPPLIES[name].by == caller:
                low += found.low(name)
    assert not findings, "\n\n".join(findings[:SHOWN])
    assert not low, "\n".join(low)
