"""Laws of the rules: logic, round trip, assumed answers, and a linter that is never wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from matchmaker.rules import (
    AllOf,
    Answer,
    AnyOf,
    Fact,
    FieldKind,
    Finding,
    FindingCode,
    Leaf,
    MalformedRule,
    Not,
    Op,
    Rule,
    Span,
    Value,
    answer,
    answer_if,
    answer_with,
    fields,
    leaf_answer,
    lint,
    missing,
    parse,
    prove,
    to_data,
    unknown_leaves,
)

NO, UNKNOWN, YES = Answer.NO, Answer.UNKNOWN, Answer.YES
Facts = dict[str, Fact]


@dataclass(frozen=True)
class Spec:
    kind: FieldKind
    codes: frozenset[str] | None = None
    minimum: int | None = None
    maximum: int | None = None


CODES = frozenset({"a", "ab", "b"})
SPECS = {
    "set": Spec(FieldKind.SET, CODES),
    "open_set": Spec(FieldKind.SET),
    "code": Spec(FieldKind.CODE, CODES),
    "number": Spec(FieldKind.NUMBER, minimum=0, maximum=3),
    "free_number": Spec(FieldKind.NUMBER),
    "span": Spec(FieldKind.SPAN, minimum=0),
    "date": Spec(FieldKind.DATE),
    "flag": Spec(FieldKind.FLAG),
    "text": Spec(FieldKind.TEXT),
}


def choices(elements: tuple[str, ...]) -> tuple[Fact, ...]:
    """Every set over the elements; the empty one stands for unknown."""
    sizes = range(len(elements) + 1)
    return tuple(
        frozenset(chosen) for size in sizes for chosen in itertools.combinations(elements, size)
    )


FIRST = date(2026, 1, 1)
HALVES = tuple(step / 2 for step in range(7))
# All facts of a small world in which every cell that a rule below can tell apart is inhabited.
DOMAINS: dict[str, tuple[Fact, ...]] = {
    "set": choices(("a", "ab", "b", "all")),
    "open_set": choices(("a", "aa", "ab", "aba", "z", "all")),
    "code": (None, "a", "ab", "b"),
    "number": (None, *HALVES),
    "free_number": (None, -1, 4, *HALVES),
    "span": (None, *(Span(0, high) for high in (*HALVES, 4))),
    "date": (None, *(FIRST + timedelta(days=day) for day in range(-2, 4))),
    "flag": (None, True, False),
    "text": (None, "a", "aa", "ab", "aba", "z"),
}

open_codes = st.lists(st.sampled_from(["a", "ab"]), min_size=1, max_size=2).map(tuple)
codes = st.lists(st.sampled_from(["a", "ab", "b"]), min_size=1, max_size=3).map(tuple)
numbers = st.integers(0, 3)
days = st.integers(-1, 2).map(lambda day: (FIRST + timedelta(days=day)).isoformat())
OF_CODES = [Op.IN, Op.NOT_IN, Op.OVERLAPS, Op.PREFIX_IN]
VALUES: dict[Op, st.SearchStrategy[Value]] = {
    **dict.fromkeys(OF_CODES, codes),
    Op.GTE: numbers,
    Op.LTE: numbers,
    Op.BETWEEN: st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair))),
    Op.BEFORE: days,
    Op.AFTER: days,
    Op.EXISTS: st.none(),
    Op.IS_TRUE: st.none(),
}
OF_NUMBERS = [Op.GTE, Op.LTE, Op.BETWEEN]
MIDDLE: dict[Op, Value] = {
    **dict.fromkeys(OF_CODES, ("a",)),
    **dict.fromkeys(OF_NUMBERS, 1),
    Op.BETWEEN: (1, 2),
    Op.BEFORE: FIRST.isoformat(),
    Op.AFTER: FIRST.isoformat(),
    Op.IS_TRUE: None,
}
OPS = {
    FieldKind.SET: OF_CODES,
    FieldKind.CODE: OF_CODES,
    FieldKind.TEXT: OF_CODES,
    FieldKind.NUMBER: OF_NUMBERS,
    FieldKind.SPAN: OF_NUMBERS,
    FieldKind.DATE: [Op.BEFORE, Op.AFTER],
    FieldKind.FLAG: [Op.IS_TRUE],
}


@st.composite
def fit_leaves(draw: st.DrawFn, names: tuple[str, ...]) -> Leaf:
    name = draw(st.sampled_from(names))
    op = draw(st.sampled_from([*OPS[SPECS[name].kind], Op.EXISTS]))
    is_open = op in OF_CODES and SPECS[name].codes is None
    return Leaf(name, op, draw(open_codes if is_open else VALUES[op]))


def grown(leaf: st.SearchStrategy[Rule], max_leaves: int) -> st.SearchStrategy[Rule]:
    def extend(part: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
        groups = st.lists(part, max_size=3).map(tuple)
        return groups.map(AllOf) | groups.map(AnyOf) | part.map(Not)

    return st.recursive(leaf, extend, max_leaves=max_leaves)


small_worlds = st.lists(st.sampled_from(sorted(SPECS)), min_size=1, max_size=2, unique=True)
fit_rules: st.SearchStrategy[Rule] = small_worlds.flatmap(
    lambda names: grown(fit_leaves(tuple(names)), max_leaves=7)
)

scalars = (
    st.text(min_size=1, max_size=5)
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15)
)
NAMES = ("a", "b.c", "d_1")
ANY_VALUES: dict[Op, st.SearchStrategy[Value]] = {
    **VALUES,
    **dict.fromkeys(
        [Op.IN, Op.NOT_IN, Op.OVERLAPS], st.lists(scalars, min_size=1, max_size=4).map(tuple)
    ),
}


@st.composite
def any_leaves(draw: st.DrawFn, ops: tuple[Op, ...] = tuple(Op)) -> Leaf:
    op = draw(st.sampled_from(ops))
    return Leaf(draw(st.sampled_from(NAMES)), op, draw(ANY_VALUES[op]))


any_rules = grown(any_leaves(), max_leaves=10)
rules_without_exists = grown(
    any_leaves(tuple(op for op in Op if op is not Op.EXISTS)), max_leaves=10
)
known_facts: st.SearchStrategy[Fact] = (
    scalars
    | st.frozensets(st.sampled_from(["a", "ab", "b", "c", "all"]), min_size=1)
    | st.builds(Span, st.integers(0, 1), st.integers(1, 4))
    | st.dates(FIRST - timedelta(days=3), FIRST + timedelta(days=3))
    | st.integers(0, 4)
)
any_facts = st.fixed_dictionaries(dict.fromkeys(NAMES, st.none() | known_facts))


def worlds(rule: Rule) -> Iterator[Facts]:
    """Every assignment of small-world facts to the fields the rule reads."""
    names = fields(rule)
    for chosen in itertools.product(*(DOMAINS[name] for name in names)):
        yield dict(zip(names, chosen, strict=True))


class TestLogic:
    @given(any_rules, any_rules, any_rules, any_facts)
    def test_the_laws_of_strong_kleene_logic_hold(
        self, a: Rule, b: Rule, c: Rule, facts: Facts
    ) -> None:
        def same(one: Rule, other: Rule) -> bool:
            return answer(one, facts.get) == answer(other, facts.get)

        assert same(Not(Not(a)), a)
        assert same(Not(AllOf((a, b))), AnyOf((Not(a), Not(b))))
        assert same(Not(AnyOf((a, b))), AllOf((Not(a), Not(b))))
        assert same(AllOf((a, b, c)), AllOf((c, AllOf((b, a)))))
        assert same(AnyOf((a, b, c)), AnyOf((c, AnyOf((b, a)))))
        assert same(AllOf((a, AnyOf((b, c)))), AnyOf((AllOf((a, b)), AllOf((a, c)))))
        assert same(AllOf((a, AnyOf((a, b)))), a)
        assert same(AnyOf((a, AllOf((a, b)))), a)
        assert same(AllOf((a, AllOf(()))), a)
        assert same(AnyOf((a, AnyOf(()))), a)

    @given(rules_without_exists, any_facts, any_facts)
    def test_learning_a_fact_never_turns_a_decided_answer(
        self, rule: Rule, facts: Facts, learned: Facts
    ) -> None:
        before = answer(rule, facts.get)
        more = {name: learned[name] if facts[name] is None else facts[name] for name in NAMES}

        assert before is UNKNOWN or answer(rule, more.get) is before

    def test_exists_alone_may_turn_when_a_fact_is_learned(self) -> None:
        """The control: the one op that answers no on what is unknown."""
        rule = Leaf("a", Op.EXISTS)

        assert answer(rule, {"a": None}.get) is NO
        assert answer(rule, {"a": 1}.get) is YES

    @given(st.sampled_from(list(Op)), st.none() | scalars | codes, known_facts | st.none())
    def test_no_fact_and_no_value_make_a_leaf_fail(self, op: Op, value: Value, fact: Fact) -> None:
        assert leaf_answer(op, value, fact) in set(Answer)


class TestRoundTrip:
    @given(any_rules)
    def test_what_is_written_is_read_back(self, rule: Rule) -> None:
        try:
            read = parse(to_data(rule))
        except MalformedRule:
            assume(condition=False)
        else:
            assert repr(read) == repr(rule)
            assert repr(to_data(read)) == repr(to_data(rule))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["all", "any", "not", "field", "op", "value", "x"]), inner
                )
            ),
            max_leaves=15,
        )
    )
    def test_any_json_is_a_rule_or_malformed(self, data: object) -> None:
        try:
            rule = parse(data, at="/must")
        except MalformedRule as malformed:
            pointer = malformed.pointer
        else:
            assert to_data(rule) == data
            return
        assert pointer.startswith("/must")


class TestAssumedAnswers:
    @given(any_rules, any_facts, st.sampled_from(NAMES), st.sampled_from([NO, YES]))
    def test_assuming_equals_setting_the_unknown_leaves_one_by_one(
        self, rule: Rule, facts: Facts, name: str, assumed: Answer
    ) -> None:
        unknown = {repr(leaf) for leaf in unknown_leaves(rule, facts.get) if leaf.field == name}

        def override(leaf: Leaf) -> Answer | None:
            return assumed if repr(leaf) in unknown else None

        assert answer_if(rule, facts.get, name, assumed) == answer_with(rule, facts.get, override)

    @given(any_rules, any_facts)
    def test_without_an_override_nothing_changes(self, rule: Rule, facts: Facts) -> None:
        assert answer_with(rule, facts.get, lambda _leaf: None) == answer(rule, facts.get)
        assert prove(rule, facts.get).answer == answer(rule, facts.get)

    @given(any_rules, any_facts)
    def test_a_field_that_is_not_missing_cannot_change_the_answer(
        self, rule: Rule, facts: Facts
    ) -> None:
        known = answer(rule, facts.get)
        open_fields = missing(prove(rule, facts.get))

        assert bool(open_fields) == (known is UNKNOWN)
        for name in set(NAMES) - set(open_fields):
            assert answer_if(rule, facts.get, name, YES) is known
            assert answer_if(rule, facts.get, name, NO) is known


def node_at(rule: Rule, pointer: str) -> Rule:
    for step in pointer.split("/")[1:]:
        if isinstance(rule, Not):
            rule = rule.part
        elif step not in {"all", "any"}:
            assert isinstance(rule, AllOf | AnyOf)
            rule = rule.parts[int(step)]
    return rule


def pointers(findings: tuple[Finding, ...], *wanted: FindingCode) -> set[str]:
    return {finding.pointer for finding in findings if finding.code in wanted}


def pruned(rule: Rule, at: str, dead: set[str]) -> Rule:
    """The rule without its dead nodes; one that only wraps another gives way to it."""
    if isinstance(rule, Leaf):
        return rule
    if isinstance(rule, Not):
        if at in dead and isinstance(rule.part, Not):
            return pruned(rule.part.part, f"{at}/not/not", dead)
        return Not(pruned(rule.part, f"{at}/not", dead))
    key = "all" if isinstance(rule, AllOf) else "any"
    places = {f"{at}/{key}/{place}": part for place, part in enumerate(rule.parts)}
    if at in dead and len(rule.parts) == 1:
        return pruned(rule.parts[0], f"{at}/{key}/0", dead)
    stay = {to: part for to, part in places.items() if to not in dead or is_wrapper(part)}
    return type(rule)(tuple(pruned(part, to, dead) for to, part in stay.items()))


def is_wrapper(rule: Rule) -> bool:
    if isinstance(rule, Not):
        return isinstance(rule.part, Not)
    return isinstance(rule, AllOf | AnyOf) and len(rule.parts) == 1


@st.composite
def literals_of_one_field(draw: st.DrawFn) -> tuple[Rule, ...]:
    names = (draw(st.sampled_from(sorted(SPECS))),)
    leaf = fit_leaves(names)
    return tuple(draw(st.lists(leaf | leaf.map(Not), min_size=1, max_size=4)))


class TestLinter:
    @given(fit_rules)
    @settings(max_examples=200, deadline=None)
    def test_a_contradiction_is_never_met_and_what_is_always_true_never_denied(
        self, rule: Rule
    ) -> None:
        findings = lint(rule, SPECS.get)

        for code, excluded in ((FindingCode.CONTRADICTION, YES), (FindingCode.ALWAYS_TRUE, NO)):
            for pointer in pointers(findings, code):
                node = node_at(rule, pointer)
                assert all(answer(node, facts.get) is not excluded for facts in worlds(node))

    @given(fit_rules)
    @settings(max_examples=150, deadline=None)
    def test_all_dead_parts_can_go_together_and_no_answer_changes(self, rule: Rule) -> None:
        dead = pointers(lint(rule, SPECS.get), FindingCode.DEAD_BRANCH, FindingCode.DUPLICATE)
        kept = pruned(rule, "", dead)

        for facts in worlds(rule):
            assert answer(kept, facts.get) is answer(rule, facts.get)

    @given(literals_of_one_field())
    @settings(max_examples=250, deadline=None)
    def test_over_one_field_it_misses_nothing(self, parts: tuple[Rule, ...]) -> None:
        rules = (AllOf(parts), AnyOf(parts), Not(AllOf(parts)), Not(AnyOf(parts)))
        for rule in rules:
            answers = {answer(rule, facts.get) for facts in worlds(rule)}
            codes = {finding.code for finding in lint(rule, SPECS.get)}
            assert YES in answers or FindingCode.CONTRADICTION in codes
            assert NO in answers or FindingCode.ALWAYS_TRUE in codes

    @given(literals_of_one_field())
    @settings(max_examples=250, deadline=None)
    def test_of_two_conditions_on_one_field_it_finds_the_weaker(
        self, parts: tuple[Rule, ...]
    ) -> None:
        assume(len(parts) > 1)
        first, second = parts[:2]
        both = AllOf((first, second))

        def is_enough(part: Rule) -> bool:
            return all(answer(part, f.get) is answer(both, f.get) for f in worlds(both))

        dead = pointers(lint(both, SPECS.get), FindingCode.DEAD_BRANCH, FindingCode.DUPLICATE)
        assert bool(dead & {"/all/0", "/all/1"}) is (is_enough(first) or is_enough(second))

    @given(any_rules, st.sampled_from([*SPECS.values(), None]))
    @settings(max_examples=150)
    def test_it_takes_any_rule_over_any_catalogue(self, rule: Rule, spec: Spec | None) -> None:
        for finding in lint(rule, lambda _field: spec, at="/must"):
            assert finding.pointer.startswith("/must")

    @pytest.mark.parametrize("field", sorted(SPECS))
    def test_the_small_world_meets_and_denies_every_question(self, field: str) -> None:
        """The control of the brute force: a world in which nothing differs would prove nothing."""
        for op in OPS[SPECS[field].kind]:
            answers = {leaf_answer(op, MIDDLE[op], fact) for fact in DOMAINS[field]}
            assert answers == {NO, UNKNOWN, YES}
