"""Codes of industries and places in every spelling, and what stands above them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.taxonomy import industry, region
from matchmaker.taxonomy.errors import CodeNotFound
from matchmaker.taxonomy.registry import Taxonomy


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("C3311", "C3311"),
        ("3311", "C3311"),
        ("C-33-11", "C3311"),
        ("c3311", "C3311"),
        (" C 331 ", "C331"),
        ("33", "C33"),
        ("c", "C"),
        ("011", "A011"),
        ("A3311", None),
        ("9999", None),
        ("C3", None),
        ("C33110", None),
        ("", None),
        ("铸造", None),
        ("３３１１", None),
    ],
)
def test_an_industry_code_is_read_in_any_spelling(
    taxonomy: Taxonomy, text: str, code: str | None
) -> None:
    assert industry.normalise(taxonomy, text) == code


def test_every_industry_is_found_by_its_digits_alone(taxonomy: Taxonomy) -> None:
    for code in taxonomy.codes("gbt_4754_2017"):
        if len(code) > 1:
            assert industry.normalise(taxonomy, code[1:]) == code


@given(text=st.text(max_size=8))
def test_a_read_industry_code_is_always_of_the_table(taxonomy: Taxonomy, text: str) -> None:
    code = industry.normalise(taxonomy, text)
    assert code is None or code in taxonomy.codes("gbt_4754_2017")


def test_the_longest_prefix_wins() -> None:
    assert industry.longest_prefix("G5910", ["G", "G59", "G591", "G592"]) == "G591"
    assert industry.longest_prefix("C33", ["A", "C3311"]) is None


def test_an_industry_knows_what_stands_above_it(taxonomy: Taxonomy) -> None:
    assert industry.chain(taxonomy, "C3311") == ("C3311", "C331", "C33", "C")
    assert industry.nearest_common(taxonomy, "C3311", "C3312") == "C331"
    assert industry.nearest_common(taxonomy, "C3311", "C3670") == "C"
    assert industry.nearest_common(taxonomy, "C33", "C3311") == "C33"
    assert industry.nearest_common(taxonomy, "C33", "I65") is None
    with pytest.raises(CodeNotFound):
        industry.chain(taxonomy, "C9999")


def test_an_industry_leads_to_isic(taxonomy: Taxonomy) -> None:
    assert [link.target for link in industry.isic(taxonomy, "C3311")] == ["2511"]
    assert industry.isic(taxonomy, "C331") == industry.isic(taxonomy, "C3311")
    assert [link.target for link in industry.isic(taxonomy, "C33")] == ["24", "25", "29"]
    assert industry.isic(taxonomy, "A01") == ()


@pytest.mark.parametrize(
    ("text", "code", "prefecture", "province"),
    [
        ("210200", "210200", "210200", "210000"),
        ("210211", "210211", "210200", "210000"),
        ("2102", "210200", "210200", "210000"),
        ("21", "210000", None, "210000"),
        ("110105", "110105", "110100", "110000"),
        ("500233", "500233", "500100", "500000"),
        ("110100", "110100", "110100", "110000"),
        ("429004", "429004", "429000", "420000"),
        ("659001", "659001", "659000", "650000"),
        ("441900", "441900", "441900", "440000"),
        ("810000", "810000", None, "810000"),
        ("810001", "810001", None, "810000"),
    ],
)
def test_a_place_stands_in_its_prefecture_and_province(
    taxonomy: Taxonomy, text: str, code: str, prefecture: str | None, province: str
) -> None:
    assert region.normalise(taxonomy, text) == code
    assert region.prefecture(taxonomy, code) == prefecture
    assert region.province(taxonomy, code) == province
    chain = region.chain(taxonomy, code)
    assert chain[0] == code
    assert chain[-1] == province
    assert len(set(chain)) == len(chain)


@pytest.mark.parametrize("text", ["", "2", "211", "990000", "219911", "211500", "大连", "21020a"])
def test_what_is_no_place_is_not_read(taxonomy: Taxonomy, text: str) -> None:
    assert region.normalise(taxonomy, text) is None
    assert region.chain(taxonomy, text) == ()


def test_placeholders_and_separately_planned_cities_are_told_apart(taxonomy: Taxonomy) -> None:
    assert region.is_placeholder(taxonomy, "110100")
    assert region.is_placeholder(taxonomy, "429000")
    assert not region.is_placeholder(taxonomy, "210200")
    assert region.is_separately_planned(taxonomy, "210211")
    assert not region.is_separately_planned(taxonomy, "210100")
    assert not region.is_separately_planned(taxonomy, "210000")
    cities = [c for c in taxonomy.codes("gbt_2260") if region.is_separately_planned(taxonomy, c)]
    assert sorted(cities) == ["210200", "330200", "350200", "370200", "440300"]
