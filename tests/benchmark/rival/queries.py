"""The rival's database: two narrow tables, one index over words and filters, one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
from tests.benchmark.rival import facts
from tests.benchmark.rival.facts import UNSTATED, Offering

OPTIONS: Final = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "fsync": "off",
    "synchronous_commit": "off",
}
"""Everything stays in memory. Parallel workers were tried: no gain at one caller, a loss at 32."""
CANDIDATES: Final = 200
COMMON: Final = 0.05
"""A word of more than this share of the offerings is left out of a query with rarer ones."""
_FILTERED: Final = ("categories", "deployment")

_TABLES: Final = """
create table incoming (id int, body text, categories text[], deployment text[], facts text);
create table doc (id int primary key, tsv tsvector, categories text[], deployment text[]);
create table fact (id int primary key, facts text);
create table common (word text primary key);
"""
_FILL: Final = (
    """
    insert into doc select id, to_tsvector('simple', body), categories, deployment
    from incoming order by id
    """,
    "insert into fact select id, facts from incoming order by id",
    """
    insert into common select word from ts_stat('select tsv from doc')
    where ndoc > {common} * (select count(*) from doc)
    """,
    "drop table incoming",
    "create index on doc using gin (tsv, categories, deployment) with (fastupdate = off)",
    "vacuum analyze",
)
_FILTERS: Final = "categories && $2 and deployment && $3"
_HIT: Final = """
select id, ts_rank(tsv, $1::tsquery) as rank from doc
where tsv @@ $1::tsquery {also} order by rank desc, id limit {most}
"""
_RANKED: Final = f"with hit as ({_HIT}) select id, rank, facts from hit join fact using (id)"  # noqa: S608
_REST: Final = """
select id, 0::real, facts from doc join fact using (id) where not id = any($1) {also} limit $4
"""


class Filters(NamedTuple):
    """The sets of which an offering must hold an element, or have left them out."""

    categories: list[str]
    deployment: list[str]


class Found(NamedTuple):
    """A candidate with its rank by text."""

    rank: float
    offering: Offering


async def fill(url: str, lines: Iterable[dict[str, Any]]) -> None:
    """Keep the offerings ``lines`` of an import file."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_TABLES)
        await connection.copy_records_to_table("incoming", records=_records(lines))
        for statement in _FILL:
            await connection.execute(statement.format(common=COMMON))
    finally:
        await connection.close()


async def common_words(url: str) -> frozenset[str]:
    """The words that are left out of queries."""
    connection = await asyncpg.connect(url)
    try:
        return frozenset(row[0] for row in await connection.fetch("select word from common"))
    finally:
        await connection.close()


def text_query(text: str, common: frozenset[str]) -> str:
    """A tsquery of any of the words of ``text``."""
    asked = sorted(set(facts.words(text)))
    rare = [word for word in asked if word not in common] or asked
    return " | ".join("'" + word.replace("\\", "").replace("'", "''") + "'" for word in rare)


async def places(
    connection: asyncpg.Connection[asyncpg.Record], query: str, filters: Filters
) -> list[int]:
    """Which offerings are the first by words."""
    ranked = _HIT.format(also=f"and {_FILTERS}", most=CANDIDATES)
    return [row[0] for row in await connection.fetch(ranked, query, *filters)]


async def search(
    pool: asyncpg.Pool[asyncpg.Record], query: str, filters: Filters | None
) -> list[Found]:
    """The candidates by words; what is missing of them comes from the filters alone."""
    async with pool.acquire() as connection:
        if filters is None:
            rows = await connection.fetch(_RANKED.format(also="", most=CANDIDATES), query)
        else:
            ranked = _RANKED.format(also=f"and {_FILTERS}", most=CANDIDATES)
            rows = await connection.fetch(ranked, query, *filters)
            if (missing := CANDIDATES - len(rows)) > 0:
                rest = _REST.format(also=f"and {_FILTERS}")
                known = [row[0] for row in rows]
                rows += await connection.fetch(rest, known, *filters, missing)
    return [Found(row[1], _decoder.decode(row[2])) for row in rows]


_decoder: Final = msgspec.json.Decoder(Offering)


def _records(lines: Iterable[dict[str, Any]]) -> Iterator[tuple[object, ...]]:
    for place, line in enumerate(lines):
        told = line.get("attested")
        attested = None if told is None else dt.date.fromisoformat(told).toordinal()
        kept = msgspec.json.encode(facts.offering(line, attested)).decode()
        sets = (line.get(name) or [UNSTATED] for name in _FILTERED)
        yield (place, facts.body(line), *sets, kept)
