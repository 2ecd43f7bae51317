"""The firm and the need that the demo tells about, and the facts of the firm in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from matchmaker.cli import texts
from matchmaker.core import shipped
from matchmaker.core.wire import Text
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import Amount, ProfileFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matchmaker.cli.show import Page
    from matchmaker.core.language import Language
    from matchmaker.taxonomy.fields import FieldCatalogue

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
_TOLD_APART: Final = frozenset({"scenes", "goals", "scale", "must"})


class SmeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of smes.jsonl."""

    external_id: str
    name: Text
    profile: ProfileFacts


class NeedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of needs.jsonl."""

    external_id: str
    need: NeedFacts


Row = TypeVar("Row", SmeLine, NeedLine)


class SampleMissing(Exception):
    """The demo pool lacks what the demo tells about; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A fictional firm with one of its needs."""

    name: Text
    profile: ProfileFacts
    need: NeedFacts


def load(language: Language) -> Sample:
    """The firm of the demo with its need, told in ``language``.

    Raises:
        SampleMissing: the demo pool has no such firm or need.
    """
    folder = shipped.folder("seeds") / "demo"
    firm = _line(folder / "smes.jsonl", SmeLine, FIRM)
    need = _line(folder / "needs.jsonl", NeedLine, NEED).need
    if language == "en":
        need = msgspec.structs.replace(need, text=IN_ENGLISH)
    return Sample(firm.name, firm.profile, need)


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


def _line(file: Path, of: type[Row], code: str) -> Row:
    for line in file.read_bytes().splitlines():
        found = msgspec.json.decode(line, type=of)
        if found.external_id == code:
            return found
    raise SampleMissing(texts.SAMPLE_MISSING.en.format(file=file.name, code=code))


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
