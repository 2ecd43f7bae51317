"""The synthetic pool and needs of the benchmarks, in the product's own shapes.

The records come from ``data/synthetic/generate.py`` of the shared folder, read in place; ``SHARED``
in the environment names that folder, else it lies beside the project. The generator draws no track
record, so attestations, projects and verified cases are drawn here, for the card to have something
to read. All depends on seed and row only: the pool of n is the beginning of every larger one.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol, cast
from uuid import UUID

import msgspec
from tests.factories import SEEDS

from matchmaker.catalog import texts
from matchmaker.catalog.declaration import OfferingLine, offering_document, package_document
from matchmaker.catalog.models import OfferingId, VersionId
from matchmaker.catalog.queries import PublishedOffering
from matchmaker.identity.models import OrganisationId
from matchmaker.matching import index as published
from matchmaker.matching.decoding import Decoded, OfferingDecoder, name_of
from matchmaker.matching.query import Caller
from matchmaker.matching.schemas import MatchInput
from matchmaker.ranking.building import Builder
from matchmaker.ranking.facts import OfferingFacts, PackageFacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.lines import DECLARED, KIND, PROVIDER
from matchmaker.ranking.query import Query
from matchmaker.released import Released
from matchmaker.rules import Fact

SEED: Final = 1
AS_OF: Final = dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
_AT_A_TIME: Final = 1000
_OFFERING, _VERSION, _PROVIDER = (UUID(int=kind << 120) for kind in (1, 2, 3))


class Generator(Protocol):
    """The parts of the shared generator that are used."""

    def offering(self, seed: int, row: int) -> dict[str, Any]:
        """An offering with two packages."""
        ...

    def need(self, seed: int, row: int, *, selective: bool) -> dict[str, Any]:
        """A profile and its need; ``selective``: about 3 % of a pool survive its two musts."""
        ...

    def tables(self) -> dict[str, list[Any]]:
        """Codes in one order of popularity."""
        ...


@cache
def generator() -> Generator:
    """The shared generator."""
    beside = Path(__file__).parents[2].parent / "shared"
    path = Path(os.environ.get("SHARED", beside)) / "data" / "synthetic" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Generator", module)


@cache
def released() -> Released:
    """The released taxonomy, card and words."""
    return Released(SEEDS)


def provider_lines(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The providers that the offerings ``rows`` name, as lines of an import file."""
    for code in dict.fromkeys(row["provider"] for row in rows):
        yield {
            "type": "provider",
            "external_id": code,
            "name": {"zh": f"供方{code}", "en": f"Provider {code}"},
            "provider_kind": "software_vendor",
        }


def offering_line(row: int) -> dict[str, Any]:
    """The offering ``row`` of the pool, as a line of an import file."""
    record = generator().offering(SEED, row)
    record.pop("capacity")
    packages = [_package(package) for package in record.pop("packages")]
    return {"type": "offering", **record, **_track(row), "packages": packages}


def requests(count: int, *, is_selective: bool) -> list[MatchInput]:
    """What so many firms ask: all of a pool survives, or about 3 % of it."""
    found = [generator().need(SEED, row, selective=is_selective) for row in range(count)]
    return [
        msgspec.convert({"profile": each["profile"], "need": each["need"]}, MatchInput)
        for each in found
    ]


def query(request: MatchInput) -> Query:
    """``request`` by an anonymous caller on the day of the pool."""
    reader = released().reader
    return reader.build(request.profile, request.need, pools=None, caller=Caller(), as_of=AS_OF)


