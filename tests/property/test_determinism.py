"""The same input gives the same bytes: in another process, on an index that was stored and read.

The whole line runs on the demo pool, from declared facts to the answer in words, at a fixed moment;
the worked matches run beside it in numbers.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests import factories, vectors
from tests.factories import SEEDS

from matchmaker.catalog import declaration, texts
from matchmaker.catalog.queries import PublishedOffering
from matchmaker.core.language import Language
from matchmaker.matching import phrases, schemas
from matchmaker.matching.decoding import OfferingDecoder, name_of
from matchmaker.matching.editions import EditionNames
from matchmaker.matching.index import IndexHolder, IndexVersions, read, write
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.query import Caller, Reader
from matchmaker.matching.registry import PHRASES, Words, load_model, load_reader, load_words
from matchmaker.matching.service import Model, match
from matchmaker.ranking import storage
from matchmaker.ranking.building import Builder
from matchmaker.ranking.index import Index
from matchmaker.ranking.tokens import TokenCount
from matchmaker.taxonomy.errors import UnusableInput

AS_OF = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
CODE = "import sys; from tests.property import test_determinism as t; t.main(*sys.argv[1:])"
Line = dict[str, Any]


def lines(pattern: str) -> list[Line]:
    paths = sorted((SEEDS / "demo").glob(pattern))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def published(line: Line) -> PublishedOffering:
    """A line of the demo pool as it is stored when it is published."""
    read_line = msgspec.convert(
        {**line, "attributes": msgspec.Raw(b"null")}, declaration.OfferingLine
    )
    kind = read_line.kind
    attributes = msgspec.convert(
        {"kind": kind.value, **(line.get("attributes") or {})}, declaration.ATTRIBUTES[kind]
    )
    document = declaration.offering_document(read_line, attributes)
    offering_id, provider_id = (
        uuid.uuid5(uuid.NAMESPACE_URL, line[key]) for key in ("external_id", "provider")
    )
    found: Any = PublishedOffering
    stored: PublishedOffering = found(
        offering_id=offering_id,
        organisation_id=provider_id,
        provider_name=json.dumps({"zh": line["provider"]}),
        version_id=offering_id,
        number=1,
        kind=kind.value,
        visibility=read_line.visibility.value,
        attested=read_line.attested,
        valid_from=read_line.valid_from,
        valid_to=read_line.valid_to,
        document=msgspec.json.encode(document).decode(),
        must=json.dumps(line["must"]) if line.get("must") else None,
        tokens=texts.pack(tokens(line)),
        text_version=words().version,
        title=json.dumps(line["title"]),
        summary=json.dumps(line["summary"]),
        packages=msgspec.json.encode(
            [
                {
                    "code": package.code,
                    "title": package.title,
                    "document": declaration.package_document(package),
                }
                for package in read_line.packages
            ]
        ).decode(),
    )
    return stored


def tokens(line: Line) -> dict[str, TokenCount]:
    """The counted words of each language that the line speaks."""
    tokenizer = words().tokenizer
    found: dict[str, TokenCount] = {}
    for language in ("zh", "en"):
        packages = [package["title"].get(language) for package in line["packages"]]
        title, summary = line["title"].get(language), (line["summary"] or {}).get(language)
        said = [text for text in (title, title, summary, *packages) if text]
        if said:
            found[language] = tokenizer.count(said)
    return found


@cache
def words() -> Words:
    return load_words(SEEDS)


@cache
def matcher_parts() -> tuple[Model, Reader, phrases.Phrasebook]:
    taxonomy = factories.taxonomy()
    model = load_model(SEEDS, taxonomy)
    return model, load_reader(taxonomy, words()), phrases.load(SEEDS / PHRASES)


def publish(folder: Path, *, shuffled: int | None = None) -> Matcher:
    """The demo pool built, written below ``folder`` and read back, as a worker holds it."""
    model, reader, book = matcher_parts()
    pool = [published(line) for line in lines("offerings-*.jsonl") if line["type"] == "offering"]
    if shuffled is not None:
        random.Random(shuffled).shuffle(pool)  # noqa: S311 - no secret
    decoder = OfferingDecoder(model.card.vocabulary.stages, words())
    decoded = [decoder.decode(row) for row in pool]
    builder = Builder(model.card.vocabulary)
    builder.extend([each.line for each in decoded])
    index = builder.index(model.card.text)
    cards = {
        each.line.offering_id: each.card.naming(name_of(row.provider_name))
        for each, row in zip(decoded, pool, strict=True)
    }
    versions = IndexVersions(
        base=7,
        delta=0,
        anchor="c",
        text="t",
        edition=EditionNames(model="m", taxonomy="x", glossary="g"),
    )
    write(folder, index, [cards[offering_id] for offering_id in index.offering_ids], versions)
    return Matcher(IndexHolder(folder), model, reader, book, lambda: AS_OF)


def requests() -> Iterator[schemas.MatchInput]:
    """Every need of the demo pool, with its firm and without."""
    firms = {line["external_id"]: line["profile"] for line in lines("smes.jsonl")}
    for line in lines("needs.jsonl"):
        need = {key: value for key, value in line["need"].items() if value is not None}
        for profile in (firms.get(line["profile"]), None):
            yield msgspec.convert(
                {"profile": profile, "need": need, "limit": 10}, schemas.MatchInput
            )


def usable(matcher: Matcher) -> Iterator[schemas.MatchInput]:
    """The requests that a match takes."""
    for request in requests():
        with contextlib.suppress(UnusableInput):
            matcher.query(request, Caller())
            yield request


def in_words(matcher: Matcher) -> list[str]:
    """The digest of each answer, and a hash of its bytes without the timings."""
    languages: tuple[Language, ...] = ("zh", "en")
    found: list[str] = []
    for request in usable(matcher):
        for language in languages:
            answer = matcher.match(request, Caller(), language)
            plain = msgspec.structs.replace(answer, timings_ms={})
            hashed = hashlib.sha256(msgspec.json.encode(plain)).hexdigest()
            found.append(f"{answer.receipt.digest} {hashed}")
    return found


def in_numbers(index: Index) -> list[str]:
    """A hash of each answer to the worked matches."""
    found: list[str] = []
    for worked in vectors.matches():
        answer, _ = match(worked.query, index, worked.model, worked.curations, limit=worked.limit)
        found.append(hashlib.sha256(msgspec.json.encode(asdict(answer))).hexdigest())
    return found


def main(demo: str, stored: str) -> None:
    """What another process says: on folders that were written by this one, and built anew."""
    model, reader, book = matcher_parts()
    matcher = Matcher(IndexHolder(Path(demo)), model, reader, book, lambda: AS_OF)
    said = {
        "demo": in_words(matcher),
        "stored": in_numbers(storage.load(Path(stored))),
        "built": in_numbers(vectors.index()),
    }
    sys.stdout.write(json.dumps(said))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo pool and the worked matches' offerings, each stored once."""
    demo, stored = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("stored")
    publish(demo)
    storage.save(vectors.index(), stored)
    return demo, stored


