from __future__ import annotations

import importlib
import pkgutil

from tests import release
from tests.factories import no_database

import matchmaker
from matchmaker.core.settings import Settings
from matchmaker.working import crons, handlers

CLOCKS = {
    "admissions.expire",
    "assertions.prune",
    "assessment.count",
    "catalog.expire",
    "demand.expire",
    "evidence.expire",
    "exchange.prune",
    "jobs.prune",
    "jurisdictions.count",
    "limits.prune",
    "match.batch.prune",
    "model.train",
    "once.prune",
    "recognition.expire",
    "sessions.prune",
    "sightings.prune",
    "webhooks.prune",
}


def test_every_job_of_the_clock_has_its_turn_and_somebody_who_does_it() -> None:
    assert {cron.kind for cron in crons()} == CLOCKS
    assert handlers(release.released(), no_database(), Settings()).keys() >= CLOCKS


def test_no_room_has_a_job_of_the_clock_that_never_comes() -> None:
    kinds = set()
    for module in pkgutil.walk_packages(matchmaker.__path__, "matchmaker."):
        if module.name.endswith(".jobs") and not module.name.endswith("core.jobs"):
            kind = getattr(importlib.import_module(module.name), "EXPIRE", None)
            if isinstance(kind, str):
                kinds.add(kind)
    assert kinds <= {cron.kind for cron in crons()}
    assert len(kinds) >= 3
