"""Lines of an import with sensible defaults; keyword arguments say what a test is about."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from matchmaker.core.db import create_engine
from matchmaker.core.settings import Settings
from matchmaker.ranking.tokens import PackedCount, TokenCount, Tokenizer
from matchmaker.taxonomy.registry import Taxonomy, load

SEEDS = Path(__file__).parents[1] / "seeds"


@cache
def taxonomy() -> Taxonomy:
    """The released taxonomy, read once."""
    return load(SEEDS / "taxonomy")


@cache
def tokenizer() -> Tokenizer:
    """A tokenizer with a short stop list and no glossary."""
    return Tokenizer(frozenset("的了和"), frozenset({"the", "and"}))


def no_database() -> AsyncEngine:
    """An engine for what asks for one and connects to nothing."""
    return create_engine("postgresql://nobody@localhost/none", Settings())


def provider_line(**fields: object) -> dict[str, Any]:
    """A provider of an import file."""
    return {
        "type": "provider",
        "external_id": "pine-heron",
        "name": {"zh": "松鹭软件", "en": "Pine Heron Software"},
        "provider_kind": "software_vendor",
        "region": "210200",
        "summary": {"zh": "小厂质量软件", "en": "Quality software for small works"},
        "website": None,
        "uscc": None,
        **fields,
    }


def package_line(**fields: object) -> dict[str, Any]:
    """A package of an offering."""
    return {
        "code": "light",
        "title": {"zh": "轻量版", "en": "Light"},
        "scales": ["micro", "small"],
        "stages": ["not_started", "standardised"],
        "levels": {"quality": [0, 2], "equipment": None},
        "price": {
            "currency": "CNY",
            "parts": [
                {"part": "yearly", "amount": 1_800_000},
                {"part": "hardware", "from": 180_000, "to": 260_000, "per": "machines"},
                {"part": "training", "amount": None},
            ],
        },
        "weeks": [2, 4],
        **fields,
    }


def offering_line(**fields: object) -> dict[str, Any]:
    """An offering of an import file, with one package."""
    return {
        "type": "offering",
        "external_id": "ph-trace",
        "provider": "pine-heron",
        "kind": "solution",
        "title": {"zh": "小厂质量追溯", "en": "Quality traceability for small works"},
        "summary": {
            "zh": "检验结果扫码录入，每一批来料都能倒查。",
            "en": "Inspectors scan results.",
        },
        "industries": ["C33", "C3670"],
        "regions": ["210200", "220000"],
        "deployment": ["public_cloud", "on_premises"],
        "languages": ["zh", "en"],
        "categories": ["qms", "traceability"],
        "delivery_form": "saas",
        "interfaces": ["open_api", "opc_ua"],
        "standards": [{"class": "B", "sub": "industrial_software", "std_no": "GB/T 39116-2020"}],
        "must": {"field": "profile.employees", "op": "gte", "value": 20},
        "visibility": "public",
        "valid_from": None,
        "valid_to": None,
        "attested": "2026-10-01",
        "cases": [{"industry": "C3311", "scenes": ["quality"], "state": "verified"}],
        "record": {"accepted": 11, "projects": 12},
        "attributes": {"offline": True, "person_days": [5, 10], "days_to_live": [10, 20]},
        "packages": [package_line()],
        **fields,
    }


def jsonl(*lines: dict[str, Any] | bytes) -> io.BytesIO:
    """The lines as an import file; bytes stand as they are."""
    return io.BytesIO(
        b"".join(
            (line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode())
            + b"\n"
            for line in lines
        )
    )


def times(counted: TokenCount | PackedCount) -> dict[str, int]:
    """How often each token occurs, however it is held."""
    packed = counted.packed()
    return dict(zip(packed.tokens.split(), map(int, packed.counts.split()), strict=True))


def credit_code(stem: str) -> str:
    """A unified social credit code: 17 symbols and their check digit."""
    symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(symbols.index(symbol) * w for symbol, w in zip(stem, weights, strict=True))
    return stem + symbols[(31 - total % 31) % 31]
