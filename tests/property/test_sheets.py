"""JSON Lines as CSV or XLSX and back again: no valid line loses anything."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from matchmaker.catalog.declaration import ATTRIBUTES, OfferingLine, ProviderLine
from matchmaker.catalog.importing.lines import declared as catalog_line
from matchmaker.catalog.importing.sheets import OFFERINGS, PROVIDERS
from matchmaker.core.sheets import FileFormat, Layout, read_lines, write_lines
from matchmaker.core.sheets.lines import declared
from matchmaker.demand.exchange import NEEDS, NeedLine
from matchmaker.enterprise.exchange import PROFILES, ProfileLine

CODE = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}", fullmatch=True)
AWKWARD = st.sampled_from(
    ["", "'", "''", "=1+1", "'=1", "-5", "+5", "@x", "[]", "{}", "?", "#", "1", "true"]
)
TEXT = st.one_of(
    AWKWARD,
    st.text(
        st.characters(
            codec="utf-8",
            exclude_categories=["Cs", "Cc"],
            exclude_characters="\ufffe\uffff",
            include_characters="\t\n",
        ),
        max_size=20,
    ),
)
LINE = TEXT.filter(lambda text: text and "\n" not in text and "\t" not in text)
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
LEAVES: dict[type, st.SearchStrategy[Any]] = {
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.AnyType: JSON,
    inspect.DateType: st.dates().map(str),
}


def drawn(type_: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911  (a case each)
    """JSON of values of ``type_``."""
    match type_:
        case inspect.Metadata():
            return drawn(type_.type)
        case inspect.UnionType():
            return st.one_of(*map(drawn, type_.types))
        case inspect.StrType():
            return text(type_)
        case inspect.IntType():
            return st.integers(type_.ge if type_.ge is not None else 0, type_.le or 2**53)
        case inspect.FloatType():
            return st.floats(0, 1)
        case inspect.LiteralType():
            return st.sampled_from(sorted(type_.values, key=str))
        case inspect.EnumType():
            return st.sampled_from([member.value for member in type_.cls])
        case inspect.ListType() | inspect.VarTupleType():
            return st.lists(drawn(type_.item_type), max_size=3)
        case inspect.TupleType():
            return st.tuples(*map(drawn, type_.item_types)).map(list)
        case inspect.DictType():
            keys = TEXT if isinstance(type_.value_type, inspect.AnyType) else CODE
            return st.dictionaries(keys, drawn(type_.value_type), max_size=3)
        case inspect.StructType():
            return struct(type_)
        case _:
            return LEAVES[type(type_)]


def text(type_: inspect.StrType) -> st.SearchStrategy[str]:
    if type_.max_length == 200:
        return LINE
    if type_.max_length is not None:
        return TEXT
    pattern = (type_.pattern or "").replace("(?!\\n)", "")
    return CODE if "A-Za-z" in pattern or not pattern else st.from_regex(pattern, fullmatch=True)


def struct(type_: inspect.StructType) -> st.SearchStrategy[dict[str, Any]]:
    known = {each.encode_name: drawn(each.type) for each in type_.fields if not raw(each)}
    required = {each.encode_name for each in type_.fields if each.required}
    made = st.fixed_dictionaries(
        {name: each for name, each in known.items() if name in required},
        optional={name: each for name, each in known.items() if name not in required},
    )
    if set(known) == {"zh", "en"}:
        return made.filter(lambda said: said.get("zh") or said.get("en"))
    return made


def raw(field: inspect.Field) -> bool:
    return isinstance(field.type, inspect.RawType)


def lines_of(type_: type) -> st.SearchStrategy[dict[str, Any]]:
    described = inspect.type_info(type_)
    assert isinstance(described, inspect.StructType)
    tag = {described.tag_field: described.tag}
    return struct(described).map(lambda line: {**line, **tag})


@st.composite
def offerings(draw: st.DrawFn) -> dict[str, Any]:
    line = draw(lines_of(OfferingLine))
    if not line["packages"]:
        line["packages"] = [{"code": "only", "title": {"en": "Only"}}]
    described = inspect.type_info(ATTRIBUTES[line["kind"]])
    assert isinstance(described, inspect.StructType)
    return {**line, "attributes": draw(st.none() | struct(described))}


def read(line: bytes, layout: Layout) -> object:
    """The line as its room reads it."""
    types: dict[str, type] = {"profile": ProfileLine, "need": NeedLine}
    if layout.type in types:
        return declared(line, types[layout.type])
    found = catalog_line(line)
    if isinstance(found, ProviderLine):
        return found
    # The raw attributes are compared as they were read.
    return msgspec.structs.replace(found[0], attributes=msgspec.Raw(b"")), found[1]


PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

CASES = [
    (PROVIDERS, lines_of(ProviderLine)),
    (OFFERINGS, offerings()),
    (PROFILES, lines_of(ProfileLine)),
    (NEEDS, lines_of(NeedLine)),
]


def hold(layout: Layout, drawn_lines: list[dict[str, Any]], format_: FileFormat) -> None:
    lines = [{**line, "external_id": f"line-{place}"} for place, line in enumerate(drawn_lines)]
    before = [read(msgspec.json.encode(line), layout) for line in lines]
    made = io.BytesIO()
    write_lines(made, format_, layout, lines, keys=lambda _: ["quality"])
    made.seek(0)
    found = read_lines(made, format_, [layout])
    with contextlib.closing(found.stream):
        assert found.faults.listed() == ()
        assert [read(line, layout) for line in found.stream] == before


@pytest.mark.parametrize(("layout", "lines"), CASES, ids=lambda case: getattr(case, "type", ""))
def test_csv_loses_nothing(layout: Layout, lines: st.SearchStrategy[dict[str, Any]]) -> None:
    @settings(
        max_examples=100, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(lines, min_size=1, max_size=3))
    def hold_all(found: list[dict[str, Any]]) -> None:
        hold(layout, found, FileFormat.CSV)

    hold_all()


@pytest.mark.parametrize(("layout", "lines"), CASES, ids=lambda case: getattr(case, "type", ""))
def test_workbooks_lose_nothing(layout: Layout, lines: st.SearchStrategy[dict[str, Any]]) -> None:
    @settings(
        max_examples=30, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(lines, min_size=1, max_size=3))
    def hold_all(found: list[dict[str, Any]]) -> None:
        hold(layout, found, FileFormat.XLSX)

    hold_all()


LONG = (
    0.46596298581253637,
    2.211446127022517e-70,
    1.569146721393275e-26,
    0.1 + 0.2,
    0.00012345678901234567,
    0.9999999999999999,
    5e-324,
    0.5,
)
"""Numbers that need more digits than a spreadsheet keeps, and one that does not."""


@pytest.mark.parametrize("format_", [FileFormat.CSV, FileFormat.XLSX])
@pytest.mark.parametrize("number", LONG)
def test_a_number_keeps_every_digit(format_: FileFormat, number: float) -> None:
    line = {"type": "profile", "external_id": "a", "profile": {"goals": {"quality": number}}}
    hold(PROFILES, [line], format_)


@pytest.mark.parametrize("number", [10**15 - 1, 10**15])
def test_a_great_amount_keeps_every_digit(number: int) -> None:
    price = {"amount": number, "currency": "CNY"}
    line = {"type": "profile", "external_id": "a", "profile": {"revenue": price}}
    hold(PROFILES, [line], FileFormat.XLSX)


def test_control_a_number_as_the_library_writes_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matchmaker.core.sheets.writing._is_kept", lambda _: True)
    line = {"type": "profile", "external_id": "a", "profile": {"goals": {"quality": LONG[0]}}}
    with pytest.raises(AssertionError):
        hold(PROFILES, [line], FileFormat.XLSX)


def test_control_without_the_guard_a_text_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matchmaker.core.sheets.writing.guarded", lambda said: said)
    line = {"type": "provider", "external_id": "a", "name": {"zh": "", "en": "'=1"}}
    with pytest.raises(AssertionError):
        hold(PROVIDERS, [line], FileFormat.CSV)
