"""What somebody types leads to codes, in one fixed order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.taxonomy import service
from matchmaker.taxonomy.errors import SchemeNotFound
from matchmaker.taxonomy.registry import Taxonomy
from matchmaker.taxonomy.suggest import Match


@pytest.mark.parametrize(
    ("text", "scheme", "code"),
    [
        ("排产", "sme_scene", "planning_scheduling"),
        ("mes", "solution_category", "mes"),
        ("MES", "solution_category", "mes"),
        ("ＭＥＳ", "solution_category", "mes"),
        ("大连", "gbt_2260", "210200"),
        ("Dalian", "gbt_2260", "210200"),
        ("dali", "gbt_2260", "532900"),
        ("C3311", "gbt_4754_2017", "C3311"),
        ("3311", "gbt_4754_2017", "C3311"),
        ("C-33-11", "gbt_4754_2017", "C3311"),
        ("金属结构制造", "gbt_4754_2017", "C3311"),
        ("rush order", "sme_scene", "planning_scheduling"),
        ("GB/T 39116-2020", "standard", "gbt_39116_2020"),
        ("Intelligent equipment", "cn_im_standard_2024", "intelligent_equipment"),
    ],
)
def test_the_first_suggestion_is_the_expected_one(
    taxonomy: Taxonomy, text: str, scheme: str, code: str
) -> None:
    found = service.suggestions(taxonomy, text)
    assert (found[0].scheme, found[0].code) == (scheme, code)


def test_a_part_of_a_name_is_found(taxonomy: Taxonomy) -> None:
    found = {(hit.scheme, hit.code): hit for hit in service.suggestions(taxonomy, "追溯", limit=50)}
    assert found["sme_scene", "quality"].source == "keyword"
    assert found["solution_category", "traceability"].match is Match.INSIDE


def test_latin_text_counts_from_the_start_of_a_word(taxonomy: Taxonomy) -> None:
    found = service.suggestions(taxonomy, "mes", limit=50)
    assert "domestic" not in {hit.code for hit in found}
    words = service.suggestions(taxonomy, "cae", limit=50)
    assert ("solution_category", "cad_cae") in {(hit.scheme, hit.code) for hit in words}


def test_better_matches_come_first_and_each_code_once(taxonomy: Taxonomy) -> None:
    found = service.suggestions(taxonomy, "质量", limit=50)
    assert [hit.match for hit in found] == sorted(hit.match for hit in found)
    assert len({(hit.scheme, hit.code) for hit in found}) == len(found) > 5


def test_one_scheme_can_be_asked_for(taxonomy: Taxonomy) -> None:
    found = service.suggestions(taxonomy, "3311", scheme="isic_rev4")
    assert [hit.code for hit in found] == ["3311"]
    with pytest.raises(SchemeNotFound):
        service.suggestions(taxonomy, "3311", scheme="colour")


def test_the_machinery_of_the_catalogue_is_not_suggested(taxonomy: Taxonomy) -> None:
    found = service.suggestions(taxonomy, "number", limit=50)
    assert not any(hit.scheme.startswith("field_") for hit in found)


@given(text=st.text(max_size=12), limit=st.integers(1, 5))
def test_a_shorter_list_is_the_head_of_a_longer_one(
    taxonomy: Taxonomy, text: str, limit: int
) -> None:
    longer = service.suggestions(taxonomy, text, limit=50)
    assert service.suggestions(taxonomy, text, limit=limit) == longer[:limit]


def test_nothing_typed_suggests_nothing(taxonomy: Taxonomy) -> None:
    assert service.suggestions(taxonomy, "  ") == ()
    assert service.suggestions(taxonomy, "zzzzzz") == ()
