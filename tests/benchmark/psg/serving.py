"""The real path: a database of its own, the import, the published index, the matcher on it."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text

from matchmaker.cli import pool, session
from matchmaker.core.settings import Settings
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.registry import Words, load_model, load_reader
from matchmaker.ranking.slate import SlateRules
from matchmaker.released import Released
from matchmaker.taxonomy.entries import Entry, Labels

CATEGORY: Final = "solution_category"


class ImportRefused(Exception):
    """The import took the catalogue for faulty; the message names the first faults."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A matcher on the published catalogue, and the external id of each offering's id."""

    matcher: Matcher
    external_ids: Mapping[str, str]


@contextlib.contextmanager
def serving(lines: Iterable[Mapping[str, Any]], released: Released) -> Iterator[Serving]:
    """``lines`` imported, published and served, in a folder that is gone afterwards.

    The database is stopped once the index is published: a match reads none.

    Raises:
        ImportRefused: a line was rejected.
    """
    with tempfile.TemporaryDirectory(prefix="matchmaker-psg-") as name:
        place = Path(name)
        place.chmod(0o755)  # the database's own user must reach it
        file = place / "catalogue.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        with session.database(Settings(data=str(place / "data"))) as running:
            external_ids = asyncio.run(_filled(running, released, file))
        yield Serving(released.matcher(running.settings.index_folder), external_ids)


async def _filled(running: session.Database, released: Released, file: Path) -> dict[str, str]:
    for _, report in await pool.import_all(running, released, [file]):
        if not report.is_written:
            first = [f"{each.line} {each.pointer} {each.code}" for each in report.faults[:5]]
            raise ImportRefused(f"{report.found} faults, the first: {'; '.join(first)}")
    await pool.publish_index(running, released)
    async with running.transaction() as session_:
        found = await session_.execute(text("select id, external_id from mm.offering"))
        return {str(offering): str(external) for offering, external in found}


def with_words(released: Released, words: Words) -> Released:
    """The same release with other words."""
    other = copy.copy(released)
    other.words = words
    other.reader = load_reader(released.taxonomy, words)
    return other


def with_categories(released: Released, names: Iterable[str], seeds: Path) -> Released:
    """The same release, its solution categories replaced by ``names``, none in a family."""
    scheme = released.taxonomy.scheme(CATEGORY)
    entries = {
        code: Entry(
            code=code,
            labels=Labels(zh=None, en=name),
            parent=None,
            rank=None,
            extra=MappingProxyType({}),
        )
        for name, code in category_codes(names).items()
    }
    other = copy.copy(released)
    other.taxonomy = dataclasses.replace(
        released.taxonomy,
        schemes=MappingProxyType(
            {
                **released.taxonomy.schemes,
                CATEGORY: dataclasses.replace(scheme, entries=entries, children={}),
            }
        ),
    )
    other.model = load_model(seeds, other.taxonomy)
    other.reader = load_reader(other.taxonomy, released.words)
    return other


def category_codes(names: Iterable[str]) -> dict[str, str]:
    """A code for each of ``names``."""
    return {name: f"x{place}" for place, name in enumerate(sorted(set(names)))}


def uncapped(matcher: Matcher) -> Matcher:
    """The same matcher with a cap per provider that never binds."""
    card = matcher.model.card
    rules = SlateRules(of_provider=sys.maxsize, first=card.slate.first)
    model = dataclasses.replace(matcher.model, card=dataclasses.replace(card, slate=rules))
    return dataclasses.replace(matcher, model=model)
