from __future__ import annotations

import enum
from typing import Any

import pytest
from tests.machines import MACHINES

from matchmaker.catalog.machine import OFFERING, OfferingState
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor, Machine, step


class Light(enum.StrEnum):
    RED = "red"
    GREEN = "green"
    LOST = "lost"


_GO = step("go", Bilingual(zh="行", en="Go"), (Light.RED,), Light.GREEN, Actor.CLOCK)


def unreached(machine: Machine[Any]) -> set[str]:
    """The states that no path leads to."""
    reached, frontier = {machine.initial}, [machine.initial]
    while frontier:
        for found in machine.steps_from(frontier.pop()):
            if found.target not in reached:
                reached.add(found.target)
                frontier.append(found.target)
    return {state.value for state in machine.states} - reached


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.noun)
class TestEveryMachine:
    def test_every_state_can_be_reached_from_the_first(self, machine: Machine[Any]) -> None:
        assert not unreached(machine)

    def test_no_step_stays_where_it_is(self, machine: Machine[Any]) -> None:
        assert not [step.name for source, step in machine.edges() if step.target is source]

    def test_every_step_is_for_somebody_and_has_a_title(self, machine: Machine[Any]) -> None:
        assert all(step.actors and step.title.zh and step.title.en for step in machine.steps)


def test_a_state_that_nothing_leads_to_is_caught() -> None:
    assert unreached(Machine("light", Light.RED, (_GO,))) == {"lost"}


def test_a_name_says_where_a_step_ends() -> None:
    with pytest.raises(ValueError, match="twice"):
        Machine("light", Light.RED, (_GO, _GO))


def test_only_steps_of_the_asked_actor_are_given() -> None:
    steps = OFFERING.steps_from(OfferingState.IN_REVIEW, Actor.OWNER)
    assert [found.name for found in steps] == ["withdraw"]
    assert "publish" in {found.name for found in OFFERING.steps_from(OfferingState.IN_REVIEW)}


def test_a_step_that_is_not_declared_is_none() -> None:
    assert OFFERING.step("fly") is None
    found = OFFERING.step("publish")
    assert found is not None
    assert found.target is OfferingState.PUBLISHED
