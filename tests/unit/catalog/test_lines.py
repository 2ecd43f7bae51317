from __future__ import annotations

import io
import json
from typing import Any

import pytest
from tests.factories import (
    credit_code,
    jsonl,
    offering_line,
    package_line,
    provider_line,
    taxonomy,
    times,
    tokenizer,
)

from matchmaker.catalog import texts
from matchmaker.catalog.codes import KnownCodes, known_codes
from matchmaker.catalog.importing.lines import LINE_LIMIT, numbered
from matchmaker.catalog.importing.prepared import CHUNK
from matchmaker.catalog.importing.reading import FileRead, read_file
from matchmaker.catalog.importing.report import LineFault
from matchmaker.catalog.reasons import REASONS
from matchmaker.ranking.tokens import PackedCount, TokenCount

KNOWN: KnownCodes = known_codes(taxonomy())


def reading(*lines: dict[str, Any] | bytes) -> FileRead:
    read = FileRead(KNOWN, tokenizer())
    for number, raw in numbered(jsonl(*lines)):
        read.take(number, raw)
    return read


def faults(*lines: dict[str, Any] | bytes) -> tuple[LineFault, ...]:
    read = reading(*lines)
    read.spool.close()
    return read.faults.listed()


def of_offering(**fields: object) -> list[tuple[str, str]]:
    found = faults(provider_line(), offering_line(**fields))
    assert {fault.line for fault in found} <= {2}
    return [(fault.pointer, fault.code) for fault in found]


def of_package(**fields: object) -> list[tuple[str, str]]:
    return of_offering(packages=[package_line(**fields)])


def price(**part: object) -> dict[str, Any]:
    return {"currency": "CNY", "parts": [{"part": "yearly", **part}]}


def test_a_good_line_has_no_faults() -> None:
    assert faults(provider_line(), offering_line()) == ()


