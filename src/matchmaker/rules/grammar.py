"""How each language says a rule: hand-written patterns, each language for itself.

`{field}` is the field's label, `{value}` one value, `{values}` several, `{low}` and `{high}` the
ends of a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.rules.answer import Answer
from matchmaker.rules.tree import Op

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The patterns of one language."""

    one: Mapping[Op, str]
    """A question with one value, or with none."""
    several: Mapping[Op, str]
    """A question with several values."""
    denied: Mapping[Op, str]
    """A question that reads better denied than wrapped in `negation`."""
    comma: str
    conjunction: str
    disjunction: str
    group: str
    negation: str
    """Around a group, which brings its brackets, or a denied question."""
    leaf_negation: str
    no_condition: str
    no_way: str
    span: str
    seen: str
    not_stated: str
    overall: str
    answers: Mapping[Answer, str]


ENGLISH: Final = Grammar(
    one={
        Op.IN: "{field} is {value}",
        Op.NOT_IN: "{field} is not {value}",
        Op.OVERLAPS: "{field} includes {value}",
        Op.PREFIX_IN: "{field} falls under {value}",
        Op.GTE: "{field} is at least {value}",
        Op.LTE: "{field} is at most {value}",
        Op.BETWEEN: "{field} is between {low} and {high}",
        Op.BEFORE: "{field} is before {value}",
        Op.AFTER: "{field} is after {value}",
        Op.EXISTS: "{field} is stated",
        Op.IS_TRUE: "{field} is answered with yes",
    },
    several={
        Op.IN: "{field} is one of: {values}",
        Op.NOT_IN: "{field} is none of: {values}",
        Op.OVERLAPS: "{field} includes at least one of: {values}",
        Op.PREFIX_IN: "{field} falls under one of: {values}",
    },
    denied={
        Op.EXISTS: "{field} is not stated",
        Op.IS_TRUE: "{field} is answered with no",
    },
    comma=", ",
    conjunction="; and ",
    disjunction="; or ",
    group="({clause})",
    negation="it is not true that {clause}",
    leaf_negation="it is not true that {clause}",
    no_condition="nothing is asked",
    no_way="nothing can meet this",
    span="{low} to {high}",
    seen="{clause} [it is {fact}: {answer}]",
    not_stated="{clause} [not stated: {answer}]",
    overall="{clause} – overall: {answer}",
    answers={Answer.NO: "no", Answer.UNKNOWN: "unknown", Answer.YES: "yes"},
)

CHINESE: Final = Grammar(
    one={
        Op.IN: "{field}为{value}",
        Op.NOT_IN: "{field}不是{value}",
        Op.OVERLAPS: "{field}包括{value}",
        Op.PREFIX_IN: "{field}在{value}范围内",
        Op.GTE: "{field}不低于{value}",
        Op.LTE: "{field}不超过{value}",
        Op.BETWEEN: "{field}在{low}至{high}之间",
        Op.BEFORE: "{field}早于{value}",
        Op.AFTER: "{field}晚于{value}",
        Op.EXISTS: "已填写{field}",
        Op.IS_TRUE: "{field}一项为“是”",
    },
    several={
        Op.IN: "{field}属于：{values}之一",
        Op.NOT_IN: "{field}不属于：{values}中的任何一项",
        Op.OVERLAPS: "{field}至少包括：{values}中的一项",
        Op.PREFIX_IN: "{field}在以下任一范围内：{values}",
    },
    denied={
        Op.EXISTS: "未填写{field}",
        Op.IS_TRUE: "{field}一项为“否”",
    },
    comma="、",
    conjunction="，并且",
    disjunction="，或者",
    group="（{clause}）",
    negation="并非{clause}",
    leaf_negation="并非（{clause}）",
    no_condition="不设条件",
    no_way="任何情况都不符合",
    span="{low}至{high}",
    seen="{clause}〔实际为{fact}：{answer}〕",
    not_stated="{clause}〔未填写：{answer}〕",
    overall="{clause}——总体：{answer}",
    answers={Answer.NO: "不符合", Answer.UNKNOWN: "尚不确定", Answer.YES: "符合"},
)

GRAMMARS: Final[Mapping[str, Grammar]] = {"zh": CHINESE, "en": ENGLISH}
