"""A worker with one thing to ask, as it is or one that settles nothing with the others."""

from __future__ import annotations

import os

from litestar import Controller, Litestar, get
from tests.factories import SEEDS

from matchmaker import app
from matchmaker.core import access, db, log
from matchmaker.core.limits import Ledger, load
from matchmaker.core.settings import from_environment


class Ping(Controller):
    path = "/ping"
    opt = access.public()

    @get(operation_id="ping")
    async def ping(self) -> dict[str, int]:
        """Say which worker answers."""
        return {"pid": os.getpid()}


async def _settle_nothing(self: Ledger) -> None:
    waiting, self._waiting = self._waiting, []
    for used in self._open.values():
        used.debt = 0
    self._open.clear()
    for done in waiting:
        done.set_result(None)


def served() -> Litestar:
    """The API as its environment says; ``LIMITS_APART`` has each process count for itself."""
    if os.environ.get("LIMITS_APART"):
        Ledger._settle = _settle_nothing  # type: ignore[method-assign]
    settings = from_environment(os.environ)
    log.configure(settings)
    assert settings.database_url
    engine = db.create_engine(settings.database_url, settings)
    made = app.create_app(
        settings, engine, controllers=[Ping], counted=app.limited(settings, engine, load(SEEDS))
    )
    made.on_shutdown.append(engine.dispose)
    return made
