from __future__ import annotations

import pytest

from matchmaker.rules import AllOf, Answer, AnyOf, Fact, Leaf, Not, Op, Proof, Rule, missing, prove

A, B, C, D = (Leaf(name, Op.IS_TRUE) for name in "abcd")
FACTS: dict[str, Fact] = {"a": True, "b": False}


def test_a_proof_holds_every_answer_and_every_fact_seen() -> None:
    rule = AllOf((A, Not(AnyOf((B, C)))))

    assert prove(rule, FACTS.get) == Proof(
        rule,
        Answer.UNKNOWN,
        parts=(
            Proof(A, Answer.YES, seen=True),
            Proof(
                Not(AnyOf((B, C))),
                Answer.UNKNOWN,
                parts=(
                    Proof(
                        AnyOf((B, C)),
                        Answer.UNKNOWN,
                        parts=(Proof(B, Answer.NO, seen=False), Proof(C, Answer.UNKNOWN)),
                    ),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (A, ()),
        (C, ("c",)),
        (AllOf((D, C, A, D)), ("c", "d")),
        (AllOf((C, B)), ()),
        (AnyOf((C, A)), ()),
        (AllOf((C, AnyOf((D, A)))), ("c",)),
        (AnyOf((C, AllOf((D, B)))), ("c",)),
        (Not(C), ("c",)),
        (AllOf((C, Leaf("c", Op.EXISTS))), ()),
    ],
)
def test_missing_are_the_fields_that_can_still_change_the_answer(
    rule: Rule, fields: tuple[str, ...]
) -> None:
    assert missing(prove(rule, FACTS.get)) == fields
