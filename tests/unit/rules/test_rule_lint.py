from __future__ import annotations

from dataclasses import dataclass

import pytest

from matchmaker.rules import FieldKind, FindingCode, Flaw, Severity, lint, parse, wording


@dataclass(frozen=True)
class Spec:
    kind: FieldKind
    codes: frozenset[str] | None = None
    minimum: int | None = None
    maximum: int | None = None


SPECS = {
    "deployment": Spec(FieldKind.SET, frozenset({"public_cloud", "on_premises", "edge"})),
    "tags": Spec(FieldKind.SET),
    "scale": Spec(FieldKind.CODE, frozenset({"micro", "small", "medium"})),
    "region": Spec(FieldKind.CODE),
    "employees": Spec(FieldKind.NUMBER, minimum=0),
    "level": Spec(FieldKind.NUMBER, minimum=0, maximum=4),
    "balance": Spec(FieldKind.NUMBER, maximum=10),
    "weeks": Spec(FieldKind.SPAN, minimum=0),
    "attested": Spec(FieldKind.DATE),
    "offline": Spec(FieldKind.FLAG),
    "text": Spec(FieldKind.TEXT),
}


def leaf(field: str, op: str, value: object = None) -> dict[str, object]:
    data: dict[str, object] = {"field": field, "op": op}
    return data if value is None else {**data, "value": value}


def found(data: object) -> list[tuple[str, str, str]]:
    findings = lint(parse(data), SPECS.get)
    return [(finding.pointer, finding.code.value, finding.severity.value) for finding in findings]


SMALL_TEAM = leaf("employees", "lte", 20)
LARGE_TEAM = leaf("employees", "gte", 50)
EDGE = leaf("deployment", "in", ["edge"])
FIRST_DAY = "2026-01-01"
OFFLINE = leaf("offline", "is_true")


@pytest.mark.parametrize(
    "data",
    [
        EDGE,
        {"all": [EDGE, leaf("employees", "gte", 20), OFFLINE]},
        {"all": [EDGE]},
        {"all": [{"all": [EDGE, OFFLINE]}, {"any": [SMALL_TEAM, leaf("text", "exists")]}]},
        {"any": [SMALL_TEAM, LARGE_TEAM]},
        {"all": [EDGE, leaf("deployment", "in", ["public_cloud"])]},
        {"all": [EDGE, leaf("deployment", "not_in", ["public_cloud"])]},
        {"all": [leaf("region", "prefix_in", ["65"]), leaf("region", "not_in", ["65"])]},
        {"all": [leaf("weeks", "between", [1, 5]), leaf("weeks", "gte", 5)]},
        {"all": [leaf("attested", "after", "2026-01-01"), leaf("attested", "exists")]},
        {"all": [leaf("offline", "exists"), leaf("offline", "in", [True])]},
        {"all": [leaf("tags", "prefix_in", ["a"]), leaf("tags", "not_in", ["all"])]},
        leaf("text", "in", ["x"]),
        leaf("deployment", "in", ["all"]),
        leaf("deployment", "prefix_in", ["public", "all"]),
        leaf("level", "in", [0, 4]),
        {"not": leaf("balance", "gte", 3)},
        {"not": leaf("attested", "exists")},
    ],
)
def test_a_sound_rule_has_no_findings(data: object) -> None:
    assert found(data) == []


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        (leaf("scenes", "exists"), "/field", "unknown_field"),
        (leaf("deployment", "gte", 3), "/op", "op_does_not_fit"),
        (leaf("employees", "prefix_in", ["1"]), "/op", "op_does_not_fit"),
        (leaf("weeks", "in", [3]), "/op", "op_does_not_fit"),
        (leaf("attested", "between", [1, 2]), "/op", "op_does_not_fit"),
        (leaf("text", "is_true"), "/op", "op_does_not_fit"),
        (leaf("deployment", "in", ["edge", 3]), "/value/1", "value_does_not_fit"),
        (leaf("employees", "in", ["3"]), "/value/0", "value_does_not_fit"),
        (leaf("employees", "in", [True]), "/value/0", "value_does_not_fit"),
        (leaf("offline", "in", [1]), "/value/0", "value_does_not_fit"),
        (leaf("text", "in", [1]), "/value/0", "value_does_not_fit"),
        (leaf("level", "gte", 5), "/value", "value_does_not_fit"),
        (leaf("level", "between", [-1, 3]), "/value/0", "value_does_not_fit"),
        (leaf("deployment", "in", ["edge", "moon"]), "/value/1", "unknown_code"),
        (leaf("deployment", "prefix_in", ["moon"]), "/value/0", "unknown_code"),
        (leaf("deployment", "prefix_in", ["z"]), "/value/0", "unknown_code"),
        (leaf("scale", "in", ["all"]), "/value/0", "unknown_code"),
    ],
)
def test_a_leaf_that_does_not_fit_its_field_is_an_error(
    data: object, pointer: str, code: str
) -> None:
    assert found(data) == [(pointer, code, "error")]
    assert found({"any": [OFFLINE, data]}) == [(f"/any/1{pointer}", code, "error")]


