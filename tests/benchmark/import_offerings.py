"""How fast a file of offerings becomes published, and its write phase against the ORM.

``python -m tests.benchmark.import_offerings [--offerings 100000] [--compared 25000]``: the last
line is one JSON object. The comparison writes the very same rows to the same five tables (and their
organisations), interleaved, five times each. Both ways start from the same prepared offerings and
make their own rows of them; the commit counts for both.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import io
import json
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.benchmark.measuring import Bound, conclude, interleaved_async, load, medians
from tests.clusters import reachable_directory
from tests.factories import taxonomy
from tests.factories import tokenizer as plain_tokenizer

from matchmaker.catalog.codes import known_codes
from matchmaker.catalog.importing import TEXT_VERSION, import_file, reading, writing
from matchmaker.catalog.importing.prepared import PreparedOffering
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import (
    Kind,
    Offering,
    OfferingLive,
    OfferingPackage,
    OfferingVersion,
    Provider,
    Visibility,
    new_offering_id,
    new_version_id,
)
from matchmaker.core import db, events, migrate
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.events import Event
from matchmaker.core.ids import uuid7
from matchmaker.core.postgres import Embedded
from matchmaker.core.settings import Settings
from matchmaker.identity.models import Organisation, OrganisationId, OrganisationState

WHOLE = Bound(at_most=120.0)
RATIO = Bound(at_least=5.0)
OFFERINGS_OF_A_PROVIDER = 50
GUARDED = """
    select distinct c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'mm'::regnamespace and not t.tgisinternal
"""
"""Tables whose triggers refuse to be emptied."""
IMPORTED = Event(
    kind="catalog.imported",
    subject_type="import",
    subject_id=uuid7(),
    organisation_id=None,
    actor=events.CLI,
)
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 900)]
SYLLABLES = ("tra", "mon", "li", "ker", "sen", "po", "dur", "val", "min", "ches", "fo", "ran")
CATEGORIES = ("qms", "mes", "aps", "scada", "wms", "ems", "erp", "plm", "iiot_platform", "spc")
INDUSTRIES = ("C", "C33", "C34", "C3311", "C3392", "C35", "C36", "C3670", "C38", "C39", "all")
REGIONS = ("210000", "210200", "210100", "220000", "330000", "440300", "all")
SCENES = ("quality", "equipment", "production_control", "energy", "planning_scheduling")
STAGES = ("not_started", "tool_assisted", "standardised", "integrated", "data_driven", "leading")
SCALES = ("micro", "small", "medium", "large")
DEPLOYMENT = ("public_cloud", "on_premises", "edge", "mobile", "private_cloud")


def words(draw: random.Random, number: int, vocabulary: list[str]) -> str:
    """A made-up English text."""
    return " ".join(draw.choices(vocabulary, k=number))


def han(draw: random.Random, number: int) -> str:
    """A made-up Chinese text."""
    return "".join(draw.choices(HAN, k=number))


def package(draw: random.Random, place: int, vocabulary: list[str]) -> dict[str, Any]:
    """One of an offering's packages."""
    low, high = sorted(draw.sample(range(6), 2))
    first, last = sorted(draw.sample(range(5), 2))
    return {
        "code": f"edition-{place}",
        "title": {"zh": han(draw, 3), "en": words(draw, 1, vocabulary)},
        "scales": draw.sample(SCALES, 2),
        "stages": [STAGES[low], STAGES[high]],
        "levels": {scene: [first, last] for scene in draw.sample(SCENES, 2)},
        "price": {
            "currency": "CNY",
            "parts": [
                {"part": "upfront", "from": 1_000_000, "to": draw.randrange(1_000_000, 20_000_000)},
                {"part": "yearly", "amount": draw.randrange(500_000, 5_000_000), "per": "users"},
            ],
        },
        "weeks": sorted(draw.sample(range(1, 30), 2)),
    }


