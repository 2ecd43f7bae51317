"""Where a firm stands: what kind it is, what it is good at, what the next level asks of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from matchmaker.taxonomy import asking, maturity
from matchmaker.taxonomy.asking import HIGHEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.pathway.released import Strategy, Wayfinder
    from matchmaker.taxonomy.maturity import Answer


class Gaps(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule of the target level asks and the firm has not."""

    level: int
    scene_level: int
    scenes: int
    """How many scenes are missing at that level."""
    binding: int
    """How many binding ones, of those or beside them."""
    points: str | None
    """The points that are missing; null where the questions were not answered."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The kind of firm, its level, its strengths and its gaps."""

    archetype: str
    scale: str | None
    stage: str | None
    chain_role: str | None
    level: int
    target: int
    strengths: list[str]
    """Scenes that stand where the target asks, or above, the best first."""
    unknown: list[str]
    """Scenes that nobody has rated; they are planned for as if they were at 0."""
    gaps: Gaps


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a firm a way is computed from."""

    scale: str | None = None
    stage: str | None = None
    chain_role: str | None = None
    industries: list[str] = []
    region: str | None = None
    goals: dict[str, float] = {}
    counts: dict[str, int | None] = {}
    scenes: dict[str, int] = {}
    answers: dict[str, str | list[str] | int] = {}
    level: int | None = None
    """As assessed; null: from the scenes alone."""


def position(released: Wayfinder, facts: Facts, target: int | None) -> Position:
    """Where the firm stands, seen from the level it aims at: the next one unless another is."""
    form = released.form
    level = facts.level
    if level is None:
        # Whatever the points are: the level that the scenes alone would allow.
        most = Decimal(100)
        level = maturity.level(form.questionnaire, most, facts.scenes, form.binding)
    aim = min(HIGHEST, level + 1) if target is None else target
    rule = next(each for each in form.questionnaire.levels if each.level == aim)
    there = {code for code, at in facts.scenes.items() if at >= rule.scene_level}
    best = sorted(there, key=lambda code: (-facts.scenes[code], form.scenes.index(code)))
    return Position(
        archetype=archetype(released, facts).code,
        scale=facts.scale,
        stage=facts.stage,
        chain_role=facts.chain_role,
        level=level,
        target=aim,
        strengths=best,
        unknown=[code for code in form.scenes if code not in facts.scenes],
        gaps=Gaps(
            level=aim,
            scene_level=rule.scene_level,
            scenes=max(0, rule.min_scenes - len(there)),
            binding=max(0, rule.min_binding - len(there & form.binding)),
            points=_points(released, facts.answers, rule.min_score),
        ),
    )


def archetype(released: Wayfinder, facts: Facts) -> Strategy:
    """The first class of firms whose conditions hold."""
    return next(
        each
        for each in released.strategies.classes
        if (each.chain_roles is None or facts.chain_role in each.chain_roles)
        and (each.scales is None or facts.scale in each.scales)
    )


def _points(released: Wayfinder, answers: Mapping[str, Answer], least: Decimal) -> str | None:
    """How many points are missing; null unless it is settled that none are, or how many."""
    if not answers:
        return None
    found = asking.standing(released.form, answers, {})
    if found.least >= least:
        return "0"
    return None if found.score is None else f"{(least - found.score).normalize():f}"
