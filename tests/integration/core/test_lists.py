"""Lists that a caller narrows to its own are found by an index, not by reading everybody's."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

NOBODY = "'00000000-0000-7000-8000-000000000000'"


@pytest.mark.parametrize(
    ("listed", "indexes"),
    [
        (
            f"mm.match_run where organisation_id = {NOBODY} or asked_by = {NOBODY}",
            {"ix_match_run_organisation_id_id", "ix_match_run_asked_by_id"},
        ),
        (f"mm.consent where organisation_id = {NOBODY}", {"ix_consent_organisation_id_id"}),
        (f"mm.need where organisation_id = {NOBODY}", {"ix_need_organisation_id_id"}),
        (f"mm.shortlist where organisation_id = {NOBODY}", {"ix_shortlist_organisation_id_id"}),
    ],
)
async def test_whose_they_are_is_looked_up(
    engine: AsyncEngine, listed: str, indexes: set[str]
) -> None:
    async with engine.connect() as connection:
        # The tables of tests are small: what the plan could do counts, not what is cheapest now.
        for way in ("seqscan", "indexscan"):
            await connection.execute(text(f"set local enable_{way} = off"))
        plan = await connection.scalars(text(f"explain select id from {listed}"))  # noqa: S608
        told = "\n".join(plan)
    assert all(index in told for index in indexes), told