def lines(number: int, seed: int) -> Iterator[dict[str, Any]]:
    """Providers and their offerings: two packages each, texts of about 45 tokens."""
    draw = random.Random(seed)  # noqa: S311  (the same file every time)
    vocabulary = ["".join(draw.choices(SYLLABLES, k=draw.randrange(2, 4))) for _ in range(3000)]
    for place in range(number):
        owner = f"provider-{place // OFFERINGS_OF_A_PROVIDER}"
        if place % OFFERINGS_OF_A_PROVIDER == 0:
            yield {
                "type": "provider",
                "external_id": owner,
                "name": {"zh": han(draw, 4), "en": words(draw, 2, vocabulary)},
                "provider_kind": "software_vendor",
                "region": "210200",
            }
        yield {
            "type": "offering",
            "external_id": f"offering-{place}",
            "provider": owner,
            "kind": "solution",
            "title": {"zh": han(draw, 5), "en": words(draw, 3, vocabulary)},
            "summary": {"zh": han(draw, 12), "en": words(draw, 12, vocabulary)},
            "industries": draw.sample(INDUSTRIES, 2),
            "regions": draw.sample(REGIONS, 2),
            "deployment": draw.sample(DEPLOYMENT, 2),
            "languages": ["zh", "en"],
            "categories": draw.sample(CATEGORIES, 2),
            "delivery_form": "saas",
            "interfaces": ["open_api", "opc_ua"],
            "must": (
                {"all": [{"field": "profile.employees", "op": "gte", "value": 20}]}
                if place % 5 == 0
                else None
            ),
            "attested": "2026-10-01",
            "cases": [{"industry": "C3311", "scenes": ["quality"], "state": "verified"}],
            "record": {"accepted": draw.randrange(10), "projects": 12},
            "attributes": {"offline": True, "person_days": [5, 10], "days_to_live": [10, 20]},
            "packages": [package(draw, 0, vocabulary), package(draw, 1, vocabulary)],
        }


def file_of(number: int, seed: int) -> io.BytesIO:
    """The lines as an import file."""
    return io.BytesIO(
        b"".join(
            json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines(number, seed)
        )
    )


@contextlib.asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[Session]:
    """A session that commits."""
    async with AsyncSession(engine, expire_on_commit=False) as made, made.begin():
        yield Session(ReadSession(made))


async def empty(owner: AsyncEngine) -> None:
    """Every table without rows, statistics and space given back."""
    async with owner.begin() as connection:
        guarded = (await connection.scalars(text(GUARDED))).all()
        for table in guarded:
            await connection.execute(text(f"alter table mm.{table} disable trigger user"))
        await connection.execute(text("truncate mm.organisation cascade"))
        for table in guarded:
            await connection.execute(text(f"alter table mm.{table} enable trigger user"))


async def by_import(engine: AsyncEngine, read: reading.FileRead) -> float:
    """Seconds of the write phase, commit included."""
    started = perf_counter()
    async with transaction(engine) as session:
        await writing.check_against_stored(session, read)
        await writing.write(session, read, text_version=TEXT_VERSION)
    return perf_counter() - started


class Plain(NamedTuple):
    """A prepared offering with its JSON as objects: what the ORM starts from."""

    ready: PreparedOffering
    title: Any
    summary: Any
    document: Any
    must: Any
    tokens: Any
    packages: list[tuple[str, Any, Any]]


def plain(read: reading.FileRead) -> list[Plain]:
    """The offerings of a file as the ORM takes them."""
    return [
        Plain(
            ready,
            json.loads(ready.title),
            json.loads(ready.summary or "null"),
            json.loads(ready.document),
            json.loads(ready.must or "null"),
            json.loads(ready.tokens),
            [(one.code, json.loads(one.title), json.loads(one.document)) for one in ready.packages],
        )
        for chunk in read.spool.chunks()
        for ready in chunk
    ]


async def by_orm(engine: AsyncEngine, read: reading.FileRead) -> float:
    """Seconds of mapping and add_all of the same rows, commit included; JSON is read before."""
    offerings = plain(read)
    started = perf_counter()
    organisations, providers, owners = _organisations(read)
    mapped, versions, packages = _mapped(offerings, owners)
    rows: list[Sequence[object]] = [organisations, providers, mapped, versions, packages]
    async with transaction(engine) as session:
        # Flushed table by table: without relationships the unit of work does not know the order.
        for of_table in rows:
            session.add_all(of_table)
            await session.flush()
        position = await events.append(session, IMPORTED)
        session.add_all(
            OfferingLive(
                offering_id=version.offering_id,
                version_id=version.id,
                organisation_id=version.organisation_id,
                from_position=position,
            )
            for version in versions
        )
    return perf_counter() - started


def _organisations(
    read: reading.FileRead,
) -> tuple[list[Organisation], list[Provider], dict[str, OrganisationId]]:
    organisations = [
        Organisation(
            external_id=line.external_id,
            name={"zh": line.name.zh, "en": line.name.en},
            roles=["provider"],
            provider_kind=line.provider_kind,
            region=line.region,
            state=OrganisationState.VERIFIED,
        )
        for line in read.providers.values()
    ]
    owners = {str(one.external_id): one.id for one in organisations}
    return organisations, [Provider(organisation_id=id_) for id_ in owners.values()], owners


