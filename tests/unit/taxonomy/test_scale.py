"""The size of an enterprise: the vectors, and an independent slow statement of the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.taxonomy import explanation, scale, service
from matchmaker.taxonomy.errors import UnknownCode
from matchmaker.taxonomy.registry import Taxonomy

WAN = 1_000_000  # fen in 10,000 CNY
MILLION = 100_000_000  # cents in a million EUR
HUGE = 10**15
TIERS = ("large", "medium", "small", "micro")
# From the statistical method of 2017: employees, revenue, assets in people and 10,000 CNY.
CN_LIMITS: dict[str, dict[str, tuple[int, int, int]]] = {
    "C3311": {"employees": (1000, 300, 20), "revenue": (40000, 2000, 300)},
    "E4710": {"revenue": (80000, 6000, 300), "assets": (80000, 5000, 300)},
    "I6513": {"employees": (300, 100, 10), "revenue": (10000, 1000, 50)},
    "L7249": {"employees": (300, 100, 10), "assets": (120000, 8000, 100)},
    "G5920": {"employees": (200, 100, 20), "revenue": (30000, 1000, 100)},
    "M7320": {"employees": (300, 100, 10)},
}
EU_LIMITS = (("micro", 10, 2, 2), ("small", 50, 10, 10), ("medium", 250, 50, 43))


def money(amount: Decimal | float | None, unit: int, currency: str) -> scale.Amount | None:
    if amount is None:
        return None
    minor = Decimal(amount) * unit
    assert minor == int(minor)
    return scale.Amount(amount=int(minor), currency=currency)


def test_the_chinese_vectors_hold(taxonomy: Taxonomy, vectors: dict[str, Any]) -> None:
    assert len(vectors["cn_scale"]) == 34
    for case in vectors["cn_scale"]:
        given_, out = case["in"], case["out"]
        figures = scale.Figures(
            employees=given_.get("employees"),
            revenue=money(given_.get("revenue"), WAN, "CNY"),
            assets=money(given_.get("assets"), WAN, "CNY"),
            industry=given_["code"],
        )
        for scheme in ("cn_nbs_2017", "cn_policy_2011"):
            found = scale.compute(taxonomy, figures, scheme)
            assert found.scheme == scheme
            assert found.scale == out["tier"], case
            assert found.basis == out["basis"], case
            assert found.sector == out.get("sector"), case
            assert list(found.missing) == out.get("missing", []), case


def test_the_european_vectors_hold(taxonomy: Taxonomy, vectors: dict[str, Any]) -> None:
    assert len(vectors["eu_scale"]) == 9
    for case in vectors["eu_scale"]:
        figures = scale.Figures(
            employees=case["in"]["headcount"],
            revenue=money(case["in"]["turnover_meur"], MILLION, "EUR"),
            assets=money(case["in"]["balance_meur"], MILLION, "EUR"),
        )
        found = scale.compute(taxonomy, figures, "eu_2003_361")
        assert (found.scale, found.basis) == (case["out"], "computed"), case


def slow_cn(limits: dict[str, tuple[int, int, int]], values: dict[str, int]) -> str:
    """A firm has the largest tier whose every lower limit it reaches, else it is micro."""
    for place, tier in enumerate(TIERS[:3]):
        if all(values[name] >= limit[place] for name, limit in limits.items()):
            return tier
    return "micro"


def slow_eu(employees: int, revenue: int, assets: int) -> str:
    for tier, head, turnover, balance in EU_LIMITS:
        if employees < head and (revenue <= turnover * MILLION or assets <= balance * MILLION):
            return tier
    return "large"


def agrees(found: scale.Scale, possible: set[str]) -> None:
    """The answer is what all completions of the unknown figures allow."""
    smallest, largest = max(possible, key=TIERS.index), min(possible, key=TIERS.index)
    if found.basis == "computed":
        assert possible == {found.scale}
        return
    assert found.basis == "estimated"
    assert len(possible) > 1
    expected = {"at_most": largest, "at_least": smallest, None: found.scale}
    assert found.scale == expected[found.bound]
    assert found.scale in possible


def around(limits: Iterator[int]) -> st.SearchStrategy[int | None]:
    edges = {max(limit + step, 0) for limit in limits for step in (-1, 0, 1)}
    return st.none() | st.sampled_from(sorted(edges | {0, HUGE}))


@given(data=st.data(), code=st.sampled_from(sorted(CN_LIMITS)))
def test_the_chinese_rule_equals_its_slow_statement(
    taxonomy: Taxonomy, data: st.DataObject, code: str
) -> None:
    units = {"employees": 1, "revenue": WAN, "assets": WAN}
    limits = {
        name: tuple(limit * units[name] for limit in found)
        for name, found in CN_LIMITS[code].items()
    }
    drawn = {name: data.draw(around(iter(found))) for name, found in limits.items()}
    figures = scale.Figures(
        employees=drawn.get("employees"),
        revenue=money(drawn.get("revenue"), 1, "CNY"),
        assets=money(drawn.get("assets"), 1, "CNY"),
        industry=code,
    )
    found = scale.compute(taxonomy, figures)
    assert list(found.missing) == [name for name, value in drawn.items() if value is None]
    if all(value is None for value in drawn.values()):
        assert (found.scale, found.basis, found.bound) == (None, "unknown", None)
        return
    completions = product(
        *[(0, *limits[name], HUGE) if value is None else (value,) for name, value in drawn.items()]
    )
    exact = {name: (found[0], found[1], found[2]) for name, found in limits.items()}
    agrees(found, {slow_cn(exact, dict(zip(drawn, values, strict=True))) for values in completions})


@given(
    employees=around(iter((10, 50, 250))),
    revenue=around(iter((2 * MILLION, 10 * MILLION, 50 * MILLION))),
    assets=around(iter((2 * MILLION, 10 * MILLION, 43 * MILLION))),
)
def test_the_european_rule_equals_its_slow_statement(
    taxonomy: Taxonomy, employees: int | None, revenue: int | None, assets: int | None
) -> None:
    figures = scale.Figures(
        employees=employees, revenue=money(revenue, 1, "EUR"), assets=money(assets, 1, "EUR")
    )
    found = scale.compute(taxonomy, figures, "eu_2003_361")
    if employees is None and revenue is None and assets is None:
        assert (found.scale, found.basis) == (None, "unknown")
        return
    heads = (0, 10, 50, 250) if employees is None else (employees,)
    amounts = (0, 2 * MILLION + 1, 10 * MILLION + 1, HUGE)
    revenues = amounts if revenue is None else (revenue,)
    balances = amounts if assets is None else (assets,)
    agrees(found, {slow_eu(*values) for values in product(heads, revenues, balances)})


def test_amounts_are_whole_minor_units_so_that_one_fen_decides(taxonomy: Taxonomy) -> None:
    limit = 40_000 * WAN
    for amount, tier in ((limit, "large"), (limit - 1, "medium")):
        figures = scale.Figures(
            employees=1000,
            revenue=scale.Amount(amount=amount, currency="CNY"),
            industry="C3311",
        )
        assert scale.compute(taxonomy, figures).scale == tier


def test_an_amount_in_another_currency_is_missing_not_converted(taxonomy: Taxonomy) -> None:
    figures = scale.Figures(
        employees=150, revenue=scale.Amount(amount=HUGE, currency="USD"), industry="C3670"
    )
    found = scale.compute(taxonomy, figures)
    assert (found.scale, found.basis, found.missing) == ("small", "estimated", ("revenue",))
    assert any("another currency" in said for said in explanation.sentences(taxonomy, found, "en"))


@pytest.mark.parametrize(
    ("code", "basis"),
    [(None, "unknown"), ("G59", "unknown"), ("Q", "unknown"), ("J66", "not_covered")],
)
def test_without_a_sector_there_is_no_size(
    taxonomy: Taxonomy, code: str | None, basis: str
) -> None:
    found = scale.compute(taxonomy, scale.Figures(employees=5, industry=code))
    assert (found.scale, found.sector, found.basis) == (None, None, basis)
    assert found.missing == (("industry",) if basis == "unknown" else ())


def test_an_industry_may_be_spelt_without_its_letter(taxonomy: Taxonomy) -> None:
    figures = scale.Figures(employees=15, industry="3670")
    assert service.scale_of(taxonomy, figures, "cn_nbs_2017").scale == "micro"
    with pytest.raises(UnknownCode):
        service.scale_of(taxonomy, scale.Figures(industry="9999"), "cn_nbs_2017")
    with pytest.raises(UnknownCode):
        service.scale_of(taxonomy, scale.Figures(), "martian")


def test_the_reasons_are_told_in_both_languages(taxonomy: Taxonomy) -> None:
    figures = scale.Figures(
        employees=86, revenue=scale.Amount(amount=3_200 * WAN, currency="CNY"), industry="C3311"
    )
    found = scale.compute(taxonomy, figures)
    assert explanation.sentences(taxonomy, found, "zh") == (
        "按《统计上大中小微型企业划分办法（2017）》，该企业适用“工业（采矿、制造、电热燃水）”的标准。",
        "员工人数86人，对应小型（20人及以上、300人以下）。",
        "营业收入3,200万元，对应中型（2,000万元及以上、4亿元以下）。",
        "综合判定：小型。",
    )
    assert explanation.sentences(taxonomy, found, "en")[1:] == (
        "Employees: 86, which is small (at least 20 and below 300).",
        (
            "Revenue: CNY 32,000,000, which is medium "
            "(at least CNY 20,000,000 and below CNY 400,000,000)."
        ),
        "Result: small.",
    )


@pytest.mark.parametrize(
    ("figures", "scheme", "said"),
    [
        (scale.Figures(employees=150, industry="C3670"), "cn_nbs_2017", "at most small"),
        (scale.Figures(employees=9), "eu_2003_361", "at least micro"),
        (scale.Figures(industry="C3670"), "cn_nbs_2017", "no figures"),
        (scale.Figures(employees=9), "cn_nbs_2017", "industry is missing"),
        (scale.Figures(employees=9, industry="J66"), "cn_nbs_2017", "no rule for this industry"),
        (
            scale.Figures(revenue=scale.Amount(amount=5 * MILLION, currency="EUR")),
            "eu_2003_361",
            "by the known ones small",
        ),
    ],
)
def test_what_is_not_certain_is_said(
    taxonomy: Taxonomy, figures: scale.Figures, scheme: str, said: str
) -> None:
    found = scale.compute(taxonomy, figures, scheme)
    assert said in explanation.sentences(taxonomy, found, "en")[-1]
    assert explanation.sentences(taxonomy, found, "zh")[-1].endswith("。")


def test_open_ended_tiers_are_said_as_such(taxonomy: Taxonomy) -> None:
    chinese = scale.compute(taxonomy, scale.Figures(employees=5000, industry="M7320"))
    assert explanation.sentences(taxonomy, chinese, "en")[1] == (
        "Employees: 5,000, which is large (at least 300)."
    )
    european = scale.compute(taxonomy, scale.Figures(employees=5000), "eu_2003_361")
    assert (european.scale, european.basis) == ("large", "computed")
    assert explanation.sentences(taxonomy, european, "zh")[0] == "员工人数5,000人，对应大型。"
