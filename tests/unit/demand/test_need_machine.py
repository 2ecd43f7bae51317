from __future__ import annotations

import pytest

from matchmaker.core.machine import Actor
from matchmaker.demand.machine import EDITABLE, HAPPENED, NEED, NEED_MEMBER, NeedState

_S = NeedState


@pytest.mark.parametrize("state", [_S.FULFILLED, _S.WITHDRAWN])
def test_what_is_over_stays_over(state: NeedState) -> None:
    assert NEED.steps_from(state) == ()
    assert state not in EDITABLE


def test_an_expired_need_is_taken_up_again_as_a_draft() -> None:
    assert [step.name for step in NEED.steps_from(_S.EXPIRED)] == ["reopen"]
    reopen = NEED.step("reopen")
    assert reopen is not None
    assert reopen.target is _S.DRAFT


def test_failed_talks_bring_a_need_back() -> None:
    release = NEED.step("release")
    assert release is not None
    assert (release.sources, release.target) == ((_S.ENGAGED,), _S.OPEN)


def test_only_the_clock_expires_and_it_does_nothing_else() -> None:
    assert {step.name for step in NEED.steps if Actor.CLOCK in step.actors} == {"expire"}
    assert [step.actors for step in NEED.steps if step.name == "expire"] == [{Actor.CLOCK}]


def test_operators_take_down_and_do_nothing_else() -> None:
    assert {step.name for step in NEED.steps if Actor.OPERATOR in step.actors} == {"withdraw"}


def test_every_step_is_told_as_one_event() -> None:
    assert HAPPENED.keys() == {step.name for step in NEED.steps}
    assert len(set(HAPPENED.values())) == len(HAPPENED)


def test_nobody_but_the_firm_itself_joins() -> None:
    assert {actor for step in NEED_MEMBER.steps for actor in step.actors} == {Actor.OWNER}
