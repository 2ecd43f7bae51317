"""Published offerings as they are stored, decoded into what an index is built of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from matchmaker.catalog import texts
from matchmaker.catalog.declaration import OfferingDocument
from matchmaker.catalog.facts import field_facts
from matchmaker.core.wire import Text
from matchmaker.matching.index import PackageCard
from matchmaker.ranking import lines, price
from matchmaker.ranking.facts import Case, PriceCard, PricePart
from matchmaker.ranking.lines import Line, Said
from matchmaker.rules import parse

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from matchmaker.catalog.models import VersionId
    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.registry import Words
    from matchmaker.ranking.price import Summed
    from matchmaker.ranking.tokens import PackedCount, TokenCount

_VERIFIED: Final = "verified"
_CASES: Final = "cases"
_RECORD: Final = "record"
_PRICE: Final = "price"
_OF_ROW: Final = frozenset({"kind", "visibility"})
"""Fields of a document that are columns of its row too."""


class SplitCard(NamedTuple):
    """JSON of an `OfferingCard` around the name of the provider, which is no part of a version."""

    before: bytes
    after: bytes

    def naming(self, provider: bytes) -> bytes:
        """The card, with the name of the ``provider`` as `name_of` gives it."""
        return b"".join((self.before, provider, self.after))


class Decoded(NamedTuple):
    """What an index takes in of an offering, and what a match shows of it beside its numbers."""

    version_id: VersionId
    provider_id: OrganisationId
    line: Line
    card: SplitCard


class _Whose(msgspec.Struct, frozen=True):
    """What stands in an `OfferingCard` before the name of the provider."""

    offering_id: str
    version_id: str
    version: int
    provider_id: str


class _Shown(msgspec.Struct, frozen=True):
    """What stands in it behind that."""

    title: Text
    packages: list[PackageCard]


class _PricePart(msgspec.Struct, frozen=True, gc=False):
    part: str
    amount: int | None = None
    to: int | None = None
    per: str | None = None


class _PriceCard(msgspec.Struct, frozen=True, gc=False):
    currency: str
    parts: list[_PricePart]


class _Package(msgspec.Struct, frozen=True, gc=False):
    code: str
    title: Text
    document: dict[str, msgspec.Raw]


_TEXT: Final = msgspec.json.Decoder(Text)
_PACKAGES: Final = msgspec.json.Decoder(list[_Package])
_DOCUMENT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FIELDS: Final = {
    field.encode_name: msgspec.json.Decoder(field.type)
    for field in msgspec.structs.fields(OfferingDocument)
}
_PRICE_CARD: Final = msgspec.json.Decoder(_PriceCard)
_SCALES: Final = msgspec.json.Decoder(frozenset[str])
_STAGES: Final = msgspec.json.Decoder(tuple[str, str])
_LEVELS: Final = msgspec.json.Decoder(dict[str, tuple[int, int] | None])
_WEEKS: Final = msgspec.json.Decoder(tuple[int, int])


class OfferingDecoder:
    """Decodes offering after offering.

    What several say in the same words is decoded once and is one object, which an index codes by
    what it is and not by what it says. Packages were checked when written and are not checked
    again.
    """

    def __init__(self, stages: tuple[str, ...], words: Words) -> None:
        """Nothing decoded yet; ``stages`` is the ladder in order, ``words`` count the tokens."""
        self._stages, self._words = stages, words
        self._of_field, self._of_row, self._must = cache(_of_field), cache(_of_row), cache(_must)
        self._of_package, self._code = cache(self._said_of_package), cache(_code)

    def decode(self, row: PublishedOffering) -> Decoded:
        """``row``, whatever its provider is called and which pools it is in."""
        packages = _PACKAGES.decode(row.packages)
        title, provider_id = _TEXT.decode(row.title), str(row.organisation_id)
        offering_id = str(row.offering_id)
        said = [*self._of_row(provider_id, row.kind, row.visibility)]
        said += _dates(row.valid_from, row.valid_to, row.attested)
        if row.must is not None:
            said += self._must(row.must)
        for name, value in _DOCUMENT.decode(row.document).items():
            if name not in _OF_ROW:
                said += self._of_field(name, bytes(value))
        line = Line(
            offering_id,
            said,
            [self._package(each) for each in packages],
            [_price(each.document.get(_PRICE)) for each in packages],
            self._text(row, title, packages),
        )
        card = _split(
            _Whose(offering_id, str(row.version_id), row.number, provider_id),
            _Shown(title, [PackageCard(code=each.code, title=each.title) for each in packages]),
        )
        return Decoded(row.version_id, row.organisation_id, line, card)

    def _package(self, package: _Package) -> list[Said]:
        said = [self._code(package.code)]
        for name, value in package.document.items():
            if name != _PRICE:
                said += self._of_package(name, bytes(value))
        return said

    def _said_of_package(self, name: str, value: bytes) -> tuple[Said, ...]:
        if value == b"null":
            return ()
        if name == lines.SCALES:
            return lines.scales_said(_SCALES.decode(value))
        if name == lines.LEVELS:
            return lines.levels_said(_LEVELS.decode(value))
        if name == lines.WEEKS:
            return lines.weeks_said(_WEEKS.decode(value))
        lowest, highest = map(self._stages.index, _STAGES.decode(value))
        return lines.stages_said((lowest, highest))

    def _text(
        self, row: PublishedOffering, title: Text, packages: Sequence[_Package]
    ) -> Mapping[str, TokenCount | PackedCount]:
        """The words of ``row``, counted anew where they were counted with others."""
        if row.text_version == self._words.version:
            return texts.unpack(row.tokens)
        summary = None if row.summary is None else _TEXT.decode(row.summary)
        titles = [package.title for package in packages]
        return texts.count([title, title, summary, *titles], self._words.tokenizer)


@cache
def name_of(stored: str) -> bytes:
    """The name of a provider as a card shows it, from the JSON it is stored as."""
    return msgspec.json.encode(_TEXT.decode(stored))


def _split(whose: _Whose, shown: _Shown) -> SplitCard:
    """The halves of the card: one object less what closes it, another less what opens it."""
    before, after = msgspec.json.encode(whose)[:-1], msgspec.json.encode(shown)[1:]
    return SplitCard(before + b',"provider_name":', b"," + after)


def _of_row(provider_id: str, kind: str, visibility: str) -> tuple[Said, ...]:
    declared = lines.declared_said({"kind": kind, "visibility": visibility})
    whose = Said(lines.PROVIDER, provider_id)
    return whose, Said(lines.KIND, kind), *lines.visibility_said(visibility), *declared


@cache
def _dates(
    valid_from: dt.date | None, valid_to: dt.date | None, attested: dt.date | None
) -> tuple[Said, ...]:
    return lines.dates_said(valid_from, valid_to, attested)


def _must(value: str) -> tuple[Said, ...]:
    return (Said(lines.MUST, parse(msgspec.json.decode(value))),)


def _of_field(name: str, value: bytes) -> tuple[Said, ...]:
    """What a document states under ``name``; nothing where no index has a place for it."""
    if name not in _FIELDS:
        return ()
    stated = _FIELDS[name].decode(value)
    if stated is None:
        return ()
    if name == _CASES:
        verified = [case for case in stated if case.state == _VERIFIED]
        return lines.cases_said(Case(case.industry, frozenset(case.scenes)) for case in verified)
    declared = lines.declared_said(field_facts(name, stated))
    if name == _RECORD:
        return Said(lines.RECORD, (stated.accepted, stated.projects)), *declared
    return declared


def _code(code: str) -> Said:
    return Said(lines.CODE, code)


def _price(value: msgspec.Raw | None) -> Summed:
    """The card summed with every range at its upper end."""
    if value is None:
        return price.UNKNOWN
    card = _PRICE_CARD.decode(value)
    parts = [
        PricePart(part.part, part.to if part.amount is None else part.amount, part.per)
        for part in card.parts
    ]
    return price.summed(PriceCard(card.currency, tuple(parts)))
