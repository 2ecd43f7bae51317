"""A database of its own that holds the whole demo pool: providers, offerings, profiles, needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clusters import migrated_server, reachable_directory
from tests.exchange import Transaction, imported, transactions
from tests.factories import SEEDS

from matchmaker.cli import pool
from matchmaker.core import db
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.exchange.kinds import ExchangeKind, Means
from matchmaker.released import Released


@pytest.fixture(scope="session")
def means(released: Released) -> Means:
    return released.means()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_server() -> AsyncIterator[Server]:
    with reachable_directory() as place, migrated_server(place) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo_engine(demo_server: Server) -> AsyncIterator[AsyncEngine]:
    patient = Settings(statement_timeout=60, command_timeout=60, idle_in_transaction_timeout=60)
    made = db.create_engine(demo_server.url("mm_app"), patient, acting=db.INSTALLATION)
    yield made
    await made.dispose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def demo(demo_engine: AsyncEngine, means: Means) -> Transaction:
    """Transactions on the demo pool."""
    transaction, folder = transactions(demo_engine), SEEDS / "demo"
    files = [(file, ExchangeKind.OFFERINGS) for file in pool.demo_files()]
    files.append((folder / "smes.jsonl", ExchangeKind.PROFILES))
    files.append((folder / "needs.jsonl", ExchangeKind.NEEDS))
    for file, kind in files:
        report = await imported(transaction, file.read_bytes(), kind, means)
        assert report.is_sound, report.faults[:3]
        assert sum(count.new for count in report.counts.values()) == report.lines
    return transaction
