"""How the lines of one type lie in a sheet: a line as rows of named cells, and rows as a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from matchmaker.core import faults
from matchmaker.core.sheets import codecs
from matchmaker.core.sheets.codecs import UNKNOWN, Cell
from matchmaker.core.sheets.columns import Column, Group, Part

TYPE: Final = "type"
NOTHING: Final = "{}"
"""The cell of an object that is there and says nothing."""
Row = dict[str, Cell]
"""The cells of a row that are not blank, by the name of their column; texts are open."""
Keys = Callable[[str], Sequence[str]]
"""The known keys of a map, by the name of its column."""


@dataclass(frozen=True)
class Children:
    """What repeats within a line and takes one row each."""

    member: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Place:
    """One column as a header names it: what it is, and which key of a map."""

    part: Part
    key: str | None = None
    is_of_child: bool = False


@dataclass(frozen=True)
class Layout:
    """The sheet of the lines of one ``type``.

    Rows after the first of a line repeat the cells of ``keys`` and leave the rest of it blank.
    """

    type: str
    sheet: str
    parts: Sequence[Part]
    keys: Sequence[str]
    """The columns that tell one line from another; the first one is the first of the sheet."""
    children: Children | None = None

    @cached_property
    def _places(self) -> Mapping[str, Place]:
        found = {part.name: Place(part) for part in self.parts}
        if self.children is not None:
            found |= {part.name: Place(part, is_of_child=True) for part in self.children.parts}
        return found

    def header(self, keys: Keys) -> list[str]:
        """Every column, maps with the keys that are known."""
        named = [*self.keys]
        for name, place in self._places.items():
            if isinstance(place.part, Group) or name in self.keys:
                continue
            named += [f"{name}.{key}" for key in keys(name)] if place.part.is_map else [name]
        return named

    def place(self, name: str) -> Place | None:
        """What the column of this name is; None if there is none."""
        if name in self._places:
            return self._places[name]
        for known, place in self._places.items():
            if isinstance(place.part, Column) and place.part.is_map:
                key = name.removeprefix(f"{known}.")
                if key and key != name:
                    return Place(place.part, key, place.is_of_child)
        return None

    def rows(self, line: Mapping[str, Any]) -> Iterator[Row]:
        """``line`` as rows, its texts not guarded."""
        first = dict(_cells(self.parts, line))
        if self.children is None:
            yield first
            return
        repeated = {name: first[name] for name in self.keys if name in first}
        inner: list[Any] = line.get(self.children.member) or [{}]
        for position, child in enumerate(inner):
            yield {**(repeated if position else first), **dict(_cells(self.children.parts, child))}

    def continues(self, row: Row, first: Row) -> bool:
        """Whether ``row`` is a further row of the line that ``first`` begins."""
        if self.children is None or any(
            name not in row or row[name] != first.get(name) for name in self.keys
        ):
            return False
        return self.has_child(row) and all(
            first.get(name) == cell or self._is_of_child(name) for name, cell in row.items()
        )

    def has_child(self, row: Row) -> bool:
        """Whether ``row`` says anything of what repeats within a line."""
        return any(map(self._is_of_child, row))

    def line(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The line of ``rows``, the first of which begins it.

        Raises:
            RowRefused: a cell cannot be a fact of its column.
        """
        found: dict[str, Any] = {TYPE: self.type}
        inner: list[dict[str, Any]] = []
        for position, row in enumerate(rows):
            child: dict[str, Any] = {}
            for name, cell in row.items():
                place = self.place(name)
                if place is None:
                    continue
                if place.is_of_child or not position:
                    root = f"#/{self._member}/{len(inner)}" if place.is_of_child else "#"
                    target = child if place.is_of_child else found
                    try:
                        _put(target, place, cell)
                    except codecs.CellRefused as refused:
                        raise RowRefused(
                            position, name, _pointer(root, place), refused
                        ) from refused
            if child:
                inner.append(child)
        if self.children is not None:
            found[self._member] = inner
        return found

    @property
    def _member(self) -> str:
        return "" if self.children is None else self.children.member

    def pointed(self, pointer: str) -> tuple[int, str | None]:
        """The row of a line, from 0, and the column that a JSON pointer leads to."""
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        row, parts = 0, self.parts
        if self.children is not None and steps[:1] == (self.children.member,):
            row = int(steps[1]) if len(steps) > 1 and steps[1].isdecimal() else 0
            steps, parts = steps[2:], self.children.parts
        best: Part | None = None
        for part in parts:
            is_on_the_way = steps[: len(part.path)] == part.path
            if is_on_the_way and (best is None or len(part.path) > len(best.path)):
                best = part
        if best is None:
            return row, None
        if isinstance(best, Column) and best.is_map and len(steps) > len(best.path):
            return row, f"{best.name}.{steps[len(best.path)]}"
        return row, best.name

    def _is_of_child(self, name: str) -> bool:
        place = self.place(name)
        return place is not None and place.is_of_child


class RowRefused(Exception):
    """A cell of a row cannot be a fact of its column."""

    def __init__(self, position: int, name: str, pointer: str, refused: codecs.CellRefused) -> None:
        super().__init__(name)
        self.position = position
        self.name = name
        self.pointer = pointer
        self.refused = refused


def _cells(parts: Sequence[Part], line: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for part in parts:
        value = _at(line, part.path)
        if value is None:
            continue
        if isinstance(part, Group):
            if all(member is None for member in value.values()):
                yield part.name, NOTHING
        elif not part.is_map:
            yield part.name, part.codec.encode(value)
        elif not value:
            yield part.name, NOTHING
        else:
            for key, each in value.items():
                cell = UNKNOWN if each is None else part.codec.encode(each)
                yield f"{part.name}.{key}", cell


def _at(line: Mapping[str, Any], path: Sequence[str]) -> Any:  # noqa: ANN401  (what JSON holds)
    found: Any = line
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _pointer(root: str, place: Place) -> str:
    return "/".join([root, *map(faults.escape, place.part.path)])


def _put(line: dict[str, Any], place: Place, cell: Cell) -> None:
    value = _value(place, cell)
    *steps, last = place.part.path if place.key is None else (*place.part.path, place.key)
    for step in steps:
        inner = line.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        line = inner
    if isinstance(value, dict) and isinstance(line.get(last), dict):
        line[last] = {**value, **line[last]}
    else:
        line[last] = value


def _value(place: Place, cell: Cell) -> Any:  # noqa: ANN401  (what JSON holds)
    part = place.part
    if isinstance(part, Group) or (part.is_map and place.key is None):
        return codecs.JSON.decode(cell)
    if place.key is not None and cell == UNKNOWN:
        return None
    return part.codec.decode(cell)