def test_null_and_empty_sets_are_unknown_and_good() -> None:
    sets = ("industries", "regions", "deployment", "languages", "categories", "interfaces")
    unknown: dict[str, object] = {name: [] for name in sets}
    assert of_offering(**unknown, cases=[], standards=[], attributes=None, summary=None) == []
    nothing = dict.fromkeys(("scales", "stages", "levels", "price", "weeks"))
    assert of_package(**nothing) == []


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"type":"offering"', "invalid_json"),
        (b"[1, 2]", "wrong_type"),
        (b"\xff\xfe", "not_utf8"),
        (b'{"type":"\xe4\xb8"}', "not_utf8"),
        (b'{"type":"\x00"}', "nul"),
        (json.dumps(provider_line(website="\0")).encode(), "control_character"),
        (b'{"type":"programme"}', "unknown_type"),
        (b'{"external_id":"x"}', "unknown_type"),
        (b'{"type":"provider","type":"offering"}', "repeated_key"),
        (b"[" * 200_000, "invalid_json"),
        (b'{"type":"provider","external_id":"' + b"x" * LINE_LIMIT + b'"}', "line_too_long"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_by_name(raw: bytes, code: str) -> None:
    found = faults(provider_line(), raw, provider_line(external_id="after"))
    assert [(fault.line, fault.code) for fault in found] == [(2, code)]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"colour": "red"}, "#/colour", "unknown_field"),
        ({"kind": "policy"}, "#/kind", "unknown_value"),
        ({"title": {}}, "#/title", "invalid"),
        ({"title": {"zh": "一", "fr": "un"}}, "#/title/fr", "unknown_field"),
        ({"external_id": "ph trace"}, "#/external_id", "wrong_form"),
        ({"external_id": "ph-trace\n"}, "#/external_id", "wrong_form"),
        ({"industries": ["C99"]}, "#/industries/0", "unknown_code"),
        ({"industries": ["C33", "C33"]}, "#/industries", "repeated_code"),
        ({"regions": ["210200", "210299"]}, "#/regions/1", "unknown_code"),
        ({"deployment": ["moon"]}, "#/deployment/0", "unknown_code"),
        ({"languages": ["xx"]}, "#/languages/0", "unknown_code"),
        ({"categories": ["all"]}, "#/categories/0", "unknown_code"),
        ({"interfaces": ["telepathy"]}, "#/interfaces/0", "unknown_code"),
        ({"delivery_form": "pigeon"}, "#/delivery_form", "unknown_code"),
        ({"standards": [{"class": "A", "sub": "steel"}]}, "#/standards/0/sub", "unknown_code"),
        ({"visibility": "secret"}, "#/visibility", "unknown_value"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "#/valid_to", "from_after_to"),
        ({"attested": "2026-13-01"}, "#/attested", "wrong_form"),
        (
            {"record": {"accepted": 3, "projects": 2}},
            "#/record/accepted",
            "more_accepted_than_projects",
        ),
        (
            {"cases": [{"industry": "Z", "scenes": ["quality"], "state": "verified"}]},
            "#/cases/0/industry",
            "unknown_code",
        ),
        (
            {"cases": [{"industry": "C33", "scenes": ["all"], "state": "verified"}]},
            "#/cases/0/scenes/0",
            "unknown_code",
        ),
        ({"packages": []}, "#/packages", "missing_package"),
        (
            {"packages": [package_line(), package_line()]},
            "#/packages/1/code",
            "repeated_package",
        ),
        ({"attributes": {"seats": 3}}, "#/attributes/seats", "unknown_field"),
        ({"attributes": {"person_days": [9, 3]}}, "#/attributes/person_days", "from_after_to"),
        (
            {"kind": "talent", "attributes": {"skills": ["magic"]}},
            "#/attributes/skills/0",
            "unknown_code",
        ),
        (
            {"kind": "research", "attributes": {"readiness_level": [0, 3]}},
            "#/attributes/readiness_level/0",
            "out_of_range",
        ),
        (
            {"kind": "finance", "attributes": {"instrument": "lottery"}},
            "#/attributes/instrument",
            "unknown_code",
        ),
        (
            {
                "kind": "finance",
                "attributes": {"amount": {"from": 5, "to": 1, "currency": "CNY"}},
            },
            "#/attributes/amount",
            "from_after_to",
        ),
        ({"must": {"field": "profile.employees"}}, "#/must", "invalid_rule"),
        (
            {"must": {"all": [{"field": "profile.hats", "op": "exists"}]}},
            "#/must/all/0/field",
            "invalid_rule",
        ),
        (
            {"must": {"field": "offering.kind", "op": "in", "value": ["solution"]}},
            "#/must/field",
            "invalid_rule",
        ),
        (
            {"must": {"field": "profile.scale", "op": "in", "value": ["giant"]}},
            "#/must/value/0",
            "invalid_rule",
        ),
    ],
)
def test_a_bad_offering_is_refused_at_the_place(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    assert of_offering(**fields) == [(pointer, code)]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"code": None}, "/code", "wrong_type"),
        ({"scales": ["giant"]}, "/scales/0", "unknown_code"),
        ({"stages": ["leading", "not_started"]}, "/stages", "from_after_to"),
        ({"stages": ["asleep", "leading"]}, "/stages/0", "unknown_code"),
        ({"levels": {"quality": [3, 1]}}, "/levels/quality", "from_after_to"),
        ({"levels": {"quality": [0, 5]}}, "/levels", "out_of_range"),
        ({"levels": {"juggling": [0, 1]}}, "/levels", "unknown_code"),
        ({"weeks": [4, 2]}, "/weeks", "from_after_to"),
        ({"price": {"currency": "yuan", "parts": []}}, "/price/currency", "wrong_form"),
        ({"price": {"currency": "CNY\n", "parts": []}}, "/price/currency", "wrong_form"),
        ({"price": price(part="bribe")}, "/price/parts/0/part", "unknown_code"),
        ({"price": price(amount=1.5)}, "/price/parts/0/amount", "wrong_type"),
        ({"price": price(amount=-1)}, "/price/parts/0/amount", "out_of_range"),
        ({"price": price(**{"from": 1})}, "/price/parts/0", "half_range"),
        ({"price": price(**{"from": 2, "to": 1})}, "/price/parts/0", "from_after_to"),
        (
            {"price": price(amount=1, **{"from": 1, "to": 2})},
            "/price/parts/0",
            "amount_and_range",
        ),
        ({"price": price(amount=1, per="moons")}, "/price/parts/0/per", "unknown_value"),
    ],
)
def test_a_bad_package_is_refused_at_the_place(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    assert of_package(**fields) == [(f"#/packages/0{pointer}", code)]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"provider_kind": "wizard"}, "#/provider_kind", "unknown_code"),
        ({"region": "999999"}, "#/region", "unknown_code"),
        ({"region": "all"}, "#/region", "unknown_code"),
        ({"uscc": "91350100M000100Y44"}, "#/uscc", "wrong_check_digit"),
        ({"website": "javascript:alert(1)"}, "#/website", "wrong_form"),
    ],
)
def test_a_bad_provider_is_refused_at_the_place(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    found = faults(provider_line(**fields))
    assert [(fault.pointer, fault.code) for fault in found] == [(pointer, code)]


def test_every_fault_of_a_line_is_named_not_only_the_first() -> None:
    found = of_offering(industries=["C99"], delivery_form="pigeon", packages=[])
    assert [code for _, code in found] == ["unknown_code", "unknown_code", "missing_package"]


def test_a_repeated_external_id_names_the_line_before() -> None:
    found = faults(provider_line(), offering_line(), offering_line(), provider_line())
    assert [(fault.line, fault.code) for fault in found] == [
        (3, "repeated_external_id"),
        (4, "repeated_external_id"),
    ]
    assert "line 2" in (found[0].message.en or "")


def test_the_same_external_id_of_two_providers_is_no_repetition() -> None:
    other = provider_line(external_id="other")
    assert faults(provider_line(), other, offering_line(), offering_line(provider="other")) == ()


def test_two_providers_cannot_share_a_credit_code() -> None:
    code = credit_code("91350100M000100Y4")
    found = faults(provider_line(uscc=code), provider_line(external_id="other", uscc=code))
    assert [(fault.line, fault.code) for fault in found] == [(2, "credit_code_taken")]


def test_every_bad_line_is_counted_and_the_first_thousand_are_listed() -> None:
    read = reading(*([b"{"] * 1500))
    assert (read.faults.rejected, read.faults.found) == (1500, 1500)
    assert [fault.line for fault in read.faults.listed()] == list(range(1, 1501))


def test_a_provider_after_its_offering_does_not_count() -> None:
    assert reading(offering_line(), provider_line()).awaited == {"pine-heron": [1]}


def test_every_reason_is_told_in_both_languages() -> None:
    for reason in REASONS.values():
        assert reason.zh
        assert reason.en
        assert reason.zh != reason.en


def test_line_ends_blank_lines_and_a_byte_order_mark_do_no_harm() -> None:
    stream = io.BytesIO(b"\xef\xbb\xbf{}\r\n\n  \n[]")
    assert list(numbered(stream)) == [(1, b"{}"), (4, b"[]")]


def test_a_line_of_just_the_limit_is_read_and_one_byte_more_is_not() -> None:
    longest = provider_line(summary={"zh": "x"})
    raw = json.dumps(longest).encode()
    filler = b" " * (LINE_LIMIT - len(raw))
    assert faults(raw[:-1] + filler + b"}") == ()
    found = faults(raw[:-1] + filler + b" }", provider_line(external_id="after"))
    assert [(fault.line, fault.code) for fault in found] == [(1, "line_too_long")]


async def test_what_is_spooled_comes_back_in_order() -> None:
    lines = [offering_line(external_id=f"o{n}") for n in range(CHUNK + 1)]
    read = await read_file(jsonl(provider_line(), *lines), KNOWN, tokenizer())
    chunks = list(read.spool.chunks())
    read.spool.close()
    assert [len(chunk) for chunk in chunks] == [CHUNK, 1]
    assert chunks[1][0].external_id == f"o{CHUNK}"


def hash_of(**fields: object) -> bytes:
    read = reading(provider_line(), offering_line(**fields))
    assert read.faults.found == 0
    read.spool.close()
    return read.offerings["pine-heron", "ph-trace"].content_hash


def test_the_same_declaration_spelt_otherwise_has_the_same_hash() -> None:
    line = offering_line(summary=None, cases=None)
    turned = {**dict(reversed(line.items())), "cases": []}
    turned.pop("summary")
    raw = json.dumps(turned, ensure_ascii=True, separators=(" ,", " : ")).encode()
    read = reading(provider_line(), raw)
    read.spool.close()
    assert read.offerings["pine-heron", "ph-trace"].content_hash == hash_of(
        summary=None, cases=None
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"title": {"zh": "另一个"}},
        {"summary": None},
        {"industries": ["C33"]},
        {"must": None},
        {"visibility": "pool"},
        {"attested": "2026-10-02"},
        {"attributes": {"offline": False}},
        {"packages": [package_line(code="heavy")]},
        {"packages": [package_line(title={"en": "Heavy"})]},
        {"packages": [package_line(weeks=[2, 5])]},
    ],
)
def test_another_declaration_has_another_hash(fields: dict[str, Any]) -> None:
    assert hash_of(**fields) != hash_of()