def _mapped(
    rows: list[Plain], owners: dict[str, OrganisationId]
) -> tuple[list[Offering], list[OfferingVersion], list[OfferingPackage]]:
    offerings, versions, packages = [], [], []
    for row in rows:
        ready, owner, version_id = row.ready, owners[row.ready.provider], new_version_id()
        offering = Offering(
            id=new_offering_id(),
            organisation_id=owner,
            external_id=ready.external_id,
            kind=Kind(ready.kind),
            visibility=Visibility(ready.visibility),
            state=OfferingState.PUBLISHED,
            published_version_id=version_id,
        )
        offerings.append(offering)
        versions.append(
            OfferingVersion(
                id=version_id,
                offering_id=offering.id,
                organisation_id=owner,
                number=1,
                kind=offering.kind,
                title=row.title,
                summary=row.summary,
                document=row.document,
                attested=ready.attested,
                must=row.must,
                tokens=row.tokens,
                text_version=TEXT_VERSION,
                content_hash=ready.content_hash,
            )
        )
        packages += [
            OfferingPackage(
                version_id=version_id,
                position=position,
                organisation_id=owner,
                code=code,
                title=title,
                document=document,
            )
            for position, (code, title, document) in enumerate(row.packages)
        ]
    return offerings, versions, packages


async def compare(engine: AsyncEngine, owner: AsyncEngine, number: int) -> dict[str, list[float]]:
    """Seconds of both ways, interleaved."""
    read = await reading.read_file(
        file_of(number, seed=1), known_codes(taxonomy()), plain_tokenizer()
    )

    async def timed(way: Callable[[AsyncEngine, reading.FileRead], Awaitable[float]]) -> float:
        await empty(owner)
        gc.collect()
        return round(await way(engine, read), 3)

    found = await interleaved_async(
        {"import": lambda: timed(by_import), "add_all": lambda: timed(by_orm)}
    )
    read.spool.close()
    return found


async def measure(engine: AsyncEngine, owner: AsyncEngine, number: int, compared: int) -> int:
    """0 where the figures were reached; prints them."""
    before = load()
    stream = file_of(number, seed=0)
    size = len(stream.getbuffer())
    started = perf_counter()
    async with transaction(engine) as session:
        report = await import_file(session, stream, taxonomy(), plain_tokenizer())
    whole = perf_counter() - started
    assert report.offerings.new == number, report.faults[:3]
    print(f"{number} offerings, {size / 1e6:.0f} MB: {whole:.1f} s, {report.seconds}", flush=True)
    async with AsyncSession(engine) as session:
        lengths = await session.execute(
            text(
                "select avg((tokens->'zh'->>'length')::int), avg((tokens->'en'->>'length')::int)"
                " from (select tokens from mm.offering_version limit 1000) t"
            )
        )
        tokens = [round(float(value), 1) for value in lengths.one()]
    seconds = await compare(engine, owner, compared)
    middle = medians(seconds)
    return conclude(
        "import_offerings",
        {
            "whole_s": (whole, WHOLE),
            "add_all_times_import": (middle["add_all"] / middle["import"], RATIO),
        },
        {
            "offerings": number,
            "packages": 2 * number,
            "tokens_mean": {"zh": tokens[0], "en": tokens[1]},
            "decode_s": round(report.seconds.decode, 2),
            "write_s": round(report.seconds.write, 2),
            "compared_offerings": compared,
            "write_phase_s": seconds,
            "median_s": middle,
        },
        load_before=before,
    )


async def run(number: int, compared: int) -> int:
    """The benchmark on an embedded server with its usual settings."""
    # The ORM's statements are the long ones; neither way may be cut off by the limits of a request.
    patient = Settings(command_timeout=600, statement_timeout=600, idle_in_transaction_timeout=600)
    with reachable_directory() as place, Embedded(place).start() as server:
        migrate.upgrade(server.url("mm_owner"))
        engine = db.create_engine(server.url("mm_app"), patient, acting=db.INSTALLATION)
        owner = db.create_engine(server.url("mm_owner"), patient, role="mm_owner")
        try:
            return await measure(engine, owner, number, compared)
        finally:
            await engine.dispose()
            await owner.dispose()


def main() -> int:
    """0 when the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offerings", type=int, default=100_000)
    parser.add_argument("--compared", type=int, default=25_000)
    asked = parser.parse_args()
    return asyncio.run(run(asked.offerings, asked.compared))


if __name__ == "__main__":
    sys.exit(main())
