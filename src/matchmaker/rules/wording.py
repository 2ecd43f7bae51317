"""What the codes of malformed rules and of findings mean, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.rules.finding import FindingCode
from matchmaker.rules.reading import Flaw

if TYPE_CHECKING:
    from collections.abc import Mapping


def wording(code: Flaw | FindingCode, language: str) -> str:
    """What the code means, as a clause without full stop.

    Raises:
        KeyError: The language is neither zh nor en.
    """
    texts: Mapping[str, str] = _FLAWS[code] if isinstance(code, Flaw) else _FINDINGS[code]
    return texts[language]


_FLAWS: Final[Mapping[Flaw, Mapping[str, str]]] = {
    Flaw.NOT_AN_OBJECT: {"en": "a rule is a JSON object", "zh": "规则必须是JSON对象"},
    Flaw.NOT_ONE_KNOWN_KEY: {
        "en": "a rule has exactly one of the keys all, any, not, or it is a question to a field",
        "zh": "规则只能有all、any、not三个键之一，或是对某个字段的提问",
    },
    Flaw.WRONG_LEAF_KEYS: {
        "en": "a question has the keys field, op and value; exists and is_true take no value",
        "zh": "提问须有field、op、value三个键；exists和is_true不带value",
    },
    Flaw.NOT_A_FIELD_NAME: {
        "en": "a field name is made of lower-case words joined by dots",
        "zh": "字段名由小写英文单词组成，以点号相连",
    },
    Flaw.UNKNOWN_OP: {"en": "there is no such operator", "zh": "没有这个运算符"},
    Flaw.NOT_A_LIST: {"en": "a list is needed here", "zh": "此处须为列表"},
    Flaw.EMPTY_LIST: {"en": "the list is empty", "zh": "列表为空"},
    Flaw.TOO_MANY_VALUES: {"en": "a list holds at most 100 values", "zh": "列表最多100个值"},
    Flaw.NOT_A_SCALAR: {
        "en": "a value is a text, a number, true or false",
        "zh": "值只能是文本、数字、true或false",
    },
    Flaw.NOT_A_TEXT: {
        "en": "a text of 1 to 200 characters is needed here",
        "zh": "此处须为1至200个字符的文本",
    },
    Flaw.NOT_A_NUMBER: {"en": "a number is needed here", "zh": "此处须为数字"},
    Flaw.NUMBER_OUT_OF_RANGE: {
        "en": "the number is too large to be kept exactly",
        "zh": "数字过大，无法精确保存",
    },
    Flaw.NOT_A_RISING_PAIR: {
        "en": "a range is a list of two numbers, the smaller first",
        "zh": "区间是两个数字的列表，小的在前",
    },
    Flaw.NOT_A_DATE: {
        "en": "a date is written as year-month-day, such as 2027-03-01",
        "zh": "日期须写成“年-月-日”，如2027-03-01",
    },
    Flaw.TOO_DEEP: {"en": "the rule is nested more than 8 levels", "zh": "规则嵌套超过8层"},
    Flaw.TOO_MANY_LEAVES: {
        "en": "the rule asks more than 64 questions",
        "zh": "规则中的提问超过64个",
    },
}

_FINDINGS: Final[Mapping[FindingCode, Mapping[str, str]]] = {
    FindingCode.UNKNOWN_FIELD: {"en": "there is no such field", "zh": "没有这个字段"},
    FindingCode.OP_DOES_NOT_FIT: {
        "en": "this kind of field cannot be asked that way",
        "zh": "这类字段不能这样提问",
    },
    FindingCode.VALUE_DOES_NOT_FIT: {
        "en": "the field cannot have this value",
        "zh": "该字段不可能取这个值",
    },
    FindingCode.UNKNOWN_CODE: {
        "en": "the field's vocabulary has no such code",
        "zh": "该字段的词表中没有这个代码",
    },
    FindingCode.CONTRADICTION: {
        "en": "nothing can ever meet this condition",
        "zh": "任何情况都无法满足这个条件",
    },
    FindingCode.ALWAYS_TRUE: {
        "en": "this condition rules nothing out",
        "zh": "这个条件不会排除任何情况",
    },
    FindingCode.DEAD_BRANCH: {
        "en": "this part changes no answer and can go",
        "zh": "这一部分不影响任何结果，可以去掉",
    },
    FindingCode.DUPLICATE: {
        "en": "the same already stands before it",
        "zh": "与前面的内容重复",
    },
}
