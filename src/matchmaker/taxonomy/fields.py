"""The field catalogue: what a field is, for rules, forms and questions, and how it is said."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from matchmaker.rules.finding import FieldKind
from matchmaker.taxonomy import region, writing
from matchmaker.taxonomy.documents import Text
from matchmaker.taxonomy.errors import FieldNotFound, SeedBroken
from matchmaker.taxonomy.registry import INDUSTRY, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matchmaker.core.language import Language
    from matchmaker.rules import Facts
    from matchmaker.taxonomy.documents import FieldDefinition
    from matchmaker.taxonomy.entries import Entry
    from matchmaker.taxonomy.registry import Taxonomy

ALL: Final = "all"
DEFAULT_CURRENCY: Final = "CNY"
_EACH: Final = ".*"
_PER_ONE: Final = {"basis_point": 10_000, "share": 1}
_ANY: Final = Text(zh="不限", en="any")
_FLAGS: Final = {True: Text(zh="是", en="yes"), False: Text(zh="否", en="no")}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleField:
    """The part of a field that the linter of rules reads."""

    kind: FieldKind
    codes: frozenset[str] | None
    minimum: int | float | None
    maximum: int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field under its full name; ``rule`` is null where no rule can read it."""

    name: str
    definition: FieldDefinition
    label: Text
    question: Text
    phrase: str
    rule: RuleField | None

    @property
    def owner(self) -> str:
        """The noun that the fact belongs to: offering, package, profile or need."""
        return self.name.partition(".")[0]


class FieldCatalogue:
    """All fields by name, in the order of the catalogue's file."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Expand and check the definitions.

        Raises:
            SeedBroken: a definition names a scheme or field that does not exist, or stands twice.
        """
        self.taxonomy = taxonomy
        found: dict[str, Field] = {}
        for definition in taxonomy.field_definitions:
            for field in _fields(definition, taxonomy):
                if field.name in found:
                    raise SeedBroken(f"the field '{field.name}' stands twice")
                found[field.name] = field
        self._fields: Mapping[str, Field] = MappingProxyType(found)
        for field in self:
            if field.definition.money is not None and field.definition.money not in found:
                raise SeedBroken(f"{field.name}: '{field.definition.money}' is not a field")

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def get(self, name: str) -> Field:
        """The field of this full name.

        Raises:
            FieldNotFound: the catalogue has none.
        """
        found = self._fields.get(name)
        if found is None:
            raise FieldNotFound.of(name)
        return found

    def spec(self, name: str) -> RuleField | None:
        """What the linter of rules reads of a field; null where no rule can read it."""
        found = self._fields.get(name)
        return None if found is None else found.rule

    def question(self, name: str, language: Language) -> str:
        """The question that asks for the field.

        Raises:
            FieldNotFound: the catalogue has none.
        """
        return _say(self.get(name).question, language)

    def words(
        self, language: Language, *, currency: str = DEFAULT_CURRENCY, facts: Facts | None = None
    ) -> FieldWords:
        """The words of ``language`` for sentences.

        An amount is in the currency that ``facts`` name for its field, else in ``currency``.
        """
        return FieldWords(self, language, currency, facts or _no_facts)


