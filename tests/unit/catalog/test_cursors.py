from __future__ import annotations

import base64

import pytest

from matchmaker.catalog import cursors
from matchmaker.catalog.errors import CursorInvalid
from matchmaker.core.ids import uuid7


def test_a_cursor_gives_back_where_the_list_goes_on() -> None:
    last = uuid7()
    assert cursors.read(cursors.write(last, {"kind": "talent"}), {"kind": "talent"}) == last


def test_without_a_cursor_the_list_starts() -> None:
    assert cursors.read(None, {}) is None


def test_a_cursor_of_other_filters_is_refused() -> None:
    with pytest.raises(CursorInvalid):
        cursors.read(cursors.write(uuid7(), {"kind": "talent"}), {"kind": "finance"})


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "!!",
        "é",
        "A",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(b'{"f":"x","a":"no id"}').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        cursors.read(cursor, {})
