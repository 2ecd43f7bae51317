from __future__ import annotations

from tests import release
from tests.factories import no_database

from matchmaker.core.settings import Settings
from matchmaker.working import crons, handlers


def test_a_worker_does_all_that_is_due_again_and_again() -> None:
    done = handlers(release.released(), no_database(), Settings()).keys()
    due = {cron.kind for cron in crons()}
    assert "demand.expire" in due
    assert due <= done
