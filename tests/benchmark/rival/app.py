"""The rival's service: one route, Postgres for the candidates, LightGBM for their order."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
from fastapi import FastAPI, Response
from pydantic import BaseModel
from tests.benchmark import synthetic
from tests.benchmark.rival import features, queries
from tests.benchmark.rival.facts import UNSTATED
from tests.benchmark.rival.model import Ranker
from tests.benchmark.rival.queries import Filters, Found

DATABASE: Final = "RIVAL_DATABASE"
MODEL: Final = "RIVAL_MODEL"
ANSWER: Final = "RIVAL_ANSWER"
"""Octets that an answer is filled up to."""
_POOL: Final = 4
_FIELDS: Final = ("categories", "deployment")


class Match(BaseModel):
    """The body of a match, as the product takes it."""

    profile: dict[str, Any]
    need: dict[str, Any]
    limit: int = 10


class Service:
    """What one worker holds."""

    pool: asyncpg.Pool[asyncpg.Record]
    common: frozenset[str]

    def __init__(self) -> None:
        """Load the model."""
        self.ranker = Ranker(Path(os.environ[MODEL]))
        self.octets = int(os.environ[ANSWER])

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Connections for as long as the application runs."""
        url = os.environ[DATABASE]
        self.common = await queries.common_words(url)
        async with asyncpg.create_pool(url, min_size=_POOL, max_size=_POOL) as self.pool:
            yield

    async def match(self, asked: Match) -> Response:
        """The best offerings for a need."""
        need = asked.need
        query = queries.text_query(need["text"], self.common)
        found = await queries.search(self.pool, query, filters(need))
        x = features.matrix(
            features.asked(asked.profile, need, synthetic.AS_OF.date()),
            [(each.rank, each.offering) for each in found],
        )
        return Response(
            filled(best(found, x, self.ranker.scores(x), asked.limit), self.octets),
            media_type="application/json",
        )

    async def ready(self) -> dict[str, str]:
        """Whether it answers."""
        return {"status": "ready"}


def filters(need: dict[str, Any]) -> Filters | None:
    """The musts of a need as the sets that are filtered by."""
    if need.get("must") is None:
        return None
    asked = {leaf["field"]: leaf["value"] for leaf in need["must"]["all"]}
    return Filters(*([*asked[f"offering.{name}"], UNSTATED] for name in _FIELDS))


def best(
    found: Sequence[Found], x: features.Matrix, scores: Sequence[float], limit: int
) -> list[dict[str, Any]]:
    """The first offerings, each by the better of its packages."""
    places = [place for place, each in enumerate(found) for _ in each.offering.packages]
    chosen: dict[int, int] = {}
    for row in sorted(range(len(scores)), key=lambda row: -scores[row]):
        chosen.setdefault(places[row], row)
        if len(chosen) == limit:
            break
    return [
        {
            "rank": rank,
            "score": scores[row],
            "offering": found[place].offering,
            "features": dict(zip(features.NAMES, x[row].tolist(), strict=True)),
        }
        for rank, (place, row) in enumerate(chosen.items(), 1)
    ]


def filled(items: list[dict[str, Any]], octets: int) -> bytes:
    """The answer, filled up to the size of ours: what it would say beside, at no cost to it."""
    content = msgspec.json.encode({"items": items, "more": ""})
    return content[:-2] + b"." * (octets - len(content)) + b'"}'


def served() -> FastAPI:
    """The application of one worker."""
    service = Service()
    app = FastAPI(lifespan=service.lifespan)
    app.add_api_route("/v1/match", service.match, methods=["POST"])
    app.add_api_route("/readyz", service.ready, methods=["GET"])
    return app
