"""How requests are drawn from the document, and how those of one caller are sent by another."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation.meta import (
    REQUEST_SHAPE_PROBES,
    CaseMetadata,
    CoveragePhaseData,
    CoverageScenario,
    TestPhase,
)

from matchmaker.released import Released
from matchmaker.taxonomy import uscc

Operation: TypeAlias = schemathesis.APIOperation[Any, Any, Any, Any]
Case: TypeAlias = schemathesis.Case[Any]

ONCE: Final = {*REQUEST_SHAPE_PROBES, CoverageScenario.MISSING_PARAMETER}
FIRST: Final = 4
GROWTH: Final = 1.7
CREDENTIAL: Final = "Authorization"


def name_formats(released: Released) -> None:
    """Say what a text of each format looks like, where no library knows it."""
    taxonomy = released.taxonomy
    for name, scheme in taxonomy.schemes.items():
        schemathesis.openapi.format(name, st.sampled_from(sorted(scheme.entries)))
    asked = sorted(each.name for each in released.checker.fields if each.rule is not None)
    schemathesis.openapi.format("rule_field", st.sampled_from(asked))
    schemathesis.openapi.format("cidr", st.ip_addresses().map(str))
    body = st.text(uscc.ALPHABET, min_size=17, max_size=17)
    schemathesis.openapi.format("uscc", body.map(lambda text: text + uscc.check_character(text)))


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
class Drawn:
    """Requests as they were drawn: before they named anything, and without who sent them."""

    requests: defaultdict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By operation what makes a case."""

    def __len__(self) -> int:
        return sum(map(len, self.requests.values()))

    def keep(self, case: Case) -> None:
        """Note ``case``, but for a step of a sequence: what it goes on from is its caller's."""
        meta = case.meta
        if meta is None or meta.phase.name is TestPhase.STATEFUL:
            return
        headers = {name: text for name, text in case.headers.items() if name != CREDENTIAL}
        self.requests[case.operation.label].append(
            {
                "method": case.method,
                "path_parameters": {**case.path_parameters},
                "headers": headers,
                "cookies": {**case.cookies},
                "query": {**case.query},
                "body": case.body,
                "media_type": case.media_type,
                "multipart_content_types": case.multipart_content_types,
                "_meta": _fresh(meta),
            }
        )

    def again(self, operation: Operation, credential: Mapping[str, str]) -> Iterator[Case]:
        """What was drawn for ``operation``, from another caller, who is there from the start."""
        for request in self.requests[operation.label]:
            headers = {**request["headers"], **credential}
            meta = _fresh(request["_meta"])
            yield operation.Case(**{**request, "headers": headers, "_meta": meta})


def _fresh(meta: CaseMetadata) -> CaseMetadata:
    """The same said of a request that nothing has happened to."""
    return replace(meta, generation=replace(meta.generation), components={**meta.components})
