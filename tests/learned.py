"""Models as if learned: the published card, bent, in the files of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from uuid import uuid4

import numpy as np
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.factories import SEEDS, taxonomy

from matchmaker.core.ids import uuid7
from matchmaker.matching.learned.models import LearnedModel, ModelFile
from matchmaker.matching.learned.shelf import SCHEMA
from matchmaker.matching.registry import load_model
from matchmaker.matching.service import Model
from matchmaker.ranking import artefact, tables
from matchmaker.ranking.tables import MILLION, Sample, ScoreTables


@cache
def card() -> Model:
    """The published card."""
    return load_model(SEEDS, taxonomy())


def bent(by: Mapping[str, float], name: str = "bent") -> ScoreTables:
    """The tables of the card with some of them steeper or flatter."""
    found = card().tables
    effects = {
        each: np.rint(table * by.get(each, 1.0)).astype(np.int64)
        for each, table in found.effects.items()
    }
    return replace(found, name=name, effects=effects)


def files(of: ScoreTables, **about: object) -> dict[str, bytes]:
    """The files of a model of these tables."""
    names = tuple(of.effects)
    rows = np.random.default_rng(3).integers(0, 1025, (64, len(names)))
    sample = Sample(rows, tables.score_rows(of, names, rows) / MILLION)
    told = {"card": card().version, "needs": 0, **about}
    return artefact.packed(of, SCHEMA, told, sample)


async def kept(connection: AsyncConnection, *, has_files: bool = True) -> str:
    """The id of a model that is kept and ranks nothing."""
    name = f"bent-{uuid4().hex}"
    made = files(bent({"price": 2}, name)) if has_files else {artefact.MANIFEST: name.encode()}
    id_ = uuid7()
    row = {
        "id": id_,
        "name": name,
        "sha256": artefact.digest(made[artefact.MANIFEST]),
        "card": card().version,
        "state": "trained",
        "revision": 1,
    }
    await connection.execute(insert(LearnedModel), [row])
    if has_files:
        parts = [{"model_id": id_, "name": n, "content": c} for n, c in made.items()]
        await connection.execute(insert(ModelFile), parts)
    return str(id_)
