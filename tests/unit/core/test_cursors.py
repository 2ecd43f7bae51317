from __future__ import annotations

import base64

import pytest

from matchmaker.core.cursors import CursorInvalid, Cursors, Listing
from matchmaker.core.ids import uuid7

CURSORS = Cursors(b"k" * 32)
HERE = Listing("offerings", {"kind": "talent"}, uuid7())


def test_a_cursor_gives_back_where_the_list_goes_on() -> None:
    last = uuid7()
    assert CURSORS.read(CURSORS.write(last, HERE), HERE) == last


def test_another_worker_with_the_same_key_takes_it() -> None:
    last = uuid7()
    assert Cursors(b"k" * 32).read(CURSORS.write(last, HERE), HERE) == last


def test_without_a_cursor_the_list_starts() -> None:
    assert CURSORS.read(None, HERE) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        Listing("needs", HERE.filters, HERE.organisation_id),
        Listing(HERE.name, {"kind": "finance"}, HERE.organisation_id),
        Listing(HERE.name, HERE.filters, uuid7()),
        Listing(HERE.name, HERE.filters, None),
    ],
)
def test_a_cursor_of_another_list_is_refused(elsewhere: Listing) -> None:
    with pytest.raises(CursorInvalid):
        CURSORS.read(CURSORS.write(uuid7(), HERE), elsewhere)


def test_a_cursor_of_another_key_is_refused() -> None:
    with pytest.raises(CursorInvalid):
        Cursors(b"x" * 32).read(CURSORS.write(uuid7(), HERE), HERE)


def test_every_changed_octet_is_noticed() -> None:
    plain = base64.urlsafe_b64decode(CURSORS.write(uuid7(), HERE) + "==")
    for place in range(len(plain)):
        changed = plain[:place] + bytes([plain[place] ^ 1]) + plain[place + 1 :]
        with pytest.raises(CursorInvalid):
            CURSORS.read(base64.urlsafe_b64encode(changed).decode().rstrip("="), HERE)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "!!",
        "é",
        "A",
        base64.urlsafe_b64encode(b"[1]").decode(),
        base64.urlsafe_b64encode(bytes(16)).decode(),
        base64.urlsafe_b64encode(bytes(64)).decode(),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        CURSORS.read(cursor, HERE)


def test_a_page_ends_with_a_cursor_where_the_list_goes_on() -> None:
    ids = [uuid7() for _ in range(3)]
    shown, page = CURSORS.page(ids, 2, HERE, lambda id_: id_)
    assert list(shown) == ids[:2]
    assert CURSORS.read(page.next, HERE) == ids[1]
    shown, page = CURSORS.page(ids[:2], 2, HERE, lambda id_: id_)
    assert (list(shown), page.next) == (ids[:2], None)