def test_tokens_count_the_title_twice_and_each_language_apart() -> None:
    read = reading(
        provider_line(),
        offering_line(
            title={"en": "tracing"},
            summary={"en": "tracing scrap", "zh": "废品"},
            packages=[package_line(title={"en": "light"})],
        ),
    )
    (chunk,) = read.spool.chunks()
    read.spool.close()
    stored = texts.unpack(chunk[0].tokens)
    assert {language: (count.length, times(count)) for language, count in stored.items()} == {
        "zh": (3, {"废": 1, "废品": 1, "品": 1}),
        "en": (5, {"trace": 3, "scrap": 1, "light": 1}),
    }


def test_a_token_with_a_space_cannot_be_stored() -> None:
    with pytest.raises(ValueError, match="space"):
        texts.pack({"en": TokenCount(1, {"a b": 1})})


def test_a_text_without_tokens_comes_back_empty() -> None:
    nothing = {"zh": TokenCount(0, {})}
    assert texts.unpack(texts.pack(nothing)) == {"zh": PackedCount(0, "", "")}


def test_what_is_packed_comes_back() -> None:
    counted = {"en": TokenCount(5, {"trace": 3, "scrap": 12})}
    assert texts.unpack(texts.pack(counted)) == {"en": PackedCount(5, "trace scrap", "3 12")}
