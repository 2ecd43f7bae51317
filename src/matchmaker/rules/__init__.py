"""Rules: one tree, three answers, a proof, a sentence and a linter; pure, standard library only."""

from __future__ import annotations

from matchmaker.rules.answer import (
    ALL,
    Answer,
    Fact,
    Facts,
    Overrides,
    Span,
    answer,
    answer_if,
    answer_with,
    is_unknown,
    leaf_answer,
    unknown_leaves,
)
from matchmaker.rules.finding import FieldKind, FieldSpec, Finding, FindingCode, Severity
from matchmaker.rules.lint import lint
from matchmaker.rules.proof import Proof, missing, prove
from matchmaker.rules.reading import Flaw, MalformedRule, parse
from matchmaker.rules.reasoning import Specs
from matchmaker.rules.sentence import Words, proof_sentence, sentence
from matchmaker.rules.tree import (
    AllOf,
    AnyOf,
    Leaf,
    Not,
    Op,
    Rule,
    Scalar,
    Value,
    conjuncts,
    fields,
    leaves,
    to_data,
)
from matchmaker.rules.wording import wording

__all__ = [
    "ALL",
    "AllOf",
    "Answer",
    "AnyOf",
    "Fact",
    "Facts",
    "FieldKind",
    "FieldSpec",
    "Finding",
    "FindingCode",
    "Flaw",
    "Leaf",
    "MalformedRule",
    "Not",
    "Op",
    "Overrides",
    "Proof",
    "Rule",
    "Scalar",
    "Severity",
    "Span",
    "Specs",
    "Value",
    "Words",
    "answer",
    "answer_if",
    "answer_with",
    "conjuncts",
    "fields",
    "is_unknown",
    "leaf_answer",
    "leaves",
    "lint",
    "missing",
    "parse",
    "proof_sentence",
    "prove",
    "sentence",
    "to_data",
    "unknown_leaves",
    "wording",
]