def another_process(folders: tuple[Path, Path], hash_seed: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE, *map(str, folders)],
        cwd=vectors.ROOT,
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": f"{vectors.ROOT / 'src'}{os.pathsep}{vectors.ROOT}",
        },
        capture_output=True,
        check=True,
        timeout=60,
    )
    said: dict[str, list[str]] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_another_process_says_the_same_bytes(folders: tuple[Path, Path], hash_seed: str) -> None:
    model, reader, book = matcher_parts()
    here = in_words(Matcher(IndexHolder(folders[0]), model, reader, book, lambda: AS_OF))
    numbers = in_numbers(vectors.index())
    said = another_process(folders, hash_seed)

    assert said == {"demo": here, "stored": numbers, "built": numbers}
    assert len(set(here)) == len(here) > 50
    assert all(each.startswith("sha256:") for each in here)


def test_an_index_built_from_rows_in_another_order_is_the_same(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    shuffled = publish(tmp_path, shuffled=5)
    first, second = read(folders[0] / "v000001"), read(tmp_path / "v000001")

    names = sorted(path.name for path in (folders[0] / "v000001").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "v000001").iterdir())
    for name in names:
        one, other = folders[0] / "v000001" / name, tmp_path / "v000001" / name
        assert one.read_bytes() == other.read_bytes(), name
    assert first.cards[:] == second.cards[:]
    assert in_words(shuffled)


def test_another_moment_gives_another_digest(folders: tuple[Path, Path]) -> None:
    """The control: the bytes do depend on what is asked."""
    model, reader, book = matcher_parts()
    later = Matcher(
        IndexHolder(folders[0]), model, reader, book, lambda: AS_OF + dt.timedelta(days=1)
    )
    now = Matcher(IndexHolder(folders[0]), model, reader, book, lambda: AS_OF)

    assert not set(in_words(later)) & set(in_words(now))


def test_a_stored_index_is_the_index(tmp_path: Path) -> None:
    index = vectors.index()
    storage.save(index, tmp_path)
    loaded = storage.load(tmp_path)

    assert list(loaded.offering_ids) == list(index.offering_ids)
    assert list(loaded.provider_ids) == list(index.provider_ids)
    assert list(loaded.package_codes) == list(index.package_codes)
    assert loaded.planes == index.planes
    assert loaded.musts.trees == index.musts.trees
    assert loaded.statistics == index.statistics
    assert set(loaded.declared) == set(index.declared)
    for row in range(index.planes.parts):
        for name in index.declared:
            field = f"offering.{name}"
            assert loaded.fact(field, row) == index.fact(field, row)
        for name in index.rows:
            field = f"package.{name}"
            assert loaded.fact(field, row) == index.fact(field, row)
    assert not np.asarray(loaded.text.dense).flags.writeable


def test_a_profile_that_says_nothing_and_no_profile_are_one_input(
    folders: tuple[Path, Path],
) -> None:
    """Missing is null in the input digest (scoring.md 15): both break ties alike."""
    model, reader, book = matcher_parts()
    matcher = Matcher(IndexHolder(folders[0]), model, reader, book, lambda: AS_OF)
    without, empty = (
        msgspec.convert(said, schemas.MatchInput)
        for said in (
            {"need": {"kind": "solution"}},
            {"need": {"kind": "solution"}, "profile": {}},
        )
    )

    assert matcher.query(without, Caller()).digest == matcher.query(empty, Caller()).digest


def test_every_need_of_the_demo_pool_can_be_asked(folders: tuple[Path, Path]) -> None:
    model, reader, book = matcher_parts()
    matcher = Matcher(IndexHolder(folders[0]), model, reader, book, lambda: AS_OF)

    assert len(list(usable(matcher))) == len(list(requests()))
