"""How ways are computed: rules, weights, strategies and the way of working, as released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.pathway.problem import Demand
from matchmaker.taxonomy import asking

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.policy.guides.released import General
    from matchmaker.taxonomy.asking import Form
    from matchmaker.taxonomy.fields import FieldCatalogue
    from matchmaker.taxonomy.registry import Taxonomy

_FOLDER: Final = "pathway"


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a seed file; an unknown key is a mistake in the file."""


class Said(_Document, frozen=True, kw_only=True):
    """A text of ours, complete in both languages."""

    zh: str
    en: str


class CycleStep(_Document, frozen=True, kw_only=True):
    """A step of the way of working."""

    code: str
    zh: str
    en: str


class Wanted(_Document, frozen=True, kw_only=True):
    """To reach ``level`` of ``scene``, ``needs`` must stand at ``at`` or above."""

    scene: str
    level: int
    needs: str
    at: int


class Ranking(_Document, frozen=True, kw_only=True):
    """Shares of what an entry point is ranked by, in thousandths."""

    value: int
    feasibility: int
    supply: int


class Rules(_Document, frozen=True, kw_only=True):
    """The file of rules and weights; it says what each is for."""

    scheme: str
    edition: str
    origin: str
    confidence: str
    questionnaire: str
    kind: str
    years: int
    entries: int
    quantile: int
    base: int
    binding: int
    goals: dict[str, tuple[str, ...]]
    ranking: Ranking
    enough: int
    quick: int
    guides: int
    bundles: int
    cycle: tuple[CycleStep, ...]
    demands: tuple[Wanted, ...]
    skills: dict[str, tuple[str, ...]]
    standards: dict[str, tuple[str, ...]]


class Strategy(_Document, frozen=True, kw_only=True):
    """A class of firms and what it should do; null conditions hold for any."""

    code: str
    chain_roles: tuple[str, ...] | None
    scales: tuple[str, ...] | None
    title: Said
    strategy: Said


class Strategies(_Document, frozen=True, kw_only=True):
    """The file of strategies."""

    scheme: str
    edition: str
    origin: str
    confidence: str
    classes: tuple[Strategy, ...]
    stages: dict[str, Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wayfinder:
    """Everything released that a way is computed with."""

    fields: FieldCatalogue
    form: Form
    rules: Rules
    strategies: Strategies
    general: General

    @property
    def taxonomy(self) -> Taxonomy:
        """The released tables."""
        return self.fields.taxonomy

    def scenarios(self, scene: str) -> list[str]:
        """The typical scenarios that stand for the scene."""
        entries = self.taxonomy.scheme("im_scenario").entries.values()
        return [entry.code for entry in entries if entry.extra["scene"] == scene]

    @property
    def demands(self) -> tuple[Demand, ...]:
        """What must stand before what."""
        return tuple(
            Demand(each.scene, each.level, each.needs, each.at) for each in self.rules.demands
        )

    @property
    def edition(self) -> dict[str, str]:
        """Which release of each file this is."""
        return {
            "rules": self.rules.edition,
            "strategies": self.strategies.edition,
            "taxonomy": self.taxonomy.version,
        }


class RulesBroken(ValueError):
    """A file names a scene, a goal or a skill that there is not."""


def load(seeds: Path, fields: FieldCatalogue, general: General) -> Wayfinder:
    """What is released below ``seeds``, with the general guide.

    Raises:
        RulesBroken: a file names what there is not, or a demand that goes round.
    """
    folder, taxonomy = seeds / _FOLDER, fields.taxonomy
    rules = msgspec.yaml.decode((folder / "plan.yaml").read_bytes(), type=Rules)
    found = Wayfinder(
        fields=fields,
        form=asking.form_of(taxonomy, taxonomy.questionnaire(rules.questionnaire)),
        rules=rules,
        strategies=msgspec.yaml.decode((folder / "strategies.yaml").read_bytes(), type=Strategies),
        general=general,
    )
    _check(found)
    return found


def _check(found: Wayfinder) -> None:
    rules = found.rules
    named = {
        "sme_scene": {
            *(each.scene for each in rules.demands),
            *(each.needs for each in rules.demands),
            *(scene for listed in rules.goals.values() for scene in listed),
            *rules.skills,
            *rules.standards,
        },
        "goal": set(rules.goals),
        "skill": {skill for listed in rules.skills.values() for skill in listed},
        "cn_im_standard_2024": {code for listed in rules.standards.values() for code in listed},
        "stage": set(found.strategies.stages),
    }
    for scheme, codes in named.items():
        if unknown := codes - found.taxonomy.codes(scheme):
            raise RulesBroken(f"{_FOLDER}: {sorted(unknown)} are not of '{scheme}'")
    # A level that needs only lower ones of others cannot go round.
    if any(each.at >= each.level for each in rules.demands):
        raise RulesBroken(f"{_FOLDER}: a level needs one that is no lower")