@pytest.mark.parametrize(
    "data",
    [
        {"any": []},
        {"not": {"all": []}},
        {"all": [SMALL_TEAM, LARGE_TEAM]},
        {"all": [SMALL_TEAM, OFFLINE, {"not": {"not": {"all": [EDGE, LARGE_TEAM]}}}]},
        {"not": {"any": [leaf("level", "gte", 2), leaf("level", "lte", 2)]}},
        {"not": leaf("level", "gte", 0)},
        {"all": [EDGE, leaf("deployment", "not_in", ["edge", "public_cloud"])]},
        {"all": [EDGE, leaf("deployment", "not_in", ["all", "edge"])]},
        {"all": [EDGE, {"not": leaf("deployment", "overlaps", ["edge"])}]},
        {"all": [EDGE, {"not": leaf("deployment", "exists")}]},
        leaf("deployment", "not_in", ["edge", "public_cloud", "on_premises"]),
        {"all": [leaf("scale", "in", ["micro"]), leaf("scale", "in", ["small", "medium"])]},
        {"all": [leaf("region", "in", ["65"]), leaf("region", "in", ["21"])]},
        {"all": [leaf("region", "prefix_in", ["65"]), leaf("region", "in", ["2102"])]},
        {"all": [leaf("weeks", "lte", 3), leaf("weeks", "between", [4, 9])]},
        {"all": [leaf("attested", "before", "2026-01-02"), leaf("attested", "after", FIRST_DAY)]},
        leaf("attested", "before", "0001-01-01"),
        leaf("attested", "after", "9999-12-31"),
        {"all": [OFFLINE, {"not": OFFLINE}]},
        {"all": [{"any": []}, SMALL_TEAM]},
        {"all": [SMALL_TEAM, {"any": [LARGE_TEAM]}]},
        {"any": [{"all": [SMALL_TEAM, LARGE_TEAM]}, {"any": []}]},
    ],
)
def test_a_rule_that_nothing_meets_is_a_contradiction(data: object) -> None:
    assert ("contradiction", "error") in [entry[1:] for entry in found(data)]


def test_a_contradiction_inside_an_alternative_is_a_warning_at_its_place() -> None:
    data = {"all": [OFFLINE, {"any": [EDGE, {"all": [SMALL_TEAM, LARGE_TEAM]}]}]}

    assert found(data) == [("/all/1/any/1", "contradiction", "warning")]


def test_a_contradiction_is_said_once_at_the_smallest_group() -> None:
    data = {"all": [OFFLINE, {"all": [SMALL_TEAM, LARGE_TEAM]}]}

    assert found(data) == [("/all/1", "contradiction", "error")]


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"all": []}, ""),
        (leaf("employees", "gte", 0), ""),
        (leaf("scale", "in", ["micro", "small", "medium"]), ""),
        ({"any": [leaf("employees", "gte", 3), leaf("employees", "lte", 3)]}, ""),
        ({"any": [EDGE, {"not": EDGE}]}, ""),
        ({"any": [OFFLINE, leaf("level", "lte", 4)]}, "/any/1"),
        ({"all": [OFFLINE, leaf("level", "lte", 4)]}, "/all/1"),
        ({"not": leaf("attested", "before", "0001-01-01")}, ""),
    ],
)
def test_a_condition_that_rules_nothing_out_is_said(data: object, pointer: str) -> None:
    assert (pointer, "always_true", "warning") in found(data)


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"all": [leaf("employees", "gte", 10), leaf("employees", "gte", 20)]}, "/all/0"),
        ({"any": [leaf("employees", "gte", 10), leaf("employees", "gte", 20)]}, "/any/1"),
        ({"all": [leaf("employees", "between", [5, 9]), leaf("employees", "lte", 9)]}, "/all/1"),
        ({"any": [EDGE, leaf("deployment", "in", ["edge", "on_premises"])]}, "/any/0"),
        ({"all": [EDGE, leaf("deployment", "overlaps", ["edge"])]}, "/all/1"),
        ({"all": [EDGE, {"not": leaf("deployment", "not_in", ["edge"])}]}, "/all/1"),
        (
            {"all": [leaf("region", "in", ["6501"]), leaf("region", "prefix_in", ["65"])]},
            "/all/1",
        ),
        ({"all": [EDGE, {"any": [OFFLINE, EDGE]}]}, "/all/1"),
        ({"any": [EDGE, {"all": [OFFLINE, EDGE]}]}, "/any/1"),
        ({"any": [{"all": [OFFLINE, EDGE, SMALL_TEAM]}, {"all": [EDGE, OFFLINE]}]}, "/any/0"),
        ({"all": [{"not": {"any": [OFFLINE, EDGE]}}, {"not": EDGE}]}, "/all/1"),
        ({"all": [EDGE, {"any": [OFFLINE]}]}, "/all/1"),
        ({"not": {"all": [EDGE]}}, "/not"),
        ({"not": {"not": EDGE}}, ""),
        ({"any": [OFFLINE, {"not": {"not": EDGE}}]}, "/any/1"),
    ],
)
def test_a_part_that_changes_nothing_is_dead(data: object, pointer: str) -> None:
    assert found(data) == [(pointer, "dead_branch", "warning")]


