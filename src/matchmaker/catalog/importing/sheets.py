"""How providers and offerings lie in a sheet: a row for each package of an offering."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from matchmaker.catalog.declaration import ATTRIBUTES, OfferingLine, PackageLine, ProviderLine
from matchmaker.core.sheets import Children, Layout, codecs
from matchmaker.core.sheets.columns import Group, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.sheets.codecs import Cell
    from matchmaker.core.sheets.columns import Part

_PART: Final = re.compile(
    r"(?P<part>\S+) (?:(?P<amount>[0-9]{1,18})|(?P<from>[0-9]{1,18})[.][.](?P<to>[0-9]{1,18})|[?])"
    r"(?: per (?P<per>\S+))?"
)
_AMOUNTS: Final = ("amount", "from", "to")


class PricePartsCodec:
    """A price card, ``yearly 1800000|hardware 180000..260000 per machines|training ?``."""

    def encode(self, value: Any) -> Cell:  # noqa: ANN401  (what JSON holds)
        """The parts in their order; ``?`` is an amount that is not stated."""
        parts = [_said(part) for part in value]
        is_plain = parts and all(
            _read(said) == _stated(part) for said, part in zip(parts, value, strict=True)
        )
        return codecs.BETWEEN.join(parts) if is_plain else codecs.as_json(value)

    def decode(self, cell: Cell) -> Any:  # noqa: ANN401  (what JSON holds)
        """The parts in their order, or the text that says none."""
        if not isinstance(cell, str):
            return codecs.plain(cell)
        if cell.startswith("["):
            return codecs.from_json(cell)
        parts = [_read(said.strip()) for said in cell.split(codecs.BETWEEN)]
        return cell if None in parts else parts


def _said(part: dict[str, Any]) -> str:
    if part.get("from") is not None:
        amount = f"{part['from']}{codecs.RANGE}{part.get('to')}"
    else:
        amount = codecs.UNKNOWN if part.get("amount") is None else str(part["amount"])
    per = f" per {part['per']}" if part.get("per") else ""
    return f"{part['part']} {amount}{per}"


def _read(said: str) -> dict[str, Any] | None:
    found = _PART.fullmatch(said)
    if found is None:
        return None
    named = cast("dict[str, str | None]", found.groupdict())
    return {
        name: int(value) if name in _AMOUNTS else value
        for name, value in named.items()
        if value is not None
    }


def _stated(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value is not None}


def _offering() -> Iterator[Part]:
    yield from columns_of(OfferingLine, "offering", without=frozenset({"attributes", "packages"}))
    yield Group("offering.attributes", ("attributes",))
    # Facts of one name are one field, whichever kinds of offering state them.
    found = {
        part.name: part
        for kind in ATTRIBUTES.values()
        for part in columns_of(kind, "offering", path=("attributes",))
    }
    yield from found.values()


_OWN: Final = MappingProxyType({"package.price.parts": PricePartsCodec()})

PROVIDERS: Final = Layout(
    type="provider",
    sheet="providers",
    parts=columns_of(ProviderLine, "provider"),
    keys=("provider.external_id",),
)
OFFERINGS: Final = Layout(
    type="offering",
    sheet="offerings",
    parts=tuple(_offering()),
    keys=("offering.provider", "offering.external_id"),
    children=Children("packages", columns_of(PackageLine, "package", own=_OWN)),
)
