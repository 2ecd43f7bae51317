"""What the lives share: transactions on a database that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.stateful import Transactions, transactions

from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings


@pytest.fixture
def run(server: Server, settings: Settings) -> Iterator[Transactions]:
    """Transactions as mm_app on a new database."""
    with transactions(server, settings) as made:
        yield made
