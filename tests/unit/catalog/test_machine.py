from __future__ import annotations

from matchmaker.catalog.machine import (
    EDGES,
    IMPORTABLE,
    INITIAL,
    Actor,
    OfferingState,
    edge,
    next_states,
)


def test_every_state_can_be_reached_from_the_first() -> None:
    reached, frontier = {INITIAL}, [INITIAL]
    while frontier:
        for step in next_states(frontier.pop()):
            if step.target not in reached:
                reached.add(step.target)
                frontier.append(step.target)
    assert reached == set(OfferingState)


def test_a_step_has_one_target_from_each_state() -> None:
    named = [(step.name, step.source) for step in EDGES]
    assert len(named) == len(set(named))


def test_no_step_stays_where_it_is_but_a_repeated_import() -> None:
    assert {step.name for step in EDGES if step.source is step.target} == {"import"}


def test_a_retired_offering_never_comes_back() -> None:
    assert next_states(OfferingState.RETIRED) == ()


def test_an_import_leaves_suspended_and_retired_offerings_alone() -> None:
    assert set(OfferingState) - set(IMPORTABLE) == {OfferingState.SUSPENDED, OfferingState.RETIRED}


def test_only_steps_of_the_asked_actor_are_given() -> None:
    steps = next_states(OfferingState.IN_REVIEW, Actor.PROVIDER)
    assert [step.name for step in steps] == ["withdraw"]
    assert "publish" in {step.name for step in next_states(OfferingState.IN_REVIEW)}


def test_a_step_that_is_not_declared_is_none() -> None:
    assert edge("publish", OfferingState.DRAFT) is None
    found = edge("publish", OfferingState.IN_REVIEW)
    assert found is not None
    assert found.target is OfferingState.PUBLISHED
