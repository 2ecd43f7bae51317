"""The seeds hold together, and the registry is one immutable, versioned object."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from matchmaker.taxonomy.entries import Fact, Labels
from matchmaker.taxonomy.errors import (
    CodeNotFound,
    QuestionnaireNotFound,
    SchemeNotFound,
    SeedBroken,
)
from matchmaker.taxonomy.registry import Taxonomy, load

# Codes without a name in a language: the source has none, and none is invented.
UNNAMED = {("gbt_4754_2017", "en"): 1675, ("isic_rev4", "zh"): 766}


@pytest.fixture
def copied(seeds: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(seeds, tmp_path / "taxonomy"))


def swap(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_code_is_ascii_and_every_name_is_there_or_counted(taxonomy: Taxonomy) -> None:
    unnamed: dict[tuple[str, str], int] = {}
    for scheme in taxonomy.schemes.values():
        assert re.fullmatch("[a-z][a-z0-9_]*", scheme.code)
        assert scheme.labels.zh
        assert scheme.labels.en
        assert scheme.entries
        for code, entry in scheme.entries.items():
            assert code == entry.code
            assert re.fullmatch(r"[A-Za-z0-9_.]+", code), (scheme.code, code)
            for language in ("zh", "en"):
                if not getattr(entry.labels, language):
                    key = (scheme.code, language)
                    unnamed[key] = unnamed.get(key, 0) + 1
    assert unnamed == UNNAMED


def test_every_table_says_its_edition_origin_and_confidence(taxonomy: Taxonomy) -> None:
    headers = [scheme.header for scheme in taxonomy.schemes.values()]
    headers += [found.header for found in taxonomy.concordances.values()]
    headers += [found.header for found in taxonomy.scales.values()]
    headers += [found.header for found in taxonomy.questionnaires.values()]
    for header in headers:
        assert header.edition
        assert header.origin
        assert header.confidence
        if header.valid_from and header.valid_to:
            assert header.valid_from <= header.valid_to


@pytest.mark.parametrize(
    ("scheme", "size"),
    [
        ("sme_scene", 16),
        ("im_scenario", 40),
        ("im_link", 8),
        ("solution_category", 53),
        ("maturity_scheme", 8),
        ("stage", 6),
        ("gbt_4754_2017", 20 + 97 + 473 + 1381),
        ("isic_rev4", 21 + 88 + 238 + 419),
        ("gbt_2260", 34 + 341),
        ("jx_four_level_ten_grade", 10),
        ("gbt_39116_element", 4 + 20),
        ("siri_dimension", 3 + 16),
    ],
)
def test_a_table_is_complete(taxonomy: Taxonomy, scheme: str, size: int) -> None:
    assert len(taxonomy.scheme(scheme).entries) == size


def test_every_manufacturing_group_has_its_isic_classes(taxonomy: Taxonomy) -> None:
    groups = [
        entry.code
        for entry in taxonomy.scheme("gbt_4754_2017").with_prefix("C")
        if entry.extra["level"] == "group"
    ]
    assert len(groups) == 179
    links = taxonomy.concordances["gbt_4754_2017_to_isic_rev4"].links
    assert set(links) == set(groups)
    assert sum(map(len, links.values())) == 262
    isic = taxonomy.scheme("isic_rev4")
    for found in links.values():
        assert [link.rank for link in found] == list(range(1, len(found) + 1))
        assert all(isic.entry(link.target).extra["level"] == "class" for link in found)


def test_a_scenario_leads_to_a_scene_and_to_categories(taxonomy: Taxonomy) -> None:
    scenes, categories = taxonomy.codes("sme_scene"), taxonomy.codes("solution_category")
    for entry in taxonomy.scheme("im_scenario").entries.values():
        assert entry.extra["scene"] in scenes
        named = entry.extra["categories"]
        assert isinstance(named, tuple)
        assert named
        assert categories.issuperset(str(code) for code in named)


def test_every_scene_has_four_levels_in_both_languages_and_some_category(
    taxonomy: Taxonomy,
) -> None:
    links = taxonomy.concordances["sme_scene_to_solution_category"].links
    for code, entry in taxonomy.scheme("sme_scene").entries.items():
        levels = entry.extra["levels"]
        assert isinstance(levels, tuple)
        told = [level for level in levels if isinstance(level, Mapping)]
        assert [level["level"] for level in told] == [1, 2, 3, 4]
        assert all(level["zh"] and level["en"] for level in told)
        assert links[code]


def test_every_maturity_scheme_has_levels_that_lead_to_stages(taxonomy: Taxonomy) -> None:
    for code in taxonomy.codes("maturity_scheme"):
        levels = taxonomy.scheme(code)
        assert levels.refs["stage"] == "stage"
        ranks = [
            taxonomy.entry("stage", str(entry.extra["stage"])).rank
            for entry in levels.entries.values()
        ]
        assert ranks == sorted(rank for rank in ranks if rank is not None)


def test_the_policy_facts_name_codes_that_exist(taxonomy: Taxonomy) -> None:
    instances = taxonomy.facts["policy_instances"]
    assert isinstance(instances, tuple)
    assert len(instances) == 11
    for instance in instances:
        assert isinstance(instance, Mapping)
        assert instance["kind"] in taxonomy.codes("policy_instrument_kind")
        regions = instance["regions"] or ()
        assert isinstance(regions, tuple)
        assert taxonomy.codes("gbt_2260").issuperset(str(code) for code in regions)


def test_the_manifest_names_every_file_that_is_there(seeds: Path, taxonomy: Taxonomy) -> None:
    named = (seeds / "manifest.yaml").read_text(encoding="utf-8")
    files = {path.relative_to(seeds).as_posix() for path in seeds.rglob("*") if path.is_file()}
    # The glossary and the stop words belong to the text statistics and are versioned with them.
    assert {name for name in files if name not in named} == {
        "manifest.yaml",
        "glossary.yaml",
        "stopwords.yaml",
    }
    assert taxonomy.release == "2026.11"


def test_the_same_bytes_give_the_same_version(copied: Path, taxonomy: Taxonomy) -> None:
    again = load(copied)
    assert again.digest == taxonomy.digest
    assert again.version == taxonomy.version
    assert taxonomy.version == f"2026.11+{taxonomy.digest[:12]}"


def test_one_more_byte_in_any_file_is_another_version(copied: Path, taxonomy: Taxonomy) -> None:
    # One file of each kind; a line feed at the end changes no fact.
    for name in ("manifest.yaml", "fields.yaml", "codes/gbt_2260.csv", "facts.yaml"):
        path = copied / name
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        assert load(copied).digest != taxonomy.digest, name
        path.write_bytes(before)
    assert load(copied).digest == taxonomy.digest


def test_nothing_in_the_registry_can_be_changed(taxonomy: Taxonomy) -> None:
    for change in _changes(taxonomy):
        with pytest.raises((TypeError, AttributeError)):
            change()


def _changes(taxonomy: Taxonomy) -> Iterator[Callable[[], None]]:
    scheme = taxonomy.scheme("scale")
    entry = scheme.entry("micro")
    yield lambda: setattr(taxonomy, "release", "x")
    yield lambda: setattr(entry.labels, "zh", "x")
    yield lambda: setattr(entry, "rank", 9)
    mappings: tuple[Mapping[str, object], ...] = (
        taxonomy.schemes,
        scheme.entries,
        entry.extra,
        taxonomy.facts,
        taxonomy.keywords,
        taxonomy.keywords["sme_scene"],
    )
    for mapping in mappings:
        yield lambda mapping=mapping: mapping.__setitem__("x", None)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("scenarios.yaml", "scene: quality", "scene: qualities", "'qualities' is not a code"),
        ("vocabularies.yaml", "parent: rd", "parent: r_and_d", "'r_and_d' is not a code"),
        ("vocabularies.yaml", "code: small,", "code: micro,", "'micro' stands twice"),
        ("links/gbt_4754_2017_to_isic_rev4.csv", "C131,1061", "C131,1069", "'1069' is not a code"),
        ("keywords.yaml", "  mes: {", "  mess: {", "'mess' is not a code"),
        ("scale.yaml", "alias_of: cn_nbs_2017", "alias_of: none", "'none' is not a scale scheme"),
        ("scenes.yaml", "  confidence: high\n", "", "confidence"),
        ("fields.yaml", "stated_by: provider", "stated_by: nobody", "stated_by"),
        ("manifest.yaml", "- standards.yaml", "- scenes.yaml", "stands twice"),
    ],
)
def test_a_seed_that_contradicts_itself_is_refused(
    copied: Path, name: str, old: str, new: str, said: str
) -> None:
    swap(copied / name, old, new)
    with pytest.raises(SeedBroken, match=re.escape(said)):
        load(copied)


def test_an_unknown_scheme_code_or_questionnaire_is_named(taxonomy: Taxonomy) -> None:
    with pytest.raises(SchemeNotFound):
        taxonomy.scheme("colour")
    with pytest.raises(CodeNotFound, match="huge"):
        taxonomy.entry("scale", "huge")
    with pytest.raises(QuestionnaireNotFound):
        taxonomy.questionnaire("horoscope")
    assert taxonomy.name("scale", "huge", "en") == "huge"


def test_a_code_without_a_name_borrows_the_one_above_it(taxonomy: Taxonomy) -> None:
    assert taxonomy.name("gbt_4754_2017", "C3311", "zh") == "金属结构制造"
    assert taxonomy.name("gbt_4754_2017", "C3311", "en") == "Structural metal products (C3311)"
    assert taxonomy.name("isic_rev4", "0112", "zh") == "Growing of rice"


def test_labels_fall_back_to_the_other_language_and_then_to_the_default() -> None:
    assert Labels(zh="甲", en=None).either("en", "x") == "甲"
    assert Labels(zh=None, en=None).either("zh", "x") == "x"


def test_no_fact_is_a_float(taxonomy: Taxonomy) -> None:
    """Reported effects are the one place of the seeds with decimals; no score reads them."""
    found = [key for key, fact in taxonomy.facts.items() if any(_floats(fact))]
    assert found == ["excellent_factory_effects"]
    extras = (e.extra for s in taxonomy.schemes.values() for e in s.entries.values())
    assert not any(any(_floats(extra)) for extra in extras)


def _floats(fact: Fact) -> Iterator[bool]:
    if isinstance(fact, Mapping):
        for inner in fact.values():
            yield from _floats(inner)
    elif isinstance(fact, tuple):
        for inner in fact:
            yield from _floats(inner)
    else:
        yield isinstance(fact, float)
