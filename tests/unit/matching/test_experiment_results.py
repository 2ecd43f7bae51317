"""What counts of firms are said to tell, and what not."""

from __future__ import annotations

from uuid import UUID

import pytest

from matchmaker.matching.experiments.machine import Design, ExperimentState
from matchmaker.matching.experiments.models import Experiment, Measure
from matchmaker.matching.experiments.queries import FirmCount
from matchmaker.matching.experiments.results import results_of
from matchmaker.ranking.interleaving import Team

ENDED = ExperimentState.ENDED


def experiment(design: Design, state: ExperimentState = ENDED, least: int = 20) -> Experiment:
    return Experiment(
        name="x",
        design=design,
        a_id=None,
        b_id=None,
        measure=Measure.CONTACTED,
        level=0.95,
        least_firms=least,
        salt="",
        state=state,
    )


def count(firm: int, team: Team, contacted: int) -> FirmCount:
    return FirmCount(UUID(int=firm), team, 1, 5, 4, contacted, contacted)


def merged(for_a: int, for_b: int, neither: int = 0, *, loud: int = 1) -> list[FirmCount]:
    """Firms of which so many went by either; the first of B did so ``loud`` times."""
    found = []
    for firm in range(for_a + for_b + neither):
        of_a, of_b = int(firm < for_a), int(for_a <= firm < for_a + for_b)
        if firm == for_a:
            of_b *= loud
        found += [count(firm, Team.A, of_a), count(firm, Team.B, of_b)]
    return found


def halved(a: tuple[int, int], b: tuple[int, int]) -> list[FirmCount]:
    """Firms of either arm: how many contacted somebody, of how many."""
    found: list[FirmCount] = []
    for team, (hits, of) in ((Team.A, a), (Team.B, b)):
        found += [count(1000 * len(found) + n, team, int(n < hits)) for n in range(of)]
    return found


@pytest.mark.parametrize(
    ("for_a", "for_b", "enough", "better"),
    [
        (5, 17, True, Team.B),
        (17, 5, True, Team.A),
        (9, 13, True, None),
        (0, 19, False, None),
        (10, 10, True, None),
    ],
)
def test_preferences_of_enough_firms_tell_which_is_better(
    for_a: int, for_b: int, *, enough: bool, better: Team | None
) -> None:
    found = results_of(experiment(Design.INTERLEAVING), merged(for_a, for_b, 30))
    assert (found.is_enough, found.better) == (enough, better)
    assert found.preferences is not None
    assert found.preferences.neither == 30
    assert found.rates is None
    running = experiment(Design.INTERLEAVING, ExperimentState.RUNNING)
    assert results_of(running, merged(for_a, for_b)).better is None


def test_a_firm_is_one_voice_however_loud() -> None:
    found = results_of(experiment(Design.INTERLEAVING), merged(12, 10, loud=500))
    assert found.preferences is not None
    assert (found.preferences.a, found.preferences.b, found.better) == (12, 10, None)
    assert found.b.contacted > 12 * 5, "the control: by contacts alone it would have won"


@pytest.mark.parametrize(
    ("a", "b", "enough", "better"),
    [
        ((4, 40), (16, 40), True, Team.B),
        ((16, 40), (4, 40), True, Team.A),
        ((8, 40), (12, 40), True, None),
        ((0, 19), (19, 19), False, None),
        ((0, 0), (9, 30), False, None),
        ((0, 40), (0, 40), True, None),
    ],
)
def test_rates_whose_interval_leaves_nought_out_tell_which_is_better(
    a: tuple[int, int], b: tuple[int, int], *, enough: bool, better: Team | None
) -> None:
    found = results_of(experiment(Design.AB), halved(a, b))
    assert (found.is_enough, found.better) == (enough, better)
    assert found.preferences is None
    assert found.rates is not None
    assert (found.rates.low is None) is (0 in {a[1], b[1]})
