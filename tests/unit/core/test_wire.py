"""The strict reader, and what its faults say."""

from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from matchmaker.core import faults, wire
from matchmaker.core.errors import MatchmakerError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    n: Annotated[int, msgspec.Meta(ge=0)] = 0
    by_name: dict[str, int] = {}


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: list[Inner] = []
    name: wire.Line | None = None
    text: wire.Prose | None = None
    code: wire.Code | None = None
    title: wire.Text | None = None


@pytest.mark.asvs("V15.3.5")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ('{"items":[{},{"n":"7"}]}', "#/items/1/n", "wrong_type"),
        ('{"items":[{"n":-1}]}', "#/items/0/n", "out_of_range"),
        ('{"items":[{"x":1}]}', "#/items/0/x", "unknown_field"),
        ('{"items":[{"by_name":{"a":"b"}}]}', "#/items/0/by_name", "wrong_type"),
        ('{"a/b~c":1}', "#/a~1b~0c", "unknown_field"),
        ('{"name":""}', "#/name", "wrong_length"),
        ('{"name":"two\\nlines"}', "#/name", "wrong_form"),
        ('{"name":"ends\\n"}', "#/name", "wrong_form"),
        ('{"code":"a\\n"}', "#/code", "wrong_form"),
        ('{"text":"a\\u0000"}', "#/text", "control_character"),
        ('{"items":[{"by_name":{"\\u0007":1}}]}', "#/items/0/by_name", "control_character"),
        ('{"title":{}}', "#/title", "invalid"),
        ("[]", "#", "wrong_type"),
    ],
)
def test_the_first_fault_points_at_its_place(body: str, pointer: str, code: str) -> None:
    with pytest.raises(wire.InvalidContent) as refused:
        wire.decode(body.encode(), Outer)
    (fault,) = refused.value.errors
    assert (fault.pointer, fault.code) == (pointer, code)
    assert fault.message.zh != fault.message.en


@pytest.mark.parametrize("text", ["tab\tand\nline", "汉字", "é\U0001f600", ""])
def test_ordinary_text_passes(text: str) -> None:
    assert wire.decode(msgspec.json.encode({"text": text}), Outer).text == text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", wire.UnreadableJson),
        (b"{", wire.UnreadableJson),
        (b"\xff", wire.UnreadableJson),
        (b"[" * 30_000, wire.UnreadableJson),
        (b'{"items":Infinity}', wire.UnreadableJson),
        (b"\xef\xbb\xbf{}", wire.UnreadableJson),
        (b'{"items":[],"items":[]}', wire.RepeatedKey),
        (b'{"items":[{"n":1,"n":2}]}', wire.RepeatedKey),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, kind: type[MatchmakerError]) -> None:
    with pytest.raises(kind):
        wire.decode(body, Outer)


def test_msgspec_alone_would_let_a_repeated_key_pass() -> None:
    """The control: why the reader looks twice."""
    assert msgspec.json.decode(b'{"items":[{"n":1,"n":2}]}', type=Outer).items[0].n == 2


def test_an_unknown_message_still_gives_a_fault() -> None:
    fault = faults.from_message("Something new - at `$.a[3].b`", root="#/query")
    assert fault.pointer == "#/query/a/3/b"
    assert fault.code == "invalid"


def test_a_text_falls_back_to_its_other_language() -> None:
    assert wire.Text(zh="阀").in_language("en") == "阀"
    assert wire.Text(zh="阀", en="valve").in_language("en") == "valve"
    assert wire.Text(zh="阀", en="valve").in_language("zh") == "阀"
