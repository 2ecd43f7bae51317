"""Shapes on the wire that every room shares, and the strict reader of JSON bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from matchmaker.core import faults
from matchmaker.core.errors import BadRequest, FieldFault, Unprocessable
from matchmaker.core.language import Bilingual, Language

T = TypeVar("T")

Described: TypeAlias = Mapping[str, Any]
"""What ``__post_init__`` of a struct refuses, in JSON Schema: its class attribute `json_schema`."""

LARGEST = 9_007_199_254_740_991
"""The greatest whole number every JSON reader keeps exact (2**53 - 1)."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")
END = "$(?!\\n)"
"""The end of a text in a pattern: Python's ``$`` alone would let a line feed follow."""

Line = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, pattern=f"^[^\\x00-\\x1f]*{END}"),
]
"""A short text on one line: 1 to 200 characters, no control characters."""
Prose = Annotated[
    str,
    msgspec.Meta(max_length=8000, pattern="^[^\\x00-\\x08\\x0b-\\x1f]*$"),
]
"""A longer text: up to 8000 characters, no control characters but tab and line feed."""
Code = Annotated[str, msgspec.Meta(pattern=f"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}}{END}")]
"""A code of a vocabulary or an external id: ASCII, 1 to 64 characters."""
Currency = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[A-Z]{{3}}{END}",
        description="ISO 4217",
        extra_json_schema={"format": "currency"},
    ),
]
MinorUnits = Annotated[int, msgspec.Meta(ge=0, le=LARGEST, description="Minor units (fen, cents)")]


class Money(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount of money in whole minor units."""

    amount: MinorUnits
    currency: Currency


class Text(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A text in Chinese, English or both; at least one."""

    zh: Prose | None = None
    en: Prose | None = None

    json_schema: ClassVar[Described] = {
        "anyOf": [
            {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
            for name in ("zh", "en")
        ]
    }

    def __post_init__(self) -> None:
        """Refuse a text that says nothing."""
        if not self.zh and not self.en:
            raise ValueError("a text needs zh or en")

    def in_language(self, language: Language) -> str:
        """The text in ``language``, else in the other one."""
        first, second = (self.zh, self.en) if language == "zh" else (self.en, self.zh)
        return first or second or ""


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one place of the request."""

    pointer: Annotated[
        str, msgspec.Meta(description="JSON pointer as a fragment; a parameter is #/query/{name}")
    ]
    code: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem detail (RFC 9457); some kinds add members of their own."""

    type: Annotated[str, msgspec.Meta(description="Stable name of the kind of problem")]
    title: Annotated[str, msgspec.Meta(description="The kind in the asked language")]
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    code: Annotated[str, msgspec.Meta(description="The last part of `type`; never translated")]
    instance: Annotated[str, msgspec.Meta(description="urn:uuid of the request")]
    detail: str | None = None
    errors: list[FieldProblem] = []


class PageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next page starts; null on the last one."""

    next: str | None
    limit: int


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    items: list[T]
    page: PageInfo


class UnreadableJson(BadRequest):
    """The body is not JSON in UTF-8."""

    slug = "unreadable_json"
    title = Bilingual(zh="请求体不是可读的 JSON", en="The body is not readable JSON")


class RepeatedKey(BadRequest):
    """One object of the body holds the same key twice."""

    slug = "repeated_key"
    title = Bilingual(zh="JSON 对象中有重复的键", en="An object of the body repeats a key")


class InvalidContent(Unprocessable):
    """The body is JSON but not of the documented shape."""

    slug = "invalid_content"
    title = Bilingual(zh="请求内容不符合要求", en="The content does not fit its description")


def decode(body: bytes, target: type[T] | Any) -> T:  # noqa: ANN401  (msgspec takes any type form)
    """The body as ``target``, read strictly: no coercion, no repeated key, no control character.

    Raises:
        UnreadableJson: not JSON, not UTF-8, or nested too deep.
        RepeatedKey: one object has a key twice.
        InvalidContent: JSON of another shape; ``errors`` holds the first place that is wrong.
    """
    tree = _tree(body)
    _refuse_control_characters(tree, "#")
    try:
        found: T = msgspec.json.decode(body, type=target)
    except msgspec.ValidationError as error:
        raise InvalidContent(errors=[faults.from_message(str(error), root="#")]) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableJson from error
    return found


def _tree(body: bytes) -> object:
    try:
        # Numbers stay text: this pass looks at keys and strings only.
        return json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_int=_ignore,
            parse_float=_ignore,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableJson from error


def _ignore(_: str) -> None:
    return None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedKey(
            zh=f"键 {twice[:64]!r} 出现多次", en=f"the key {twice[:64]!r} occurs twice"
        )
    return found


def _refuse_control_characters(value: object, pointer: str) -> None:
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise InvalidContent(errors=[control_character(pointer)])
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_control_characters(name, pointer)
            _refuse_control_characters(inner, f"{pointer}/{faults.escape(name)}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _refuse_control_characters(inner, f"{pointer}/{position}")


def has_control_character(value: str) -> bool:
    """Whether ``value`` holds NUL or another control character that no text may hold."""
    return _CONTROL.search(value) is not None


def control_character(pointer: str) -> FieldFault:
    """The fault of a text with a control character."""
    return FieldFault(
        pointer,
        "control_character",
        Bilingual(zh="文本中含有不允许的控制字符", en="the text holds a control character"),
    )
