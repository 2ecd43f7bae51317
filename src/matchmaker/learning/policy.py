"""How is learned and when a model may rank: every number of it, as released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from matchmaker.matching.feedback.models import Action

if TYPE_CHECKING:
    from pathlib import Path

POLICY: Final = "ranking/learning.yaml"


class Trees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sizes of the trees."""

    max_iter: int
    max_leaf_nodes: int
    learning_rate: float
    min_samples_leaf: int


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model must hold to on needs that it has not seen."""

    least_needs: int
    draws: int
    level: float
    least_lower: float
    slice_needs: int
    slice_loss: float
    gini_rise: float
    probes: int


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released numbers; the file says what each is for."""

    scheme: str
    edition: str
    origin: str
    grades: dict[Action, Annotated[int, msgspec.Meta(ge=0, le=4)]]
    most_weight: float
    most_of_firm: float
    held_out: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    least_needs: int
    pairs: tuple[tuple[str, str], ...]
    trees: Trees
    gate: Gate


def load(seeds: Path) -> Policy:
    """The policy released below ``seeds``.

    Raises:
        ValueError: an action has no grade.
    """
    found = msgspec.yaml.decode((seeds / POLICY).read_bytes(), type=Policy)
    if found.grades.keys() != set(Action):
        raise ValueError("learning: every action has a grade")
    return found
