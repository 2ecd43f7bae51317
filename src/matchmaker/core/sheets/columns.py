"""The columns of a sheet, taken from the very types that its lines are read as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from msgspec import inspect

from matchmaker.core.sheets import codecs
from matchmaker.core.sheets.codecs import Codec

NO_CODECS: Final[Mapping[str, Codec]] = MappingProxyType({})

_CODECS: Final[tuple[tuple[tuple[type, ...], Codec], ...]] = (
    ((inspect.StrType, inspect.LiteralType, inspect.EnumType), codecs.TEXT),
    ((inspect.IntType, inspect.FloatType), codecs.NUMBER),
    ((inspect.BoolType,), codecs.FLAG),
    ((inspect.DateType,), codecs.DATE),
)


@dataclass(frozen=True, slots=True)
class Column:
    """Where the facts of one column, or of one column per key, stand in a line."""

    name: str
    path: tuple[str, ...]
    codec: Codec
    is_map: bool = False
    """One column per key of the object at ``path``: ``name.key``."""


@dataclass(frozen=True, slots=True)
class Group:
    """An object whose members have columns; its own cell holds what these cannot say: ``{}``."""

    name: str
    path: tuple[str, ...]


Part = Column | Group


def columns_of(
    type_: type,
    noun: str,
    *,
    path: tuple[str, ...] = (),
    own: Mapping[str, Codec] = NO_CODECS,
    without: frozenset[str] = frozenset(),
) -> list[Part]:
    """What a struct has columns for, named ``noun.member``.

    Args:
        type_: The struct.
        noun: What every name begins with.
        path: Where the struct stands in the line.
        own: Codecs of members that have a form of their own, by the name of their column.
        without: Members that have no column.
    """
    described = inspect.type_info(type_)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{type_} is no struct")
    found: list[Part] = []
    for field in described.fields:
        if field.encode_name not in without:
            name, at = f"{noun}.{field.encode_name}", (*path, field.encode_name)
            found += _parts(_known(field.type), name, at, own)
    return found


def _parts(
    type_: inspect.Type, name: str, path: tuple[str, ...], own: Mapping[str, Codec]
) -> list[Part]:
    if name in own:
        return [Column(name, path, own[name])]
    if isinstance(type_, inspect.StructType):
        return [Group(name, path), *columns_of(type_.cls, name, path=path, own=own)]
    if isinstance(type_, inspect.DictType) and not isinstance(type_.value_type, inspect.AnyType):
        return [Column(name, path, _codec(_known(type_.value_type)), is_map=True)]
    return [Column(name, path, _codec(type_))]


def _codec(type_: inspect.Type) -> Codec:
    for kinds, codec in _CODECS:
        if isinstance(type_, kinds):
            return codec
    if isinstance(type_, inspect.TupleType):
        is_of_codes = isinstance(_known(type_.item_types[0]), inspect.StrType)
        return codecs.CODE_SPAN if is_of_codes else codecs.SPAN
    if isinstance(type_, inspect.ListType | inspect.VarTupleType):
        return codecs.SET if isinstance(_known(type_.item_type), inspect.StrType) else codecs.JSON
    return codecs.JSON


def _known(type_: inspect.Type) -> inspect.Type:
    """The type of what is stated, its null and its notes apart."""
    if isinstance(type_, inspect.Metadata):
        return _known(type_.type)
    if isinstance(type_, inspect.UnionType):
        kinds: list[Any] = [
            _known(each) for each in type_.types if not isinstance(each, inspect.NoneType)
        ]
        return kinds[0] if len(kinds) == 1 else inspect.AnyType()
    return type_
