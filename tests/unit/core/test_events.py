"""What is an event and what is none."""

from __future__ import annotations

from uuid import uuid4

import pytest

from matchmaker.core.events import CLOCK, Event


def event(kind: str) -> Event:
    return Event(
        kind=kind, subject_type="need", subject_id=uuid4(), organisation_id=None, actor=CLOCK
    )


@pytest.mark.parametrize("kind", ["need.opened", "api_key.revoked", "match_run.stored"])
def test_a_kind_is_a_noun_and_a_verb(kind: str) -> None:
    assert event(kind).kind == kind


@pytest.mark.parametrize("kind", ["", "need", "need.", "Need.opened", "a.b.c", "need.opened\n"])
def test_anything_else_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=r"not like noun\.verb"):
        event(kind)
