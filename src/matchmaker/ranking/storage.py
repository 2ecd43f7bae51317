"""The index as a folder: one .npy file per array, mapped when read, and one JSON file for the rest.

Nothing in the folder is code: rules come back through the rule parser, values through their tags.
"""

from __future__ import annotations

import datetime as dt
import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.columns import Column, SetColumn, ValueColumn, placed, values_of
from matchmaker.ranking.index import CasesColumn, Index, LevelsColumn, MustsColumn
from matchmaker.ranking.planes import Planes
from matchmaker.ranking.price import PriceColumn
from matchmaker.ranking.text import TextIndex, TextStatistics
from matchmaker.ranking.texts import CodedTexts, FixedTexts
from matchmaker.rules import Fact, Span, parse, to_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 2
_META: Final = "index.json"
Arrays = dict[str, NDArray[Any]]
_CASES: Final = ("codes", "start", "of", "bits")
_PRICE: Final = ("currency", "flat", "yearly", "units", "per", "counts")
_TEXT: Final = ("idf", "start", "offering", "impact", "row", "dense", "held")
_ARRAYS: Final = (
    *("offering_ids.texts", "by_id", "provider_ids.codes", "public", "valid_from", "valid_to"),
    *("musts.codes", "levels.codes", "levels.grid"),
    *(f"cases.{name}" for name in _CASES),
    *(f"price.{name}" for name in _PRICE),
    *(f"text.{name}" for name in _TEXT),
)
"""Where the arrays of an index are that no column of values or sets holds."""


class UnreadableIndex(ValueError):
    """The folder does not hold an index of this format."""


def save(index: Index, folder: Path) -> None:
    """Write ``index`` into ``folder``, which must exist and be empty."""
    meta, arrays = parts(index)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / _META).write_text(meta, encoding="utf-8")


def parts(index: Index) -> tuple[str, Arrays]:
    """All that a folder holds of ``index``: the text of its description, and arrays by name."""
    arrays: Arrays = {}
    meta = {
        "format": FORMAT,
        "planes": index.planes.counts,
        "providers": index.provider_ids.names,
        "kind": _put(index.kind, "kind", arrays),
        "pools": _put(index.pools, "pools", arrays),
        "musts": [[to_data(rule) for rule in tree] for tree in index.musts.trees],
        "declared": {
            name: _put(column, f"declared.{name}", arrays)
            for name, column in index.declared.items()
        },
        "rows": {name: _put(column, f"rows.{name}", arrays) for name, column in index.rows.items()},
        "stages": _put(index.stages, "stages", arrays),
        "scenes": index.levels.scenes,
        "groups": index.cases.groups,
        "cases": index.cases.lists,
        "record": _put(index.record, "record", arrays),
        "attested": _put(index.attested, "attested", arrays),
        "currencies": index.price.currencies,
        "tokens": index.text.tokens,
        "statistics": {
            "offerings": index.statistics.offerings,
            "average_length": index.statistics.average_length,
            "holding": index.statistics.holding,
        },
    }
    arrays |= {name: attrgetter(name)(index) for name in _ARRAYS}
    return json.dumps(meta, ensure_ascii=False, sort_keys=True), arrays


def load(folder: Path) -> Index:
    """The index in ``folder``, its arrays mapped read-only.

    Raises:
        UnreadableIndex: a file is missing, or it was written in another format.
    """
    try:
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise UnreadableIndex(f"format {meta['format']}, not {FORMAT}")
        arrays = {
            # As a plain array: np.memmap costs a call to Python with every slice.
            path.stem: np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
            for path in folder.glob("*.npy")
        }
        return _restore(meta, arrays)
    except (OSError, KeyError, ValueError) as error:
        raise UnreadableIndex(str(error)) from error


def _restore(meta: Mapping[str, Any], arrays: Arrays) -> Index:
    known, rows = meta["statistics"], _columns(meta["rows"], "rows", arrays)
    return Index(
        offering_ids=FixedTexts(arrays["offering_ids.texts"]),
        by_id=arrays["by_id"],
        provider_ids=CodedTexts(arrays["provider_ids.codes"], meta["providers"]),
        planes=Planes(tuple(meta["planes"])),
        kind=_values(meta["kind"], "kind", arrays),
        public=arrays["public"],
        pools=_sets(meta["pools"], "pools", arrays),
        valid_from=arrays["valid_from"],
        valid_to=arrays["valid_to"],
        musts=MustsColumn(
            arrays["musts.codes"],
            tuple(tuple(parse(data) for data in tree) for tree in meta["musts"]),
        ),
        declared=_columns(meta["declared"], "declared", arrays),
        rows=rows,
        stages=_values(meta["stages"], "stages", arrays),
        levels=LevelsColumn(arrays["levels.codes"], tuple(meta["scenes"]), arrays["levels.grid"]),
        cases=CasesColumn(
            groups=tuple(meta["groups"]),
            scenes=tuple(meta["scenes"]),
            lists=meta["cases"],
            **{name: arrays[f"cases.{name}"] for name in _CASES},
        ),
        record=_values(meta["record"], "record", arrays),
        attested=_values(meta["attested"], "attested", arrays),
        price=PriceColumn(
            currencies=tuple(meta["currencies"]),
            **{name: arrays[f"price.{name}"] for name in _PRICE},
        ),
        text=TextIndex(
            tokens=tuple(meta["tokens"]),
            place=placed(meta["tokens"]),
            **{name: arrays[f"text.{name}"] for name in _TEXT},
        ),
        statistics=TextStatistics(known["offerings"], known["average_length"], known["holding"]),
    )


def _put(column: Column, name: str, arrays: Arrays) -> dict[str, object]:
    """The part of ``column`` that is no array; its arrays go into ``arrays``."""
    arrays[f"{name}.codes"] = column.codes
    if isinstance(column, SetColumn):
        arrays[f"{name}.members"] = column.members
        return {"names": column.names, "planes": column.planes.counts}
    if isinstance(column, ValueColumn):
        return {"values": [_tagged(value) for value in column.values]}
    raise TypeError(f"{column!r} has no form on disk")


def _columns(entries: Mapping[str, Any], owner: str, arrays: Arrays) -> dict[str, Column]:
    return {
        name: (_sets if "names" in entry else _values)(entry, f"{owner}.{name}", arrays)
        for name, entry in entries.items()
    }


def _sets(entry: Mapping[str, Any], name: str, arrays: Arrays) -> SetColumn:
    return SetColumn(
        arrays[f"{name}.codes"],
        tuple(entry["names"]),
        Planes(tuple(entry["planes"])),
        arrays[f"{name}.members"],
        placed(entry["names"]),
    )


def _values(entry: Mapping[str, Any], name: str, arrays: Arrays) -> ValueColumn:
    return values_of(arrays[f"{name}.codes"], map(_untagged, entry["values"]))


def _tagged(fact: Fact) -> object:
    if isinstance(fact, Span):
        return {"span": [fact.low, fact.high]}
    if isinstance(fact, dt.date):
        return {"date": fact.isoformat()}
    return sorted(fact) if isinstance(fact, frozenset) else fact


def _untagged(value: Any) -> Fact:  # noqa: ANN401 - what JSON gives
    if isinstance(value, dict):
        tagged = cast("dict[str, Any]", value)
        return Span(*tagged["span"]) if "span" in tagged else dt.date.fromisoformat(tagged["date"])
    plain: bool | float | str | None = value
    return plain
