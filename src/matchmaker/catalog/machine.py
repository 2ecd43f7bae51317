"""The life of an offering, declared once as data for the API, the docs and the import."""

from __future__ import annotations

import enum
from typing import NamedTuple


class OfferingState(enum.StrEnum):
    """Where an offering stands; only published ones are matched."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    PUBLISHED = "published"
    PAUSED = "paused"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Actor(enum.StrEnum):
    """Who may take a step."""

    PROVIDER = "provider"
    OPERATOR = "operator"
    CLOCK = "clock"
    """A job that acts when a date has passed."""


class Edge(NamedTuple):
    """One step an offering may take."""

    name: str
    source: OfferingState
    target: OfferingState
    actors: frozenset[Actor]


INITIAL = OfferingState.DRAFT


def _edges(
    name: str, sources: tuple[OfferingState, ...], target: OfferingState, *actors: Actor
) -> tuple[Edge, ...]:
    return tuple(Edge(name, source, target, frozenset(actors)) for source in sources)


_S = OfferingState
_EDITABLE = (_S.DRAFT, _S.CHANGES_REQUESTED)
_SEEN = (_S.PUBLISHED, _S.PAUSED, _S.EXPIRED)
IMPORTABLE = (*_EDITABLE, _S.IN_REVIEW, *_SEEN)
"""States out of which the operator's import publishes; a suspended or retired offering stays so."""

EDGES: tuple[Edge, ...] = (
    *_edges("submit", _EDITABLE, _S.IN_REVIEW, Actor.PROVIDER),
    *_edges("withdraw", (_S.IN_REVIEW,), _S.DRAFT, Actor.PROVIDER),
    *_edges("request_changes", (_S.IN_REVIEW,), _S.CHANGES_REQUESTED, Actor.OPERATOR),
    *_edges("publish", (_S.IN_REVIEW,), _S.PUBLISHED, Actor.OPERATOR),
    *_edges("import", IMPORTABLE, _S.PUBLISHED, Actor.OPERATOR),
    *_edges("pause", (_S.PUBLISHED,), _S.PAUSED, Actor.PROVIDER, Actor.OPERATOR),
    *_edges("resume", (_S.PAUSED,), _S.PUBLISHED, Actor.PROVIDER, Actor.OPERATOR),
    *_edges("expire", (_S.PUBLISHED, _S.PAUSED), _S.EXPIRED, Actor.CLOCK),
    *_edges("renew", (_S.EXPIRED,), _S.IN_REVIEW, Actor.PROVIDER),
    *_edges("suspend", (_S.IN_REVIEW, *_SEEN), _S.SUSPENDED, Actor.OPERATOR),
    *_edges("reinstate", (_S.SUSPENDED,), _S.PUBLISHED, Actor.OPERATOR),
    *_edges("retire", (*_EDITABLE, *_SEEN), _S.RETIRED, Actor.PROVIDER, Actor.OPERATOR),
)


def next_states(state: OfferingState, actor: Actor | None = None) -> tuple[Edge, ...]:
    """The steps out of ``state`` in the order declared; with ``actor``, those it may take."""
    return tuple(
        edge for edge in EDGES if edge.source is state and (actor is None or actor in edge.actors)
    )


def edge(name: str, state: OfferingState) -> Edge | None:
    """The step ``name`` out of ``state``; None if there is none."""
    return next((step for step in next_states(state) if step.name == name), None)
