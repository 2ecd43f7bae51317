"""What a decoder's message says, as a pointer, a stable code and a sentence in both languages."""

from __future__ import annotations

import re

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")

_RULES: tuple[tuple[re.Pattern[str], str, str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), code, zh, en)
    for pattern, code, zh, en in (
        (r"Object missing required field `(?P<field>.*)`", "missing", "缺少该字段", "is required"),
        (
            r"Object contains unknown field `(?P<field>.*)`",
            "unknown_field",
            "没有这个字段",
            "is not a known field",
        ),
        (
            r"Expected `(?P<a>[^`]*)`, got `(?P<b>[^`]*)`",
            "wrong_type",
            "类型应为 {a}，收到的是 {b}",
            "must be {a}, not {b}",
        ),
        (
            r"Expected `[^`]*` of length (?P<a>.*)",
            "wrong_length",
            "长度应 {a}",
            "must have a length {a}",
        ),
        (
            r"Expected `[^`]*` (?P<a>(?:>=|<=|>|<) .*)",
            "out_of_range",
            "应 {a}",
            "must be {a}",
        ),
        (r"Expected `[^`]*` matching regex.*", "wrong_form", "格式不正确", "has a wrong form"),
        (
            r"Number out of range|.*out of range.*",
            "out_of_range",
            "数值超出范围",
            "is out of range",
        ),
        (r"Invalid enum value.*", "unknown_value", "不是允许的取值", "is not one of the values"),
        (
            r"Invalid (?P<a>RFC3339 encoded \w+|UUID|date|datetime).*",
            "wrong_form",
            "格式不正确",
            "is not a valid {a}",
        ),
    )
)


def escape(name: str) -> str:
    """One step of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_of(path: str, root: str) -> str:
    """A decoder's path ``.need.items[0]`` as a pointer below ``root``; an unnamed key ends it."""
    steps: list[str] = []
    for name, index in _STEP.findall(path):
        if index == "...":
            break
        steps.append(escape(name or index))
    return "/".join([root, *steps])


def from_message(message: str, *, root: str) -> FieldFault:
    """The fault that ``message`` of msgspec tells, with a pointer below ``root``."""
    match = _AT.match(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    pointer = pointer_of(path, root)
    for pattern, code, zh, en in _RULES:
        if found := pattern.fullmatch(what):
            parts = {name: value[:80] for name, value in found.groupdict().items()}
            if "field" in parts:
                pointer = f"{pointer}/{escape(parts['field'])}"
            return FieldFault(
                pointer, code, Bilingual(zh=zh.format(**parts), en=en.format(**parts))
            )
    return FieldFault(pointer, "invalid", Bilingual(zh="取值无效", en=what[:200]))
