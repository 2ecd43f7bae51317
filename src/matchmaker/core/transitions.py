"""What can be done with a thing now, by whom, why not the rest: one shape for every noun."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from matchmaker.core.errors import (
    Conflict,
    FieldFault,
    Forbidden,
    StaleVersion,
    Unprocessable,
)
from matchmaker.core.etags import Varying
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import Code, Prose

if TYPE_CHECKING:
    from matchmaker.core.language import Language
    from matchmaker.core.machine import Actor, Machine, Step

S = TypeVar("S", bound=enum.StrEnum)

_AT = "#/transition"
STEPS: Final = "steps"
"""Where in the ``opt`` of a handler the names of the transitions are that it takes."""


class UnknownTransition(Unprocessable):
    """Nothing of this kind has a transition of this name."""

    slug = "unknown_transition"
    title = Bilingual(zh="没有这个操作", en="No such transition")


class IllegalTransition(Conflict):
    """The transition does not start from the present state; ``state`` says which that is.

    Of several callers at once one wins, and the others meet this.
    """

    slug = "illegal_transition"
    title = Bilingual(zh="当前状态不允许该操作", en="The present state has no such transition")


class NotYourTransition(Forbidden):
    """The transition is there, but not for this caller; ``by`` says for whom."""

    slug = "not_your_transition"
    title = Bilingual(zh="您不能执行该操作", en="The transition is not yours to take")


class TransitionHindered(Conflict):
    """Something that the transition needs is missing; ``errors`` name it."""

    slug = "transition_hindered"
    title = Bilingual(zh="尚不满足该操作的条件", en="Something the transition needs is missing")


PROBLEMS = (
    UnknownTransition,
    IllegalTransition,
    NotYourTransition,
    TransitionHindered,
    StaleVersion,
)
"""What every operation that takes a transition may answer."""

Hindrances = Mapping[str, Sequence[FieldFault]]
"""By name of a step what is missing for it now; a step that is not named lacks nothing."""


class TransitionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The transition to take, and what the other side should know about it."""

    transition: Code
    note: Prose | None = None


class Hindrance(msgspec.Struct, frozen=True, kw_only=True):
    """Why a transition cannot be taken now."""

    code: str
    message: str


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One transition: where it leads, who may take it, whether the caller may now, why not."""

    name: str
    title: str
    target: str
    by: Annotated[list[str], msgspec.Meta(description="owner, operator, agency, clock")]
    possible: bool
    why_not: list[Hindrance]


class Transitions(Varying, frozen=True, kw_only=True):
    """Where a thing stands, and every transition there is for its kind."""

    state: str
    revision: int
    transitions: list[Transition]


def taking(machine: Machine[S]) -> dict[str, Any]:
    """``opt`` of an operation that takes a transition of ``machine``: the document names them."""
    return {STEPS: tuple(step.name for step in machine.steps)}


def overview(
    machine: Machine[S],
    state: S,
    revision: int,
    *,
    actors: Iterable[Actor],
    hindrances: Hindrances,
    language: Language,
) -> Transitions:
    """Every transition of ``machine`` as it is for somebody acting as ``actors``."""
    taking = frozenset(actors)
    told = []
    for step in machine.steps:
        why_not = list(_why_not(step, state, taking, hindrances.get(step.name, ())))
        told.append(
            Transition(
                name=step.name,
                title=step.title.in_language(language),
                target=step.target.value,
                by=sorted(step.actors),
                possible=not why_not,
                why_not=[
                    Hindrance(code=fault.code, message=fault.message.in_language(language))
                    for fault in why_not
                ],
            )
        )
    return Transitions(state=state.value, revision=revision, transitions=told)


def checked(
    machine: Machine[S],
    state: S,
    name: str,
    *,
    actors: Iterable[Actor],
    hindrances: Hindrances,
) -> Step[S]:
    """The step ``name``, which somebody acting as ``actors`` may take out of ``state`` now.

    Raises:
        UnknownTransition: the machine has no such step.
        NotYourTransition: it is for others.
        IllegalTransition: it does not start from ``state``.
        TransitionHindered: something is missing for it.
    """
    step = machine.step(name)
    if step is None:
        known = ", ".join(each.name for each in machine.steps)
        said = Bilingual(zh=f"可用的操作：{known}", en=f"is none of {known}")
        raise UnknownTransition(errors=[FieldFault(_AT, "unknown_transition", said)])
    if not step.actors & frozenset(actors):
        raise NotYourTransition(extra={"by": sorted(step.actors)})
    if state not in step.sources:
        raise IllegalTransition(extra={"state": state.value})
    missing = hindrances.get(name, ())
    if missing:
        raise TransitionHindered(errors=missing, extra={"state": state.value})
    return step


def _why_not(
    step: Step[S], state: S, actors: frozenset[Actor], missing: Sequence[FieldFault]
) -> Iterable[FieldFault]:
    if state not in step.sources:
        sources = ", ".join(source.value for source in step.sources)
        said = Bilingual(zh=f"只能从以下状态开始：{sources}", en=f"starts only from {sources}")
        yield FieldFault(_AT, "other_state", said)
    if not step.actors & actors:
        others = ", ".join(sorted(step.actors))
        said = Bilingual(zh=f"只能由以下角色执行：{others}", en=f"only for {others}")
        yield FieldFault(_AT, "other_actor", said)
    yield from missing
