"""The life of assessments against a model that knows nothing of how they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, precondition, rule
from tests.factories import SEEDS
from tests.profiles import checker
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.core.db import Session
from matchmaker.core.transitions import TransitionRequest
from matchmaker.enterprise.assessments import declaration, policy, queries, service
from matchmaker.enterprise.assessments.models import Assessment, AssessmentId
from matchmaker.enterprise.assessments.reading import Reader
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole

READER = Reader(checker(), policy.load(SEEDS))
STEPS = {
    "complete": (("draft",), "completed", "owner", "assessment.completed"),
    "verify": (("completed",), "verified", "operator", "assessment.verified"),
    "supersede": (
        ("draft", "completed", "verified"),
        "superseded",
        "owner",
        "assessment.superseded",
    ),
}
values = st.sampled_from(["1", "2", "4.2", None])


@dataclass
class Modelled:
    """What an assessment should be."""

    checkpoint: int
    value: str | None
    state: str = "draft"
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["assessment.started"])

    def move(self, target: str, kind: str) -> None:
        self.state = target
        self.revision += 1
        self.told.append(kind)


class AssessmentLife(Life):
    """A firm, a stranger and an operator, and what they do to assessments."""

    assessments = Bundle("assessments")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[AssessmentId, Modelled] = {}
        firm, stranger = self.people[:2]
        self.who = {
            # The console: a key that made a version of a profile would have to be there.
            "owner": replace(principal(firm, OrganisationRole.SME), key_id=None),
            "other": principal(stranger, OrganisationRole.SME),
            "operator": principal(stranger, OrganisationRole.OPERATOR),
        }

    @initialize(target=assessments, value=values)
    def begin(self, value: str | None) -> AssessmentId:
        return self.made(0, value)

    @precondition(lambda self: len(self.model) < 4)
    @rule(target=assessments, checkpoint=st.integers(0, 1), value=values)
    def create(self, checkpoint: int, value: str | None) -> AssessmentId:
        return self.made(checkpoint, value)

    def made(self, checkpoint: int, value: str | None) -> AssessmentId:
        said = {"scheme": "gbt_39116_2020", "checkpoint": checkpoint, "value": value}
        draft = msgspec.convert(said, declaration.AssessmentDraft)
        made = self.run(lambda session: service.create(session, READER, draft, self.who["owner"]))
        self.model[made.id] = Modelled(checkpoint, value)
        self.agrees()
        return made.id

    @rule(
        id_=assessments,
        by=st.sampled_from(["owner"] * 4 + ["other", "operator"]),
        value=st.sampled_from(["1", "2", None, "nine"]),
        off=st.sampled_from([0] * 6 + [-1, 1]),
    )
    def patch(self, id_: AssessmentId, by: str, value: str | None, off: int) -> None:
        now = self.model[id_]
        expected = None
        if by != "owner":
            expected = "assessment_not_found"
        elif off:
            expected = "stale_version"
        elif now.state != "draft":
            expected = "assessment_closed"
        elif value == "nine" != now.value:
            expected = "unusable_input"
        change = msgspec.convert({"value": value}, declaration.AssessmentPatch)
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                READER,
                id_,
                change,
                principal=self.who[by],
                revision=now.revision + off,
            )
        )
        assert outcome == expected
        if expected is None and value != now.value:
            now.value = value
            now.revision += 1
            now.told.append("assessment.revised")
        self.agrees()

    @rule(
        id_=assessments,
        by=st.sampled_from(["owner"] * 3 + ["operator", "other"]),
        name=st.sampled_from([*STEPS]),
    )
    def move(self, id_: AssessmentId, by: str, name: str) -> None:
        now = self.model[id_]
        sources, target, actor, kind = STEPS[name]
        expected = None
        if by == "other":
            expected = "assessment_not_found"
        elif by != actor:
            expected = "not_your_transition"
        elif now.state not in sources:
            expected = "illegal_transition"
        elif name == "complete" and now.value is None:
            expected = "transition_hindered"
        asked = TransitionRequest(transition=name)
        outcome = self.outcome(
            lambda session: service.take_step(session, READER, id_, asked, principal=self.who[by])
        )
        assert outcome == expected
        if expected is None:
            if name == "complete":
                self.replace_at(now.checkpoint)
            now.move(target, kind)
        self.agrees()

    def replace_at(self, checkpoint: int) -> None:
        """What stood there is superseded."""
        for each in self.model.values():
            if each.checkpoint == checkpoint and each.state in {"completed", "verified"}:
                each.move("superseded", "assessment.superseded")

    def agrees(self) -> None:
        stored = self.run.rows(
            "select id, state, revision, content->>'value', result->>'level'"
            " from mm.assessment where id = any($1)",
            list(self.model),
        )
        for id_, state, revision, value, level in stored:
            now: Any = self.model[id_]
            assert (state, revision, value) == (now.state, now.revision, now.value)
            was_completed = "assessment.completed" in now.told
            assert level == (now.value if was_completed else None)

    def teardown(self) -> None:
        for id_, now in self.model.items():
            assert self.told(id_) == now.told


OUTCOMES = {
    "assessment_closed",
    "assessment_not_found",
    "done",
    "illegal_transition",
    "not_your_transition",
    "stale_version",
    "transition_hindered",
    "unusable_input",
}
"""Everything that may come of what the machine does."""


def test_assessments_live_as_the_model_says(run: Transactions) -> None:
    assert live(AssessmentLife, run).keys() == OUTCOMES


def test_control_an_assessment_that_strangers_change_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybodys(session: Session, id_: AssessmentId, _: Principal) -> Assessment:
        found = await queries.find_assessment(session, id_)
        assert found is not None
        return found

    monkeypatch.setattr(service, "find", anybodys)
    with pytest.raises(AssertionError):
        live_once(AssessmentLife, run)
