"""The first half of an import: every line read, checked and made ready, without a database."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, NamedTuple

from matchmaker.catalog.checking import offering_faults, provider_faults
from matchmaker.catalog.declaration import Attributes, OfferingLine, ProviderLine
from matchmaker.catalog.importing.lines import LineRefused, declared, numbered
from matchmaker.catalog.importing.prepared import Spool, count_tokens, prepare
from matchmaker.catalog.importing.report import Faults
from matchmaker.catalog.musts import must_faults
from matchmaker.catalog.reasons import fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.catalog.codes import KnownCodes
    from matchmaker.catalog.texts import Tokenizer
    from matchmaker.core.errors import FieldFault

_LINES_BETWEEN_TURNS = 100


class Place(NamedTuple):
    """Where an offering stands in the file, and what it declares."""

    line: int
    content_hash: bytes


class FileRead:
    """A file as far as it could be read without a database; good only while it has no faults."""

    def __init__(self, known: KnownCodes, tokenizer: Tokenizer) -> None:
        self.lines = 0
        self.faults = Faults()
        self.spool = Spool()
        self.providers: dict[str, ProviderLine] = {}
        self.provider_lines: dict[str, int] = {}
        self.credit_codes: dict[str, int] = {}
        self.offerings: dict[tuple[str, str], Place] = {}
        """By external id of the provider and of the offering."""
        self.awaited: dict[str, list[int]] = {}
        """Lines by the provider they name, where no line before declares it."""
        self._known = known
        self._tokenizer = tokenizer

    def take(self, number: int, raw: bytes) -> None:
        """Read one line."""
        self.lines += 1
        try:
            found = declared(raw)
        except LineRefused as refused:
            self.faults.add(number, refused.faults)
            return
        if isinstance(found, ProviderLine):
            self._provider(number, found)
        else:
            self._offering(number, *found)

    def _provider(self, number: int, line: ProviderLine) -> None:
        self.faults.add(number, self._provider_faults(line))
        self.provider_lines.setdefault(line.external_id, number)
        self.providers[line.external_id] = line
        if line.uscc is not None:
            self.credit_codes.setdefault(line.uscc, number)

    def _provider_faults(self, line: ProviderLine) -> Iterator[FieldFault]:
        yield from provider_faults(line, self._known)
        if (before := self.provider_lines.get(line.external_id)) is not None:
            yield fault(
                "#/external_id", "repeated_external_id", value=line.external_id, line=before
            )
        elif line.uscc in self.credit_codes:
            yield fault("#/uscc", "credit_code_taken")

    def _offering(self, number: int, line: OfferingLine, attributes: Attributes | None) -> None:
        is_bad = self.faults.add(number, self._offering_faults(line, attributes))
        key = line.provider, line.external_id
        if line.provider not in self.providers:
            self.awaited.setdefault(line.provider, []).append(number)
        if is_bad:
            self.offerings.setdefault(key, Place(number, b""))
            return
        # After a fault nothing will be written: the dear part, counting tokens, is left out.
        is_lost = self.faults.found > 0
        tokens = "" if is_lost else count_tokens(line, self._tokenizer)
        ready = prepare(line, attributes, tokens=tokens)
        self.offerings[key] = Place(number, ready.content_hash)
        if not is_lost:
            self.spool.add(ready)

    def _offering_faults(
        self, line: OfferingLine, attributes: Attributes | None
    ) -> Iterator[FieldFault]:
        yield from offering_faults(line, attributes, self._known)
        if line.must is not None:
            yield from must_faults(line.must, self._known.specs, at="#/must")
        before = self.offerings.get((line.provider, line.external_id))
        if before is not None:
            yield fault(
                "#/external_id", "repeated_external_id", value=line.external_id, line=before.line
            )


async def read_file(stream: IO[bytes], known: KnownCodes, tokenizer: Tokenizer) -> FileRead:
    """Every line of ``stream`` read; other tasks get their turn in between."""
    read = FileRead(known, tokenizer)
    try:
        for number, raw in numbered(stream):
            read.take(number, raw)
            if read.lines % _LINES_BETWEEN_TURNS == 0:
                await asyncio.sleep(0)
    except BaseException:
        read.spool.close()
        raise
    return read
