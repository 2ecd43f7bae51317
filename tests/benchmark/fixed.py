"""The match route with its work taken out: fixed bytes on our edges, and on Litestar alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from litestar import Controller, Litestar, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody
from tests.benchmark.synthetic import released

from matchmaker.app import create_app
from matchmaker.core import access, db, log
from matchmaker.core.db import Session
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.core.settings import from_environment
from matchmaker.identity.access import Principal
from matchmaker.matching.controllers import Installed, Released
from matchmaker.matching.schemas import MatchRequest

ANSWER: Final = "FIXED_ANSWER"
"""Names the file with the bytes."""
JSON: Final = "application/json"


class FixedController(Controller):
    """A match that is always answered the same."""

    path = "/match"
    opt = access.public()

    @post(operation_id="match", status_code=200, responses=problems())
    async def match(
        self,
        *,
        data: JSONBody[MatchRequest],
        matcher: Installed,
        taxonomy: Released,
        visitor: NamedDependency[Principal | None],
        session: NamedDependency[Session],
        language: NamedDependency[Language],
        content: NamedDependency[bytes],
    ) -> Response[bytes]:
        """The bytes."""
        _ = data, matcher, taxonomy, visitor, session, language
        return Response(content, media_type=JSON)


def served() -> Litestar:
    """The product with that controller alone."""
    settings = from_environment({k: v for k, v in os.environ.items() if k != ANSWER})
    log.configure(settings)
    engine = db.create_engine(str(settings.database_url), settings, acting=db.INSTALLATION)
    content = Path(os.environ[ANSWER]).read_bytes()
    matcher = released().matcher(settings.data_directory / "index")
    return create_app(
        settings,
        engine,
        controllers=[FixedController],
        dependencies={
            "matcher": Provide(lambda: matcher, sync_to_thread=False),
            "taxonomy": Provide(lambda: released().taxonomy, sync_to_thread=False),
            "content": Provide(lambda: content, sync_to_thread=False),
        },
    )


def plain() -> Litestar:
    """A Litestar route of the same body without edges, access and sessions of ours."""
    content = Path(os.environ[ANSWER]).read_bytes()

    @post("/v1/match", status_code=200, sync_to_thread=False)
    def match(data: MatchRequest) -> Response[bytes]:
        _ = data
        return Response(content, media_type=JSON)

    @get("/readyz", sync_to_thread=False)
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    return Litestar([match, ready], openapi_config=None, logging_config=None)