class FieldWords:
    """Fields and their values in one language (the ``Words`` of ``matchmaker.rules.sentence``)."""

    def __init__(
        self, catalogue: FieldCatalogue, language: Language, currency: str, facts: Facts
    ) -> None:
        self._catalogue = catalogue
        self._facts = facts
        self._taxonomy = catalogue.taxonomy
        self._currency = catalogue.taxonomy.entry("currency", currency)
        self._language: Language = language

    @property
    def language(self) -> Language:
        """The language of every word."""
        return self._language

    def field(self, name: str) -> str:
        """The field as a noun phrase; an unknown name as it stands."""
        if name not in self._catalogue:
            return name
        found = self._catalogue.get(name)
        return found.label.zh if self._language == "zh" else found.phrase

    def value(self, field: str, value: object) -> str:
        """One value of the field as a reader says it; what has no wording as it stands."""
        if value == ALL:
            return _say(_ANY, self._language)
        if isinstance(value, bool):
            return _say(_FLAGS[value], self._language)
        found = self._catalogue.get(field).definition if field in self._catalogue else None
        if isinstance(value, int | float):
            return self._number(found, Decimal(str(value)))
        if isinstance(value, dt.date):
            return writing.day(value, self._language)
        if isinstance(value, str) and found is not None:
            return self._text(found, value)
        return str(value)

    def _text(self, field: FieldDefinition, value: str) -> str:
        if field.type == "date":
            return self._day(value)
        if field.vocabulary is None:
            return value
        code = value
        if field.vocabulary == REGION:
            code = region.normalise(self._taxonomy, value) or value
            if code not in self._taxonomy.scheme(REGION):
                code = region.prefecture(self._taxonomy, code) or code
        name = self._taxonomy.name(field.vocabulary, code, self._language)
        needs_code = field.vocabulary == INDUSTRY and name != code and not name.endswith(")")
        return self._coded(name, code) if needs_code else name

    def _day(self, value: str) -> str:
        try:
            return writing.day(dt.date.fromisoformat(value), self._language)
        except ValueError:
            return value

    def _coded(self, name: str, code: str) -> str:
        return f"{name}（{code}）" if self._language == "zh" else f"{name} ({code})"

    def _number(self, field: FieldDefinition | None, value: Decimal) -> str:
        plain = writing.number(value)
        if field is None or field.unit is None:
            return plain
        if field.vocabulary is not None and plain in self._taxonomy.scheme(field.vocabulary):
            return self._taxonomy.name(field.vocabulary, plain, self._language)
        if field.unit == "minor_unit":
            return self._money(value, self._currency_of(field))
        return self._measured(field.unit, value)

    def _currency_of(self, field: FieldDefinition) -> Entry:
        code = None if field.money is None else self._facts(field.money)
        currencies = self._taxonomy.scheme("currency")
        return (
            currencies.entry(code)
            if isinstance(code, str) and code in currencies
            else self._currency
        )

    def _measured(self, unit: str, value: Decimal) -> str:
        plain = writing.number(value)
        if unit in _PER_ONE:
            return writing.percent(value / _PER_ONE[unit])
        if unit == "year":
            plain = f"{value:f}"
        entry = self._taxonomy.entry("field_unit", unit)
        if self._language == "zh":
            return f"{plain}{entry.labels.either('zh', '')}"
        word = entry.extra["one"] if value == 1 else entry.labels.either("en", "")
        return str(entry.extra.get("pattern") or "{number} {word}").format(number=plain, word=word)

    def _money(self, value: Decimal, currency: Entry) -> str:
        digits = currency.extra["digits"]
        whole = value.scaleb(-digits) if isinstance(digits, int) else value
        return writing.money(
            whole,
            self._language,
            currency=currency.code,
            unit_zh=str(currency.extra["unit_zh"]),
        )


def _no_facts(_: str) -> None:
    return None


def _say(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def _fields(definition: FieldDefinition, taxonomy: Taxonomy) -> Iterator[Field]:
    """The field of a definition, or one per code where its name ends in ``.*``."""
    rule = _rule(definition, taxonomy)
    if not definition.name.endswith(_EACH):
        phrase = definition.phrase or f"the {definition.label.en}"
        yield Field(
            name=definition.name,
            definition=definition,
            label=definition.label,
            question=definition.question,
            phrase=phrase,
            rule=rule,
        )
        return
    if definition.keys is None:
        raise SeedBroken(f"{definition.name}: no keys")
    for code, entry in taxonomy.scheme(definition.keys).entries.items():
        names = Text(zh=entry.labels.either("zh", code), en=entry.labels.either("en", code))
        label = _filled(definition.label, names)
        yield Field(
            name=definition.name.removesuffix("*") + code,
            definition=definition,
            label=label,
            question=_filled(definition.question, names),
            phrase=f"the {label.en}",
            rule=rule,
        )


def _filled(text: Text, names: Text) -> Text:
    return Text(zh=text.zh.format(label=names.zh), en=text.en.format(label=names.en))


def _rule(definition: FieldDefinition, taxonomy: Taxonomy) -> RuleField | None:
    read = taxonomy.entry("field_type", definition.type).extra["rule"]
    for scheme in (definition.vocabulary, definition.keys):
        if scheme is not None and scheme not in taxonomy.schemes:
            raise SeedBroken(f"{definition.name}: '{scheme}' is not a scheme")
    # The words of an offering are for the text feature: no index column holds them.
    is_wording = definition.type == "text" and definition.name.startswith(("offering.", "package."))
    if read is None or is_wording:
        return None
    kind = FieldKind(str(read))
    has_codes = kind in {FieldKind.SET, FieldKind.CODE} and definition.vocabulary is not None
    return RuleField(
        kind=kind,
        codes=taxonomy.codes(definition.vocabulary)
        if has_codes and definition.vocabulary
        else None,
        minimum=definition.minimum,
        maximum=definition.maximum,
    )