def test_an_exists_beside_a_question_is_not_dead() -> None:
    """Without the fact, exists says no where the question only says unknown."""
    assert found({"all": [EDGE, leaf("deployment", "exists")]}) == []


def test_of_equal_parts_the_later_ones_are_duplicates() -> None:
    assert found({"any": [EDGE, OFFLINE, EDGE, {"all": [EDGE]}, EDGE]}) == [
        ("/any/2", "duplicate", "warning"),
        ("/any/3", "dead_branch", "warning"),
        ("/any/4", "duplicate", "warning"),
    ]


def test_parts_that_do_not_fit_are_still_seen_as_duplicates() -> None:
    moon = leaf("moon", "exists")

    assert found({"all": [moon, {"not": moon}, moon]}) == [
        ("/all/0/field", "unknown_field", "error"),
        ("/all/1/not/field", "unknown_field", "error"),
        ("/all/2", "duplicate", "warning"),
        ("/all/2/field", "unknown_field", "error"),
    ]


def test_true_is_no_duplicate_of_one() -> None:
    data = {"all": [leaf("offline", "in", [True]), leaf("offline", "in", [1])]}

    assert found(data) == [("/all/1/value/0", "value_does_not_fit", "error")]
    assert found(leaf("offline", "in", [True, 1])) == [("/value/1", "value_does_not_fit", "error")]


def test_a_listed_value_is_a_duplicate_and_a_range_of_one_number_is_not() -> None:
    assert found(leaf("employees", "in", [3, 4, 3])) == [("/value/2", "duplicate", "warning")]
    assert found(leaf("employees", "between", [3, 3])) == []


def test_pointers_start_where_the_rule_stands() -> None:
    findings = lint(parse({"any": [leaf("moon", "exists")]}), SPECS.get, at="/need/must")

    assert [finding.pointer for finding in findings] == ["/need/must/any/0/field"]


def test_of_a_chain_of_nots_each_pair_is_said_once() -> None:
    data: dict[str, object] = EDGE
    for _ in range(5):
        data = {"not": data}

    assert [entry[0] for entry in found(data)] == ["", "/not/not"]


def test_a_field_read_too_often_is_checked_leaf_by_leaf_only() -> None:
    lists = [[f"{word}{i}" for i in range(100)] for word in "abcdefghijklmnopqrstuvwxyz"]
    many = [leaf("tags", "in", values) for values in lists]
    unmeetable = [leaf("level", "gte", 3), leaf("level", "lte", 2)]

    findings = found({"all": [*many, leaf("tags", "not_in", lists[0]), leaf("tags", "gte", 1)]})
    assert findings == [("/all/27/op", "op_does_not_fit", "error")]
    assert found({"all": [*many, *unmeetable]}) == [("", "contradiction", "error")]


@pytest.mark.parametrize("code", [*Flaw, *FindingCode])
def test_every_code_is_said_in_both_languages(code: Flaw | FindingCode) -> None:
    assert wording(code, "en").isascii()
    assert any("\u4e00" <= char <= "\u9fff" for char in wording(code, "zh"))
    with pytest.raises(KeyError):
        wording(code, "fr")


def test_severities_are_the_two_that_clients_know() -> None:
    assert [severity.value for severity in Severity] == ["error", "warning"]
