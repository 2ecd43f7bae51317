from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import merged
from matchmaker.core.wire import InvalidContent


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    a: int
    b: int | None = None


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    inner: Inner | None = None
    levels: Annotated[dict[str, int], msgspec.Meta(max_length=2)] | None = None
    codes: list[str] | None = None
    must: dict[str, Any] | None = None


class InnerPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    a: int | UnsetType | None = UNSET
    b: int | UnsetType | None = UNSET


class WholePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | UnsetType | None = UNSET
    inner: InnerPatch | UnsetType | None = UNSET
    levels: dict[str, int | None] | UnsetType | None = UNSET
    codes: list[str] | UnsetType | None = UNSET
    must: dict[str, Any] | UnsetType | None = UNSET


NOW = Whole(
    name="n",
    inner=Inner(a=1, b=2),
    levels={"quality": 1},
    codes=["x", "y"],
    must={"all": []},
)


def patch(text: str) -> Whole:
    return merged(NOW, msgspec.json.decode(text, type=WholePatch))


def test_what_is_absent_stays() -> None:
    assert patch("{}") == NOW


def test_null_is_told_from_absent() -> None:
    assert patch('{"inner": null}') == msgspec.structs.replace(NOW, inner=None)
    assert patch('{"inner": {"b": null}}').inner == Inner(a=1)


def test_objects_are_merged_and_lists_replaced() -> None:
    assert patch('{"inner": {"a": 9}}').inner == Inner(a=9, b=2)
    assert patch('{"levels": {"cost": 3}}').levels == {"quality": 1, "cost": 3}
    assert patch('{"levels": {"cost": 3, "quality": null}}').levels == {"cost": 3}
    assert patch('{"codes": ["z"]}').codes == ["z"]


def test_a_rule_is_replaced_whole() -> None:
    assert patch('{"must": {"any": []}}').must == {"any": []}


@pytest.mark.parametrize("text", ['{"name": null}', '{"levels": {"b": 1, "c": 1}}'])
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidContent) as refused:
        patch(text)
    assert refused.value.errors


def test_a_member_that_nobody_knows_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        patch('{"colour": 1}')
