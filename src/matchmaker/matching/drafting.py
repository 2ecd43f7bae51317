"""The order of a scoring and that of its rival, merged by team draft before the slate moves.

What ranks scores everything, the rival's turns are listed as a move of what it would show: so the
score stays its own explanation, and pins, caps and floors hold for the merged order as for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matchmaker.ranking import interleaving, slate, tables
from matchmaker.ranking.interleaving import INTERLEAVE, Drafted, Team
from matchmaker.ranking.slate import Move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.matching.service import Model, Scoring
    from matchmaker.ranking.moves import Moves
    from matchmaker.ranking.slate import Slate

FOLLOWED = 2
"""Likelihoods are followed to so many times the places shown; what comes from further is 1."""


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """The same query scored by the rival, and the seed of the coins."""

    rival: Scoring
    seed: int


def against(found: Scoring, rival: Model, seed: int) -> Scoring:
    """``found``, whose order is merged with that of ``rival`` on the same steps and verdict."""
    rows = tables.score(rival.tables, found.steps, found.part.columns.planes)
    return replace(found, draft=Draft(replace(found, model=rival, row_scores=rows), seed))


def order_of(found: Scoring, count: int) -> tuple[Sequence[int], Mapping[int, Team]]:
    """The first offerings to be shown before any move, ``count`` or more, and for whom they are."""
    own = found.order(count)
    if found.draft is None:
        return own, {}
    theirs = found.draft.rival.order(count)
    teams = interleaving.draft((own, theirs), min(len(own), len(theirs)), found.draft.seed)
    return [*teams], teams


def told(shown: Slate, found: Scoring, asked: Moves, teams: Mapping[int, Team]) -> Slate:
    """``shown`` with the turns of the rival among its moves, and for whom each was drafted.

    What a pin holds or a floor brought is nobody's: it would stand there without either.
    """
    if not teams:
        return shown
    own = {each: place for place, each in enumerate(found.order(len(teams)), 1)}
    moved = dict(shown.moves)
    for place, offering in enumerate(teams, 1):
        by = place - (own.get(offering) or found.rank(offering))
        if by:
            moved[offering] = (Move(INTERLEAVE, by), *moved.get(offering, ()))
    theirs = {
        offering: team
        for offering, team in teams.items()
        if offering not in asked.pins and not _is_brought(moved.get(offering, ()))
    }
    return replace(shown, moves=moved, teams=theirs)


def drafted(found: Scoring, shown: Slate, limit: int) -> dict[int, Drafted]:
    """For whom each of the first ``limit`` was drafted, and how likely that was at its place."""
    if found.draft is None:
        return {}
    far = FOLLOWED * limit
    _, teams = order_of(found, far)
    places = {each: place for place, each in enumerate([*teams][:far])}
    orders = found.order(far), found.draft.rival.order(far)
    chances = interleaving.likelihoods(orders, len(places))
    return {
        each: Drafted(team, chances[places[each]][each] if each in places else 1.0)
        for each in shown.offerings[:limit]
        if (team := shown.teams.get(each)) is not None
    }


def _is_brought(displaced: Sequence[Move]) -> bool:
    return any(move.step == slate.FLOOR and move.moved < 0 for move in displaced)
