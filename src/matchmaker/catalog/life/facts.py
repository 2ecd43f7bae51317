"""Facts of an offering on their way in and out: stated, checked, made ready, read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.catalog.checking import offering_faults
from matchmaker.catalog.codes import KnownCodes, known_codes
from matchmaker.catalog.declaration import (
    Case,
    OfferingDocument,
    OfferingLine,
    PackageDocument,
    PackageLine,
    Record,
)
from matchmaker.catalog.errors import UnusableDeclaration
from matchmaker.catalog.importing.prepared import count_tokens, prepare
from matchmaker.catalog.life.schemas import OfferingFacts
from matchmaker.catalog.musts import must_faults
from matchmaker.catalog.reasons import fault
from matchmaker.core.wire import Text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from matchmaker.catalog.declaration import Attributes
    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.catalog.life.queries import Version
    from matchmaker.catalog.models import Kind
    from matchmaker.catalog.texts import Tokenizer
    from matchmaker.core.errors import FieldFault
    from matchmaker.taxonomy.registry import Taxonomy

MISSING_PACKAGE: Final = "missing_package"
"""A draft may still lack packages; a version under review may not."""


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator's register says of an offering; an edit carries it on unchanged."""

    cases: tuple[Case, ...] | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Declarations:
    """What makes a version of stated facts: the codes there are, the words they are counted by."""

    known: KnownCodes
    tokenizer: Tokenizer
    text_version: str

    @classmethod
    def of(cls, taxonomy: Taxonomy, tokenizer: Tokenizer, text_version: str) -> Declarations:
        """By the codes of ``taxonomy``; its words are named ``text_version``."""
        return cls(known_codes(taxonomy), tokenizer, text_version)

    def prepared(
        self,
        stated: OfferingFacts,
        *,
        kind: Kind,
        external_id: str,
        vouched: Vouched,
        today: dt.date,
    ) -> PreparedOffering:
        """``stated`` ready to be written, checked as a line of an import is.

        Raises:
            UnusableDeclaration: with every fault; that packages are missing is none yet.
        """
        line = _line(stated, kind, external_id, vouched)
        if found := list(self.faults(line, stated.attributes, today)):
            raise UnusableDeclaration(errors=found)
        return self.counted(line, prepare(line, stated.attributes, tokens=""))

    def counted(self, line: OfferingLine, prepared: PreparedOffering) -> PreparedOffering:
        """What was prepared of ``line``, its words counted."""
        return msgspec.structs.replace(prepared, tokens=count_tokens(line, self.tokenizer))

    def faults(
        self, line: OfferingLine, attributes: Attributes | None, today: dt.date
    ) -> Iterator[FieldFault]:
        """Why ``line`` cannot be a draft; that packages are missing is no reason yet."""
        for found in offering_faults(line, attributes, self.known):
            if found.code != MISSING_PACKAGE:
                yield found
        if line.must is not None:
            yield from must_faults(line.must, self.known.specs, at="#/must")
        if attributes is not None and attributes.__struct_config__.tag != line.kind:
            yield fault("#/attributes/kind", "other_kind", kind=line.kind)
        if line.attested is not None and line.attested > today:
            yield fault("#/attested", "in_the_future")


def _line(stated: OfferingFacts, kind: Kind, external_id: str, vouched: Vouched) -> OfferingLine:
    """The facts as a line of an import would state them; whose they are is known otherwise."""
    fields = {name: getattr(stated, name) for name in OfferingFacts.__struct_fields__}
    del fields["attributes"]
    return OfferingLine(
        **fields,
        external_id=external_id,
        provider="",
        kind=kind,
        cases=vouched.cases,
        record=vouched.record,
    )


def vouched_in(document: dict[str, Any]) -> Vouched:
    """What the operator's register says in a stored document."""
    return msgspec.convert(document, Vouched)


def vouched_of(version: Version) -> Vouched:
    """What the operator's register says in the version."""
    return vouched_in(version.document)


def facts_of(version: Version) -> OfferingFacts:
    """What a stored version states."""
    return OfferingFacts(**fields_of(version))


def fields_of(version: Version) -> dict[str, Any]:
    """What a stored version states, by the names of `OfferingFacts`."""
    document = msgspec.convert(version.document, OfferingDocument)
    held = {
        name: getattr(document, name)
        for name in OfferingFacts.__struct_fields__
        if name in OfferingDocument.__struct_fields__
    }
    return {
        **held,
        "title": msgspec.convert(version.title, Text),
        "summary": msgspec.convert(version.summary, Text | None),
        "must": version.must,
        "packages": tuple(_package(stored) for stored in version.packages),
    }


def _package(stored: dict[str, Any]) -> PackageLine:
    facts = msgspec.convert(stored["document"], PackageDocument)
    return PackageLine(
        code=stored["code"],
        title=msgspec.convert(stored["title"], Text),
        **{name: getattr(facts, name) for name in PackageDocument.__struct_fields__},
    )


def comparable(version: Version) -> dict[str, Any]:
    """The version as plain JSON for a comparison, its packages by code.

    A package that moved within the list has not changed; its code says which it is.
    """
    stated = msgspec.to_builtins(facts_of(version))
    vouched = msgspec.to_builtins(vouched_of(version))
    packages = {package.pop("code"): package for package in stated["packages"]}
    known = {name: value for name, value in {**stated, **vouched}.items() if value is not None}
    return {**known, "kind": version.kind.value, "packages": packages}
