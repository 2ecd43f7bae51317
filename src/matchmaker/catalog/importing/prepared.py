"""A checked offering ready to be written: JSON to copy, tokens counted, content hashed."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from typing import IO, TYPE_CHECKING

import msgspec

from matchmaker.catalog import texts
from matchmaker.catalog.declaration import offering_document, package_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.catalog.declaration import Attributes, OfferingLine

CHUNK = 3000
"""Offerings written together: few enough for a statement's time limit and temporary buffers."""
_IN_MEMORY = 64 * 1024 * 1024
_HEADER = 8

_canonical = msgspec.json.Encoder(order="deterministic")


class PreparedPackage(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One package: code, and JSON of its title and facts."""

    code: str
    title: str
    document: str


class PreparedOffering(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One offering: names and dates as values, everything else as JSON."""

    provider: str
    external_id: str
    kind: str
    visibility: str
    title: str
    summary: str | None
    document: str
    attested: dt.date | None
    valid_from: dt.date | None
    valid_to: dt.date | None
    must: str | None
    tokens: str
    content_hash: bytes
    packages: tuple[PreparedPackage, ...]


def prepare(line: OfferingLine, attributes: Attributes | None, *, tokens: str) -> PreparedOffering:
    """``line`` ready to be written; equal declarations have equal hashes, however they were spelt.

    Its tokens are no part of the hash: they follow from its text and the tokenizer.
    """
    packages = tuple(
        PreparedPackage(
            code=package.code,
            title=_json(package.title),
            document=_json(package_document(package)),
        )
        for package in line.packages
    )
    title, document = _json(line.title), _json(offering_document(line, attributes))
    summary = _json(line.summary) if line.summary is not None else None
    must = _json(line.must) if line.must is not None else None
    return PreparedOffering(
        provider=line.provider,
        external_id=line.external_id,
        kind=line.kind,
        visibility=line.visibility,
        title=title,
        summary=summary,
        document=document,
        attested=line.attested,
        valid_from=line.valid_from,
        valid_to=line.valid_to,
        must=must,
        tokens=tokens,
        content_hash=_digest(title, summary, document, must, packages),
        packages=packages,
    )


def _json(value: object) -> str:
    return _canonical.encode(value).decode()


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(_canonical.encode(parts)).digest()


def count_tokens(line: OfferingLine, tokenizer: texts.Tokenizer) -> str:
    """JSON of the tokens by language: title twice, summary, package titles (scoring.md 10)."""
    fields = (line.title, line.title, line.summary, *(package.title for package in line.packages))
    return texts.pack(texts.count(fields, tokenizer))


class Spool:
    """Prepared offerings kept in order, in memory while they are few and on disk beyond that."""

    def __init__(self) -> None:
        """An empty spool."""
        self._file: IO[bytes] | None = None
        self._chunk: list[PreparedOffering] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[PreparedOffering])

    def add(self, offering: PreparedOffering) -> None:
        """Keep ``offering``."""
        self._chunk.append(offering)
        if len(self._chunk) == CHUNK:
            self._flush()

    def chunks(self) -> Iterator[list[PreparedOffering]]:
        """All that was added, `CHUNK` at a time; nothing may be added afterwards."""
        if self._file is not None:
            self._file.seek(0)
            while header := self._file.read(_HEADER):
                yield self._decoder.decode(self._file.read(int.from_bytes(header, "big")))
        if self._chunk:
            yield self._chunk

    def close(self) -> None:
        """Let go of memory and disk."""
        self._chunk = []
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        block = self._encoder.encode(self._chunk)
        self._file.write(len(block).to_bytes(_HEADER, "big") + block)
        self._chunk = []
