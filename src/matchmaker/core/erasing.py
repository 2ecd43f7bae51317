"""What rooms know of a person, and how it goes: each room brings its part, app gathers them.

A person's right to see and to be forgotten is carried out below all rooms, in identity; what to
show and to empty only the rooms know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from matchmaker.core.db import ReadSession, Session


class Subject(NamedTuple):
    """Who is meant."""

    person_id: UUID
    email: str
    member_ids: tuple[UUID, ...] = ()
    """As whom they are recorded."""
    firms: tuple[UUID, ...] = ()
    """The organisations that are them alone: what these stated is theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """One part of what is known of people."""

    name: str
    """A plural, as the receipt counts it."""
    export: Callable[[ReadSession, Subject], Awaitable[list[dict[str, Any]]]]
    """What is known, as JSON has it."""
    erase: Callable[[Session, Subject], Awaitable[int]]
    """How many rows were emptied or removed."""
