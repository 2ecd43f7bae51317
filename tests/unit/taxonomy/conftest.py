"""The released taxonomy, loaded once."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from matchmaker.taxonomy.fields import FieldCatalogue
from matchmaker.taxonomy.registry import Taxonomy, load

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def seeds() -> Path:
    return ROOT / "seeds" / "taxonomy"


@pytest.fixture(scope="session")
def taxonomy(seeds: Path) -> Taxonomy:
    return load(seeds)


@pytest.fixture(scope="session")
def catalogue(taxonomy: Taxonomy) -> FieldCatalogue:
    return FieldCatalogue(taxonomy)


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    text = (ROOT / "tests" / "vectors" / "taxonomy.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found
