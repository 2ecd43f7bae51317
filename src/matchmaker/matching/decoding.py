"""Published offerings as they are stored, decoded into what an index is built of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.catalog import texts
from matchmaker.catalog.declaration import OfferingDocument, Record
from matchmaker.catalog.facts import NO_FACTS, field_facts
from matchmaker.core.wire import Text
from matchmaker.matching.index import OfferingCard, PackageCard
from matchmaker.ranking import facts as ranked
from matchmaker.rules import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.matching.registry import Words
    from matchmaker.ranking.tokens import PackedCount, TokenCount
    from matchmaker.rules import Fact, Rule

_VERIFIED: Final = "verified"
_UNKNOWN: Final = msgspec.Raw(b"null")


class _Case(msgspec.Struct, frozen=True, gc=False):
    industry: str
    scenes: frozenset[str]
    state: str


class _PricePart(msgspec.Struct, frozen=True, gc=False):
    part: str
    amount: int | None = None
    to: int | None = None
    per: str | None = None


class _PriceCard(msgspec.Struct, frozen=True, gc=False):
    currency: str
    parts: list[_PricePart]


class _PackageDocument(msgspec.Struct, frozen=True, gc=False):
    scales: msgspec.Raw = _UNKNOWN
    stages: tuple[str, str] | None = None
    levels: msgspec.Raw = _UNKNOWN
    weeks: tuple[int, int] | None = None
    price: _PriceCard | None = None


class _Package(msgspec.Struct, frozen=True, gc=False):
    code: str
    title: Text
    document: _PackageDocument


_TEXT: Final = msgspec.json.Decoder(Text)
_PACKAGES: Final = msgspec.json.Decoder(list[_Package])
_DOCUMENT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FIELDS: Final = {
    field.encode_name: msgspec.json.Decoder(field.type)
    for field in msgspec.structs.fields(OfferingDocument)
    if field.encode_name not in NO_FACTS
}
_CASES: Final = msgspec.json.Decoder(list[_Case])
_RECORD: Final = msgspec.json.Decoder(Record | None)
_SCALES: Final = msgspec.json.Decoder(frozenset[str] | None)
_LEVELS: Final = msgspec.json.Decoder(dict[str, tuple[int, int] | None] | None)


class OfferingDecoder:
    """Decodes offering after offering.

    What several say in the same words is decoded once and held once: of 10,000 offerings seven
    eighths of what they declare. Packages were checked when written and are not checked again.
    """

    def __init__(self, stages: tuple[str, ...], words: Words) -> None:
        """Nothing decoded yet; ``stages`` is the ladder in order, ``words`` count the tokens."""
        self._stages, self._words = stages, words
        self._declared, self._name, self._must = cache(_declared), cache(_TEXT.decode), cache(_rule)
        self._record, self._ranks = cache(_record), cache(self._ranked)
        self._scales, self._levels = cache(_SCALES.decode), cache(_LEVELS.decode)

    def decode(
        self, row: PublishedOffering, pools: frozenset[str] = frozenset()
    ) -> tuple[ranked.OfferingFacts, OfferingCard]:
        """The facts of ``row`` for the index, and what a match shows of it beside its numbers.

        ``pools`` are the codes of those it is in.
        """
        packages = _PACKAGES.decode(row.packages)
        title = _TEXT.decode(row.title)
        card = OfferingCard(
            offering_id=str(row.offering_id),
            version_id=str(row.version_id),
            version=row.number,
            provider_id=str(row.organisation_id),
            provider_name=self._name(row.provider_name),
            title=title,
            packages=tuple([PackageCard(code=each.code, title=each.title) for each in packages]),
        )
        said = _DOCUMENT.decode(row.document)
        declared: dict[str, Fact] = {}
        for name, value in said.items():
            if name in _FIELDS:
                declared.update(self._declared(name, bytes(value)))
        declared["kind"], declared["visibility"] = row.kind, row.visibility
        facts = ranked.OfferingFacts(
            offering_id=card.offering_id,
            provider_id=card.provider_id,
            kind=row.kind,
            packages=tuple([self._package(each) for each in packages]),
            declared=declared,
            text=self._text(row, title, packages),
            visibility=row.visibility,
            pools=pools,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            attested=row.attested,
            must=None if row.must is None else self._must(row.must),
            cases=_cases(said["cases"]) if "cases" in said else (),
            record=self._record(bytes(said["record"])) if "record" in said else None,
        )
        return facts, card

    def _package(self, package: _Package) -> ranked.PackageFacts:
        document = package.document
        return ranked.PackageFacts(
            code=package.code,
            scales=self._scales(bytes(document.scales)) or frozenset(),
            stages=None if document.stages is None else self._ranks(document.stages),
            levels=self._levels(bytes(document.levels)) or {},
            price=None if document.price is None else _price(document.price),
            weeks=document.weeks,
        )

    def _ranked(self, stages: tuple[str, str]) -> tuple[int, int]:
        return self._stages.index(stages[0]), self._stages.index(stages[1])

    def _text(
        self, row: PublishedOffering, title: Text, packages: Sequence[_Package]
    ) -> Mapping[str, TokenCount | PackedCount]:
        """The words of ``row``, counted anew where they were counted with others."""
        if row.text_version == self._words.version:
            return texts.unpack(row.tokens)
        summary = None if row.summary is None else _TEXT.decode(row.summary)
        titles = [package.title for package in packages]
        return texts.count([title, title, summary, *titles], self._words.tokenizer)


def _declared(name: str, value: bytes) -> dict[str, Fact]:
    """The facts that a document states under ``name``."""
    return field_facts(name, _FIELDS[name].decode(value))


def _cases(value: msgspec.Raw) -> tuple[ranked.Case, ...]:
    return tuple(
        ranked.Case(case.industry, case.scenes)
        for case in _CASES.decode(value)
        if case.state == _VERIFIED
    )


def _record(value: bytes) -> tuple[int, int] | None:
    record = _RECORD.decode(value)
    return None if record is None else (record.accepted, record.projects)


def _rule(value: str) -> Rule:
    return parse(msgspec.json.decode(value))


def _price(card: _PriceCard) -> ranked.PriceCard:
    """The card with every range at its upper end."""
    return ranked.PriceCard(
        card.currency,
        tuple(
            [
                ranked.PricePart(
                    part.part, part.to if part.amount is None else part.amount, part.per
                )
                for part in card.parts
            ]
        ),
    )
