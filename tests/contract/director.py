"""What a drawn request is given before it is sent: the things it names, as the supplies say."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import uuid4

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from tests.contract.stage import NotMade, Stage
from tests.contract.supplies import SUPPLIES, integers

from matchmaker.core.once.declaring import HEADER
from matchmaker.released import Released

PERSISTING: Final = frozenset({"match"})
"""Operations that store something only where their body says so."""
Case: TypeAlias = schemathesis.Case[Any]


def operation_id(case: Case) -> str:
    """The name of the operation in the document."""
    return str(case.operation.definition.raw["operationId"])


@dataclass
class Director:
    """Gives each request what it needs before it is sent, as the supplies say."""

    stage: Stage
    released: Released
    caller: str
    paths: dict[str, dict[str, object]] = field(default_factory=dict)
    """The path parameters in use, by operation."""

    def give(self, case: Case) -> None:
        """Have ``case`` name what is there."""
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
        by = self.caller if is_linked and self.caller in self.stage.callers else supply.by
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
                self._name_transition(case, by)
        self._name_request(case)
        # What a link leads to may be another's, or gone.
        with contextlib.suppress(NotMade):
            self._match_version(case, by)

    def _name_request(self, case: Case) -> None:
        """A key of its own where it has one, and none where nothing is stored for the caller."""
        assert case.meta is not None
        if HEADER not in case.headers or case.meta.is_negative_at(ParameterLocation.HEADER):
            return
        is_kept = operation_id(case) not in PERSISTING or (
            isinstance(case.body, dict) and case.body.get("persist") is True
        )
        if is_kept and self.caller in self.stage.callers:
            case.headers[HEADER] = uuid4().hex
        else:
            del case.headers[HEADER]

    def _match_version(self, case: Case, by: str) -> None:
        meta = case.meta
        assert meta is not None
        takes = "If-Match" in case.operation.headers
        if not takes or meta.is_negative_at(ParameterLocation.HEADER):
            return
        # What is a person's no key reads, nor its version.
        if meta.is_negative_at(ParameterLocation.PATH) or by not in self.stage.callers:
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
