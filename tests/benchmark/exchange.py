"""An import of many offerings, one in a hundred bad: every bad row is named, nothing is written.

``python -m tests.benchmark.exchange [--offerings 20000] [--format jsonl]``: then the same file,
without the bad rows, is written. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from time import perf_counter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.benchmark.import_offerings import lines
from tests.benchmark.measuring import Bound, conclude, load
from tests.clusters import reachable_directory
from tests.exchange import imported, transactions, written
from tests.factories import SEEDS

from matchmaker.core import db, migrate
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings
from matchmaker.core.sheets import FileFormat
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.released import Released

WRITTEN = Bound(at_most=30.0)
EXACTLY = Bound(at_least=1.0, at_most=1.0)
BAD_EVERY = 100


def spoilt(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with one offering in a hundred naming a category that there is not."""
    return [
        {**line, "categories": ["nothing"]} if place % BAD_EVERY == BAD_EVERY - 1 else line
        for place, line in enumerate(found)
    ]


async def measure(engine: AsyncEngine, number: int, format_: FileFormat) -> int:
    """0 where the figures were reached; prints them."""
    before = load()
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
    bad_rows = number // BAD_EVERY
    return conclude(
        "exchange",
        {
            "written_s": (written_s, WRITTEN),
            "share_of_bad_rows_named": (report.rejected / bad_rows, EXACTLY),
            "faults_for_each_bad_row": (report.found / bad_rows, EXACTLY),
            "written_with_bad_rows": (left, Bound(at_most=0)),
            "share_written": (sound.counts["offering"].new / number, EXACTLY),
        },
        {
            "format": format_.value,
            "offerings": number,
            "megabytes": round(len(good) / 1e6, 1),
            "bad_rows": bad_rows,
            "refused_s": round(refused_s, 2),
        },
        load_before=before,
    )


async def run(number: int, format_: FileFormat) -> int:
    """The benchmark on an embedded server with its usual settings."""
    patient = Settings(command_timeout=600, statement_timeout=600, idle_in_transaction_timeout=600)
    with reachable_directory() as place, Embedded(place).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        engine = db.create_engine(server.url("mm_app"), patient, acting=db.INSTALLATION)
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
    return asyncio.run(run(asked.offerings, FileFormat(asked.format)))


if __name__ == "__main__":
    sys.exit(main())
