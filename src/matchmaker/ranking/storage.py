"""The index as a folder: one .npy file per array, mapped when read, and one JSON file for the rest.

Nothing in the folder is code: rules come back through the rule parser, values through their tags.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from matchmaker.ranking.columns import Column, SetColumn, ValueColumn
from matchmaker.ranking.index import CasesColumn, Index, LevelsColumn, MustsColumn
from matchmaker.ranking.price import PriceColumn
from matchmaker.ranking.text import TextIndex, TextStatistics, places
from matchmaker.rules import Fact, Span, parse, to_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT: Final = 1
_META: Final = "index.json"
Arrays = dict[str, NDArray[Any]]


class UnreadableIndex(ValueError):
    """The folder does not hold an index of this format."""


def save(index: Index, folder: Path) -> None:
    """Write ``index`` into ``folder``, which must exist and be empty."""
    arrays: Arrays = {}
    meta = {
        "format": FORMAT,
        "offering_ids": index.offering_ids,
        "provider_ids": index.provider_ids,
        "package_codes": index.package_codes,
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
    arrays |= _plain_arrays(index)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    (folder / _META).write_text(
        json.dumps(meta, ensure_ascii=False, sort_keys=True), encoding="utf-8"
    )


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
            path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
            for path in folder.glob("*.npy")
        }
        return _restore(meta, arrays)
    except (OSError, KeyError, ValueError) as error:
        raise UnreadableIndex(str(error)) from error


def _plain_arrays(index: Index) -> Arrays:
    return {
        "row_start": index.row_start,
        "offering_of_row": index.offering_of_row,
        "public": index.public,
        "valid_from": index.valid_from,
        "valid_to": index.valid_to,
        "musts.codes": index.musts.codes,
        "levels.codes": index.levels.codes,
        "levels.grid": index.levels.grid,
        "cases.codes": index.cases.codes,
        "cases.start": index.cases.start,
        "cases.group": index.cases.group,
        "cases.bits": index.cases.bits,
        "price.currency": index.price.currency,
        "price.once": index.price.once,
        "price.yearly": index.price.yearly,
        "price.counts": index.price.counts,
        "text.idf": index.text.idf,
        "text.start": index.text.start,
        "text.offering": index.text.offering,
        "text.impact": index.text.impact,
    }


def _restore(meta: Mapping[str, Any], arrays: Arrays) -> Index:
    ids = tuple(meta["offering_ids"])
    trees = tuple(tuple(parse(data) for data in tree) for tree in meta["musts"])
    declared = {
        name: _get(entry, f"declared.{name}", arrays) for name, entry in meta["declared"].items()
    }
    known = meta["statistics"]
    return Index(
        offering_ids=ids,
        places=places(ids),
        provider_ids=tuple(meta["provider_ids"]),
        package_codes=tuple(meta["package_codes"]),
        row_start=arrays["row_start"],
        offering_of_row=arrays["offering_of_row"],
        kind=_values(meta["kind"], "kind", arrays),
        public=arrays["public"],
        pools=_sets(meta["pools"], "pools", arrays),
        valid_from=arrays["valid_from"],
        valid_to=arrays["valid_to"],
        musts=MustsColumn(arrays["musts.codes"], trees),
        declared=declared,
        rows={name: _get(entry, f"rows.{name}", arrays) for name, entry in meta["rows"].items()},
        stages=_values(meta["stages"], "stages", arrays),
        levels=LevelsColumn(arrays["levels.codes"], tuple(meta["scenes"]), arrays["levels.grid"]),
        cases=_cases(meta, arrays),
        record=_values(meta["record"], "record", arrays),
        attested=_values(meta["attested"], "attested", arrays),
        price=_price(meta, arrays),
        text=_text(meta, arrays),
        statistics=TextStatistics(known["offerings"], known["average_length"], known["holding"]),
    )


def _cases(meta: Mapping[str, Any], arrays: Arrays) -> CasesColumn:
    return CasesColumn(
        arrays["cases.codes"],
        tuple(meta["groups"]),
        tuple(meta["scenes"]),
        arrays["cases.start"],
        arrays["cases.group"],
        arrays["cases.bits"],
    )


def _price(meta: Mapping[str, Any], arrays: Arrays) -> PriceColumn:
    return PriceColumn(
        tuple(meta["currencies"]),
        arrays["price.currency"],
        arrays["price.once"],
        arrays["price.yearly"],
        arrays["price.counts"],
    )


def _text(meta: Mapping[str, Any], arrays: Arrays) -> TextIndex:
    tokens = tuple(meta["tokens"])
    return TextIndex(
        tokens,
        places(tokens),
        arrays["text.idf"],
        arrays["text.start"],
        arrays["text.offering"],
        arrays["text.impact"],
    )


def _put(column: Column, name: str, arrays: Arrays) -> dict[str, object]:
    """The part of ``column`` that is no array; its arrays go into ``arrays``."""
    arrays[f"{name}.codes"] = column.codes
    if isinstance(column, SetColumn):
        arrays[f"{name}.start"] = column.start
        arrays[f"{name}.members"] = column.members
        return {"names": column.names}
    if isinstance(column, ValueColumn):
        return {"values": [_tagged(value) for value in column.values]}
    raise TypeError(f"{column!r} has no form on disk")


def _get(entry: Mapping[str, Any], name: str, arrays: Arrays) -> Column:
    return _sets(entry, name, arrays) if "names" in entry else _values(entry, name, arrays)


def _sets(entry: Mapping[str, Any], name: str, arrays: Arrays) -> SetColumn:
    return SetColumn(
        arrays[f"{name}.codes"],
        tuple(entry["names"]),
        arrays[f"{name}.start"],
        arrays[f"{name}.members"],
    )


def _values(entry: Mapping[str, Any], name: str, arrays: Arrays) -> ValueColumn:
    return ValueColumn(
        arrays[f"{name}.codes"], tuple(_untagged(value) for value in entry["values"])
    )


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
