"""What an experiment has shown: counts by model, and what they can tell."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from matchmaker.matching.experiments.machine import Design, ExperimentState
from matchmaker.matching.experiments.schemas import Arm, Preferences, Rates, Results
from matchmaker.ranking.comparing import Share, difference, sign_test
from matchmaker.ranking.interleaving import Team

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.matching.experiments.models import Experiment
    from matchmaker.matching.experiments.queries import FirmCount


def results_of(experiment: Experiment, counts: Sequence[FirmCount]) -> Results:
    """What ``counts`` of the firms tell; which is better is said once the experiment has ended."""
    if experiment.design is Design.INTERLEAVING:
        preferences, rates = _preferences(experiment, counts), None
        told = preferences.a + preferences.b
        better = (
            _greater(preferences.b, preferences.a) if preferences.p <= _alpha(experiment) else None
        )
    else:
        preferences, rates = None, _rates(experiment, counts)
        told = min(rates.a_firms, rates.b_firms)
        better = None
        if rates.low is not None and rates.high is not None and rates.low * rates.high > 0:
            better = Team.B if rates.low > 0 else Team.A
    is_enough = told >= experiment.least_firms
    is_ended = experiment.state is ExperimentState.ENDED
    return Results(
        a=_arm(counts, Team.A),
        b=_arm(counts, Team.B),
        preferences=preferences,
        rates=rates,
        is_enough=is_enough,
        better=better if is_enough and is_ended else None,
    )


def _preferences(experiment: Experiment, counts: Sequence[FirmCount]) -> Preferences:
    """How many firms went by the offerings of one team rather than by those of the other."""
    credited: dict[UUID, dict[Team, int]] = defaultdict(dict)
    for each in counts:
        credited[each.firm][each.team] = _credited(experiment, each)
    apart = [of.get(Team.A, 0) - of.get(Team.B, 0) for of in credited.values()]
    for_a, for_b = sum(each > 0 for each in apart), sum(each < 0 for each in apart)
    return Preferences(
        a=for_a, b=for_b, neither=len(apart) - for_a - for_b, p=sign_test(for_a, for_b)
    )


def _rates(experiment: Experiment, counts: Sequence[FirmCount]) -> Rates:
    """The share of firms of either arm that did something with what they were shown."""
    shares: dict[Team, Share] = {}
    for team in Team:
        credited = [_credited(experiment, each) > 0 for each in counts if each.team is team]
        shares[team] = Share(sum(credited), len(credited))
    found = difference(shares[Team.A], shares[Team.B], experiment.level)
    return Rates(
        a_firms=shares[Team.A].of,
        a_credited=shares[Team.A].hits,
        b_firms=shares[Team.B].of,
        b_credited=shares[Team.B].hits,
        difference=None if found is None else found.is_,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
    )


def _arm(counts: Sequence[FirmCount], team: Team) -> Arm:
    of = [each for each in counts if each.team is team]
    return Arm(
        firms=len(of),
        runs=sum(each.runs for each in of),
        impressions=sum(each.shown for each in of),
        opened=sum(each.opened for each in of),
        shortlisted=sum(each.shortlisted for each in of),
        contacted=sum(each.contacted for each in of),
    )


def _credited(experiment: Experiment, of: FirmCount) -> int:
    found: int = getattr(of, experiment.measure.value)
    return found


def _alpha(experiment: Experiment) -> float:
    return 1 - experiment.level


def _greater(for_b: int, for_a: int) -> Team:
    return Team.B if for_b > for_a else Team.A