def stored(row: int) -> PublishedOffering:
    """The offering ``row`` as the database gives it once it was imported."""
    line = msgspec.convert(offering_line(row), OfferingLine)
    titles = [package.title for package in line.packages]
    fields = [line.title, line.title, line.summary, *titles]
    return PublishedOffering(
        offering_id=OfferingId(UUID(int=_OFFERING.int + row)),
        organisation_id=OrganisationId(UUID(int=_PROVIDER.int + int(line.provider[1:]))),
        provider_name=_json({"en": f"Provider {line.provider}"}),
        version_id=VersionId(UUID(int=_VERSION.int + row)),
        number=1,
        kind=line.kind,
        visibility=line.visibility,
        attested=line.attested,
        valid_from=None,
        valid_to=None,
        document=_json(offering_document(line, None)),
        must=None,
        tokens=texts.pack(texts.count(fields, released().words.tokenizer)),
        text_version=released().words.version,
        title=_json(line.title),
        summary=None if line.summary is None else _json(line.summary),
        packages=_json(
            [
                {
                    "code": package.code,
                    "title": package.title,
                    "document": package_document(package),
                }
                for package in line.packages
            ]
        ),
    )


def decoded(rows: range) -> list[Decoded]:
    """The offerings ``rows`` of the pool: what an index is built from, and what is shown of it."""
    decoder = _decoder()
    return [decoder.decode(stored(row)) for row in rows]


def facts(rows: range) -> Iterator[OfferingFacts]:
    """What the offerings ``rows`` declare, and their words; their packages say nothing here."""
    for line in (each.line for each in decoded(rows)):
        said = {each.name: each.value for each in line.said}
        yield OfferingFacts(
            offering_id=line.offering_id,
            provider_id=cast("str", said[PROVIDER]),
            kind=cast("str", said[KIND]),
            packages=tuple(PackageFacts(code=str(place)) for place in range(len(line.packages))),
            declared={
                name.removeprefix(DECLARED): cast("Fact", value)
                for name, value in said.items()
                if name.startswith(DECLARED)
            },
            text=line.text,
        )


@cache
def _decoder() -> OfferingDecoder:
    return OfferingDecoder(released().model.card.vocabulary.stages, released().words)


def publish(folder: Path, offerings: int) -> Index:
    """The pool of so many ``offerings``, published below ``folder`` for processes that serve."""
    card, cards = released().model.card, dict[str, bytes]()
    builder = Builder(card.vocabulary)
    for start in range(0, offerings, _AT_A_TIME):
        rows = [*map(stored, range(start, min(start + _AT_A_TIME, offerings)))]
        some = [*map(_decoder().decode, rows)]
        builder.extend([each.line for each in some])
        cards |= {
            each.line.offering_id: each.card.naming(name_of(row.provider_name))
            for each, row in zip(some, rows, strict=True)
        }
    index = builder.index(card.text)
    versions = published.IndexVersions(
        base=1,
        delta=0,
        anchor="",
        text="synthetic",
        edition=released().edition.names,
    )
    published.write(folder, index, [cards[id_] for id_ in index.offering_ids], versions)
    return index


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _package(record: dict[str, Any]) -> dict[str, Any]:
    """A package of the generator as the import takes it: keys that are absent stay so."""
    package = dict(record)
    if "scenes" in package:
        package["levels"] = {
            each["scene"]: (each["from"], each["to"]) for each in package.pop("scenes")
        }
    if "stage" in package:
        stage = package.pop("stage")
        package["stages"] = (stage["from"], stage["to"])
    if "weeks" in package:
        package["weeks"] = (package["weeks"]["from"], package["weeks"]["to"])
    return package


def _track(row: int) -> dict[str, Any]:
    """What time has given the offering: most have attested, some have projects and cases."""
    draw = Random(f"{SEED}/track/{row}")  # noqa: S311 - the same pool every time
    tables, track = generator().tables(), dict[str, Any]()
    if draw.random() < 0.9:
        track["attested"] = (AS_OF.date() - dt.timedelta(days=draw.randint(0, 900))).isoformat()
    if draw.random() < 0.5:
        projects = draw.randint(1, 40)
        track["record"] = {"accepted": draw.randint(projects // 2, projects), "projects": projects}
    if draw.random() < 0.3:
        track["cases"] = [
            {
                "industry": draw.choice(tables["industries"][:100]),
                "scenes": [each["scene"] for each in draw.choice(tables["scene_sets"])],
                "state": "verified",
            }
            for _ in range(draw.randint(1, 3))
        ]
    return track
