"""Reads the seed files into schemes and concordances, and refuses what does not resolve."""

from __future__ import annotations

import csv
import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import msgspec
import yaml

from matchmaker.taxonomy.entries import Concordance, Entry, Header, Labels, Link, Scheme, freeze
from matchmaker.taxonomy.errors import SeedBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

MANIFEST = "manifest.yaml"
_ENTRY_KEYS = frozenset({"code", "zh", "en", "parent", "rank"})
_LINK_KEYS = frozenset({"source", "target", "rank", "relation", "confidence"})


class _Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scheme of a YAML table file."""

    labels: Labels
    entries: list[dict[str, object]]
    header: Header | None = None
    parents: str | None = None
    refs: dict[str, str] = {}
    suggested: bool = True


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A YAML table file: one header, which a scheme may override."""

    header: Header
    schemes: dict[str, _Block]


class _EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    zh: str | None = None
    en: str | None = None
    parent: str | None = None
    rank: int | None = None


class _LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    target: str
    rank: int
    confidence: str
    relation: str | None = None


def digest(folder: Path, files: Iterable[str]) -> str:
    """The sha256, in hex, over the names and bytes of the manifest and ``files``."""
    found = hashlib.sha256()
    for name in sorted({MANIFEST, *files}):
        data = (folder / name).read_bytes()
        found.update(f"{name}\0{len(data)}\0".encode())
        found.update(data)
    return found.hexdigest()


def read_document(path: Path, target: type[T]) -> T:
    """A YAML seed file as ``target``.

    Raises:
        SeedBroken: the file does not have that shape.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=target)
    except (msgspec.ValidationError, msgspec.DecodeError, yaml.YAMLError) as error:
        raise SeedBroken(f"{path.name}: {error}") from error


def read_schemes(path: Path) -> Iterator[Scheme]:
    """The schemes of one table file, YAML or CSV, in order.

    Raises:
        SeedBroken: the file does not have the shape of a table.
    """
    if path.suffix == ".csv":
        head, rows = _csv(path)
        code = str(head.pop("scheme", path.stem))
        told = {"labels": head.pop("labels", None), "header": head, "entries": rows}
        yield _scheme(code, _convert(told, _Block, path.name), None)
        return
    table = read_document(path, _Table)
    for code, block in table.schemes.items():
        yield _scheme(code, block, table.header)


def read_concordance(path: Path) -> Concordance:
    """The concordance of one CSV file.

    Raises:
        SeedBroken: the file does not have the shape of a concordance.
    """
    head, rows = _csv(path)
    code, source, target = (str(head.pop(key)) for key in ("concordance", "source", "target"))
    links: dict[str, list[Link]] = {}
    for row in rows:
        plain = _convert(row, _LinkRow, path.name)
        extra = MappingProxyType({k: freeze(v) for k, v in row.items() if k not in _LINK_KEYS})
        link = Link(extra=extra, **msgspec.structs.asdict(plain))
        links.setdefault(link.source, []).append(link)
    return Concordance(
        code=code,
        source=source,
        target=target,
        header=_convert(head, Header, path.name),
        links=MappingProxyType(
            {key: tuple(sorted(found, key=lambda link: link.rank)) for key, found in links.items()}
        ),
    )


def check_references(schemes: Mapping[str, Scheme], concordances: Iterable[Concordance]) -> None:
    """Nothing, if every parent, reference and link names a code that exists.

    Raises:
        SeedBroken: the first one that does not.
    """
    for where, scheme, code in _references(schemes, concordances):
        if scheme not in schemes or code not in schemes[scheme]:
            raise SeedBroken(f"{where}: '{code}' is not a code of '{scheme}'")


def _references(
    schemes: Mapping[str, Scheme], concordances: Iterable[Concordance]
) -> Iterator[tuple[str, str, str]]:
    for scheme in schemes.values():
        for entry in scheme.entries.values():
            yield from _entry_references(scheme, entry)
    for concordance in concordances:
        for source, links in concordance.links.items():
            yield concordance.code, concordance.source, source
            yield from ((concordance.code, concordance.target, link.target) for link in links)


def _entry_references(scheme: Scheme, entry: Entry) -> Iterator[tuple[str, str, str]]:
    where = f"{scheme.code}.{entry.code}"
    if entry.parent is not None:
        yield where, scheme.parents, entry.parent
    for key, target in scheme.refs.items():
        value = entry.extra.get(key)
        codes = value if isinstance(value, tuple) else (value,)
        yield from ((where, target, str(code)) for code in codes if code is not None)


def _scheme(code: str, block: _Block, header: Header | None) -> Scheme:
    header = block.header or header
    if header is None:
        raise SeedBroken(f"{code}: no header")
    entries: dict[str, Entry] = {}
    children: dict[str, list[str]] = {}
    for row in block.entries:
        entry = _entry(row, code)
        if entry.code in entries:
            raise SeedBroken(f"{code}: '{entry.code}' stands twice")
        entries[entry.code] = entry
        if entry.parent is not None:
            children.setdefault(entry.parent, []).append(entry.code)
    return Scheme(
        code=code,
        labels=block.labels,
        header=header,
        parents=block.parents or code,
        refs=MappingProxyType(block.refs),
        is_suggested=block.suggested,
        entries=MappingProxyType(entries),
        children=MappingProxyType({key: tuple(codes) for key, codes in children.items()}),
    )


def _entry(row: Mapping[str, object], scheme: str) -> Entry:
    plain = _convert(row, _EntryRow, scheme)
    extra = {key: freeze(value) for key, value in row.items() if key not in _ENTRY_KEYS}
    return Entry(
        code=plain.code,
        labels=Labels(zh=plain.zh, en=plain.en),
        parent=plain.parent,
        rank=plain.rank,
        extra=MappingProxyType(extra),
    )


def _csv(path: Path) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The head (lines that start with '#', YAML) and the rows; an empty cell is null."""
    lines = path.read_text(encoding="utf-8").splitlines()
    size = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    head = msgspec.yaml.decode("\n".join(line[1:] for line in lines[:size]), type=dict[str, object])
    rows = csv.DictReader(lines[size:])
    return head, [{key: value or None for key, value in row.items()} for row in rows]


def _convert(value: object, target: type[T], where: str) -> T:
    try:
        # Not strict: the cells of a CSV are all text.
        return msgspec.convert(value, type=target, strict=False)
    except msgspec.ValidationError as error:
        raise SeedBroken(f"{where}: {error}") from error
