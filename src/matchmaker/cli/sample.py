"""The firms and needs of the demo, which of them it tells about, and their facts in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from matchmaker.cli import texts
from matchmaker.core import shipped
from matchmaker.core.wire import Text
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import Amount, ProfileFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matchmaker.cli.show import Page
    from matchmaker.core.language import Language
    from matchmaker.taxonomy.fields import FieldCatalogue

SMES: Final = "smes.jsonl"
NEEDS: Final = "needs.jsonl"
FIRM: Final = "sme-grey-otter"
NEED: Final = "need-grey-otter-cutting"
IN_ENGLISH: Final = (
    "We make aluminium windows and doors, dozens of sizes to an order. Once the drawing is done, "
    "somebody copies out the cutting list by hand, and one wrong figure turns a whole bar into "
    "scrap. Nobody on the floor knows whose order to cut first, so I spend the day shouting. I "
    "want the drawing to give the cutting list and the saw sequence by itself, and the workshop "
    "to read its jobs from a tablet. Nothing complicated: two of us can use a computer."
)
"""The need as the same owner would put it in English; the pool has it in Chinese."""
NEED_IN_ENGLISH: Final = f"{NEED}-en"
"""Its name of its own: told in turns, neither text makes a new version of the other."""
_LATER: Final = dt.timedelta(weeks=52)
_TOLD_APART: Final = frozenset({"scenes", "goals", "scale", "must"})


class SmeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of smes.jsonl."""

    external_id: str
    name: Text
    profile: ProfileFacts


class NeedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of needs.jsonl."""

    external_id: str
    profile: str
    """The firm it belongs to."""
    need: NeedFacts


Row = TypeVar("Row", SmeLine, NeedLine)


class SampleMissing(Exception):
    """The demo pool lacks what the demo tells about; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A fictional firm with one of its needs."""

    firm: SmeLine
    need: NeedLine


def load(language: Language, today: dt.date) -> Sample:
    """The firm of the demo with its need, told in ``language`` on ``today``.

    Raises:
        SampleMissing: the demo pool has no such firm or need.
    """
    firm = _named(FIRM, firms(), SMES)
    need = _named(NEED, needs(today), NEEDS)
    if language == "en":
        facts = msgspec.structs.replace(need.need, text=IN_ENGLISH)
        need = msgspec.structs.replace(need, external_id=NEED_IN_ENGLISH, need=facts)
    return Sample(firm, need)


def firms() -> list[SmeLine]:
    """Every firm of the demo pool."""
    return _lines(SMES, SmeLine)


def needs(today: dt.date) -> list[NeedLine]:
    """Every need of the demo pool; a date that has passed is put off, 52 weeks at a time."""
    return [
        msgspec.structs.replace(line, need=_ahead(line.need, today))
        for line in _lines(NEEDS, NeedLine)
    ]


def _ahead(need: NeedFacts, today: dt.date) -> NeedFacts:
    date = need.ready_by
    while date is not None and date < today:
        date += _LATER
    return msgspec.structs.replace(need, ready_by=date)


def known_facts(
    profile: ProfileFacts, fields: FieldCatalogue, page: Page
) -> Iterator[tuple[str, str]]:
    """The stated facts in words, with their labels."""
    for name in _plain_names(profile):
        if not _is_missing(value := getattr(profile, name)):
            field = f"profile.{name}"
            yield _label(field, fields, page), _said(field, value, fields, page)
    for name, text in (("goals", None), ("scenes", texts.SCENES)):
        stated = getattr(profile, name) or {}
        if stated:
            field = f"profile.{name}"
            parts = [
                page.words(
                    texts.COLON,
                    label=_name_of(name, code, fields, page),
                    value=fields.words(page.language).value(f"{field}.{code}", value),
                )
                for code, value in stated.items()
            ]
            label = _label(field, fields, page) if text is None else page.words(text)
            yield label, "\n".join(parts)


def missing_facts(profile: ProfileFacts, fields: FieldCatalogue, page: Page) -> list[str]:
    """The labels of the facts that were not stated."""
    names = [
        _label(f"profile.{name}", fields, page)
        for name in _plain_names(profile)
        if _is_missing(getattr(profile, name))
    ]
    scenes = len(fields.taxonomy.scheme("sme_scene").entries) - len(profile.scenes or {})
    if scenes:
        names.append(page.words(texts.OTHER_SCENES, count=scenes))
    return names


def lines(file: str) -> list[bytes]:
    """The lines of a file of the demo pool."""
    return (shipped.folder("seeds") / "demo" / file).read_bytes().splitlines()


def _lines(file: str, of: type[Row]) -> list[Row]:
    return [msgspec.json.decode(line, type=of) for line in lines(file)]


def _named(code: str, lines: Iterable[Row], file: str) -> Row:
    for line in lines:
        if line.external_id == code:
            return line
    raise SampleMissing(texts.SAMPLE_MISSING.en.format(file=file, code=code))


def _plain_names(profile: ProfileFacts) -> list[str]:
    return [name for name in profile.__struct_fields__ if name not in _TOLD_APART]


def _is_missing(value: object) -> bool:
    return value is None or value == []


def _label(field: str, fields: FieldCatalogue, page: Page) -> str:
    label = fields.get(field).label
    return label.zh if page.language == "zh" else label.en


def _said(field: str, value: object, fields: FieldCatalogue, page: Page) -> str:
    if isinstance(value, Amount):
        words = fields.words(page.language, currency=value.currency)
        return words.value(f"{field}.amount", value.amount)
    words = fields.words(page.language)
    if isinstance(value, list):
        return page.words(texts.BETWEEN).join(words.value(field, each) for each in value)
    return words.value(field, value)


def _name_of(name: str, code: str, fields: FieldCatalogue, page: Page) -> str:
    scheme = {"goals": "goal", "scenes": "sme_scene"}[name]
    return fields.taxonomy.name(scheme, code, page.language)
