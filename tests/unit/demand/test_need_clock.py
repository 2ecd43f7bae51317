from __future__ import annotations

from tests.factories import SEEDS, no_database

from matchmaker.core.settings import Settings
from matchmaker.released import Released
from matchmaker.working import crons, handlers


def test_a_worker_does_all_that_is_due_again_and_again() -> None:
    done = handlers(Released(SEEDS), no_database(), Settings()).keys()
    due = {cron.kind for cron in crons()}
    assert "demand.expire" in due
    assert due <= done
