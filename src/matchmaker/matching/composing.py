"""The slate of a scoring, composed from as much of its order as is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.matching import drafting
from matchmaker.ranking import moves

if TYPE_CHECKING:
    from matchmaker.matching.service import Scoring
    from matchmaker.ranking import slate
    from matchmaker.ranking.slate import Slate


class OrderTooShort(Exception):
    """More of the order is needed than was scored."""


def slate_of(found: Scoring, needed: int, given: int | None = None) -> Slate:
    """The slate, composed from as much of the order as its first ``needed`` places depend on.

    ``given`` is what an allocation gave the firm: it comes first.

    Raises:
        OrderTooShort: more of the order is needed than is exact.
    """
    asked = moves_for(found)
    total = len(found.scored)
    count = total if asked.is_whole else 2 * max(needed, asked.first)
    stood = None if given is None else found.rank(given) - 1
    while True:
        if found.exact is not None and count > found.exact:
            raise OrderTooShort
        order, teams = drafting.order_of(found, count)
        shown = moves.compose(order, asked, given=given, stood=stood)
        if len(order) == total or moves.is_settled(shown, asked, needed):
            return drafting.told(shown, found, asked, teams)
        count *= 4


def moves_for(found: Scoring) -> moves.Moves:
    """What moves offerings of the scoring's order."""
    return moves.moves_of(
        found.curations,
        lambda place: found.index.provider_ids[place],
        found.model.card.slate,
        found.index.stated,
    )


def place_of(found: Scoring, offering: int) -> tuple[int, tuple[slate.Move, ...]]:
    """The place of a scored offering in the whole slate, from 1, and what moved it there."""
    shown = slate_of(found, 0)
    if offering in shown.offerings:
        return shown.offerings.index(offering) + 1, shown.moves.get(offering, ())
    # Behind what the moves need of the order, the slate is the order.
    return found.rank(offering), ()
