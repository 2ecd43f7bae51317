"""From judged lists to a model: the blend of the published card and trees, as tables."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any, Final

import msgspec
from threadpoolctl import threadpool_limits

from matchmaker.matching.learned.shelf import SCHEMA
from matchmaker.matching.run import instant
from matchmaker.ranking import artefact, features
from matchmaker.ranking.bounding import Bounded
from matchmaker.ranking.tables import compile_model, sampled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.learning.dataset import Dataset
    from matchmaker.learning.policy import Policy
    from matchmaker.matching.service import Model

_LIBRARIES: Final = ("numpy", "scikit-learn", "scipy")


class TooFewNeeds(Exception):
    """Less was judged than anything can be learned from."""


def learned(
    train: Dataset, card: Model, policy: Policy, *, name: str, seed: int = 0
) -> dict[str, bytes]:
    """The files of the model that ``train`` teaches, on the grids of ``card``.

    Raises:
        TooFewNeeds: fewer needs are judged than the policy asks for.
        IncompatibleTables: the tables do not give what the model predicts.
    """
    # Here alone: serving needs no scikit-learn in memory.
    from matchmaker.ranking.blend import MatchRanker
    from matchmaker.ranking.boosting import ListwiseGradientBoostingRanker
    from matchmaker.ranking.scorecard import ScorecardRanker, from_card

    judged = len({each.need for each in train.lists if each.is_judged})
    if judged < policy.least_needs:
        raise TooFewNeeds(f"{judged} needs are judged, {policy.least_needs} are needed")
    names = tuple(card.card.features)
    trees = ListwiseGradientBoostingRanker(
        monotonic=[int(features.BY_NAME[each].direction != 0) for each in names],
        pairs=tuple((names.index(one), names.index(two)) for one, two in policy.pairs),
        random_state=seed,
        **msgspec.structs.asdict(policy.trees),
    )
    steps, grades, qid, weights = train.rows()
    ranker = MatchRanker(ScorecardRanker(from_card(card.card).weights), trees, random_state=seed)
    with threadpool_limits(1):
        # Lists are short: several threads wait for each other longer than they work.
        ranker.fit(steps, grades, qid=qid, sample_weight=weights)
    references = {each: feature.reference for each, feature in card.card.features.items()}
    held = Bounded(ranker, names.index("text"), names.index("scene_fit"))
    tables = compile_model(held, name, names, references)
    constants = {"share": ranker.share_, "scale": ranker.scale_, "text_held": held.factor}
    about = _about(train, card, constants)
    return artefact.packed(tables, SCHEMA, about, sampled(held, len(names)))


def _about(train: Dataset, card: Model, constants: Mapping[str, float]) -> dict[str, Any]:
    """What is to be known of the model beside its tables."""
    return {
        "card": card.version,
        "window": {"from": instant(train.lists[0].as_of), "to": instant(train.lists[-1].as_of)},
        "needs": train.needs,
        "judgements": sum(int((each.weights > 0).sum()) for each in train.lists),
        **{name: round(value, 6) for name, value in constants.items()},
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
