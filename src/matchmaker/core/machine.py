"""State machines as data: declared once, they drive the API, the documents, the tests, the client.

A machine says which steps there are, out of which states and by whom. Whether a step that is
possible is also sensible (an offering without a version cannot be published) its room says, as
hindrances (``core.transitions``).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.language import Bilingual

S = TypeVar("S", bound=enum.StrEnum)


class Actor(enum.StrEnum):
    """In what part somebody takes a step."""

    OWNER = "owner"
    """The organisation the thing belongs to."""
    OPERATOR = "operator"
    """Who runs the marketplace; never on things of its own organisation."""
    AGENCY = "agency"
    """The public body that is responsible; never on things of its own organisation."""
    CLOCK = "clock"
    """A job that acts when a date has passed."""


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """One way to change state: its name, where it may start, where it ends, who may take it."""

    name: str
    title: Bilingual
    sources: tuple[S, ...]
    target: S
    actors: frozenset[Actor]


@dataclass(frozen=True, slots=True)
class Machine(Generic[S]):
    """The life of a noun: its first state and every step there is."""

    noun: str
    initial: S
    steps: tuple[Step[S], ...]

    def __post_init__(self) -> None:
        """Refuse two steps of one name: a name alone must say where a step ends."""
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.noun}: a step is declared twice")

    @property
    def states(self) -> type[S]:
        """Every state, as the type of the states."""
        return type(self.initial)

    def step(self, name: str) -> Step[S] | None:
        """The step of this name; None if there is none."""
        return next((step for step in self.steps if step.name == name), None)

    def steps_from(self, state: S, actor: Actor | None = None) -> tuple[Step[S], ...]:
        """The steps out of ``state`` in the order declared; with ``actor``, those it may take."""
        return tuple(
            step
            for step in self.steps
            if state in step.sources and (actor is None or actor in step.actors)
        )

    def edges(self) -> Iterator[tuple[S, Step[S]]]:
        """Every pair of a state and a step out of it."""
        for step in self.steps:
            for source in step.sources:
                yield source, step


def step(name: str, title: Bilingual, sources: tuple[S, ...], target: S, *actors: Actor) -> Step[S]:
    """A step as it reads best in a declaration."""
    return Step(name, title, sources, target, frozenset(actors))
