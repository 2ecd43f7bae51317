"""An import of many offerings, one in a hundred bad: every bad row is named, nothing is written.

``python -m tests.benchmark.exchange [--offerings 20000] [--format jsonl]``: then the same file,
without the bad rows, is written. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.benchmark.import_offerings import lines
from tests.clusters import reachable_directory
from tests.exchange import imported, transactions, written
from tests.factories import SEEDS

from matchmaker.app import Released
from matchmaker.core import db, migrate
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange.kinds import ExchangeKind

LIMIT_S = 30.0
BAD_EVERY = 100


def spoilt(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with one offering in a hundred naming a category that there is not."""
    return [
        {**line, "categories": ["nothing"]} if place % BAD_EVERY == BAD_EVERY - 1 else line
        for place, line in enumerate(found)
    ]


async def measure(engine: AsyncEngine, number: int, format_: FileFormat) -> bool:
    """Whether the figures were reached; prints them."""
    released, transaction = Released(SEEDS), transactions(engine)
    means, kind = released.means(), ExchangeKind.OFFERINGS
    found = list(lines(number, seed=0))
    providers = [line for line in found if line["type"] == "provider"]
    offerings = [line for line in found if line["type"] == "offering"]
    content = written(providers, released, ExchangeKind.PROVIDERS, FileFormat.JSONL)
    assert (await imported(transaction, content, kind, means)).is_sound
    bad, good = (written(each, released, kind, format_) for each in (spoilt(offerings), offerings))
    started = perf_counter()
    report = await imported(transaction, bad, kind, means, format_=format_)
    refused_s = perf_counter() - started
    async with transaction() as session:
        left = int(await session.scalar(text("select count(*) from mm.offering")) or 0)
    started = perf_counter()
    sound = await imported(transaction, good, kind, means, format_=format_)
    written_s = perf_counter() - started
    reached = (
        (report.rejected, report.found, left) == (number // BAD_EVERY, number // BAD_EVERY, 0)
        and sound.counts["offering"].new == number
        and written_s <= LIMIT_S
    )
    print(
        json.dumps(
            {
                "benchmark": "exchange",
                "format": format_.value,
                "offerings": number,
                "megabytes": round(len(good) / 1e6, 1),
                "bad_rows": number // BAD_EVERY,
                "named": report.rejected,
                "written_with_bad_rows": left,
                "refused_s": round(refused_s, 2),
                "written_s": round(written_s, 2),
                "wanted": {"written_s": LIMIT_S},
                "reached": reached,
            }
        )
    )
    return reached


async def run(number: int, format_: FileFormat) -> bool:
    """The benchmark on an embedded server with its usual settings."""
    patient = Settings(command_timeout=600, statement_timeout=600, idle_in_transaction_timeout=600)
    with reachable_directory() as place, Embedded(place).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        engine = db.create_engine(server.url("mm_app"), patient)
        try:
            return await measure(engine, number, format_)
        finally:
            await engine.dispose()


def main() -> int:
    """0 when the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offerings", type=int, default=20_000)
    parser.add_argument("--format", choices=[each.value for each in FileFormat], default="jsonl")
    asked = parser.parse_args()
    return 0 if asyncio.run(run(asked.offerings, FileFormat(asked.format))) else 1


if __name__ == "__main__":
    sys.exit(main())
