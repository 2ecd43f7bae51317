"""A server with people to add, as it is or with keys that are claimed apart from their effect."""

from __future__ import annotations

import asyncio
import os

from litestar import Litestar
from litestar.types import ASGIApp, Receive, Scope

from matchmaker import app
from matchmaker.core import db, log, once
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.once import layer, queries
from matchmaker.core.once.declaring import Keeping
from matchmaker.core.once.queries import Claim
from matchmaker.core.settings import from_environment
from matchmaker.identity.people.controllers import OrganisationMemberController


class Apart(once.Once):
    """The naive form: a key is claimed in a transaction of its own, and the answer added later."""

    async def _carry_out(
        self,
        wanted: Claim,
        keeping: Keeping,
        answer: layer._Answer,
        call: tuple[Scope, Receive, ASGIApp],
    ) -> None:
        scope, receive, next_app = call
        async with db.begun(self._write, wanted.organisation_id) as made:
            found = await queries.claim(Session(ReadSession(made)), wanted)
        if found is not None:
            answer.repeat(layer._reply(found, wanted))
            return
        # What is killed meets some whose effect is still to come, however fast the machine is.
        await asyncio.sleep(0.05)
        await next_app(scope, receive, answer.take)
        async with db.begun(self._write, wanted.organisation_id) as made:
            reply = answer.reply(scope, keeping)
            await queries.keep(Session(ReadSession(made)), wanted, reply)


def served() -> Litestar:
    """The API as its environment says; ``ONCE_APART`` makes it naive."""
    if os.environ.get("ONCE_APART"):
        once.Once = Apart  # type: ignore[misc]
    settings = from_environment(os.environ)
    log.configure(settings)
    assert settings.database_url
    engine = db.create_engine(settings.database_url, settings)
    made = app.create_app(settings, engine, controllers=[OrganisationMemberController])
    made.on_shutdown.append(engine.dispose)
    return made
