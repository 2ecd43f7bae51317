"""What a need lacks before others may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.demand.declaration import NeedVisibility, OpenCall
from matchmaker.identity.access import INACTIVE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from matchmaker.demand.declaration import NeedTerms
    from matchmaker.identity.models import OrganisationState

_AT = "#/transition"
_SAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "solution": ("text", "scenes", "scenarios", "categories"),
    "advisory": ("text", "scenes", "scenarios"),
    "research": ("text",),
    "talent": ("text", "scenes", "scenarios", "categories"),
    "finance": ("text", "budget"),
}
"""By kind the facts of which one at least tells what is looked for."""
_CALLED_FOR: Final = ("acceptance_metric", "deadline")
"""What an open call cannot be answered or judged without."""


def hindrances(
    need: NeedTerms, owner: OrganisationState, today: dt.date
) -> dict[str, list[FieldFault]]:
    """By step what is missing for it on ``today``."""
    return {"open": list(missing_to_open(need, owner, today))}


def missing_to_open(
    need: NeedTerms, owner: OrganisationState, today: dt.date
) -> Iterator[FieldFault]:
    """Everything that ``need`` lacks to be open on ``today``."""
    if owner in INACTIVE:
        said = Bilingual(zh="所属组织已被暂停或关闭", en="its organisation is suspended or closed")
        yield FieldFault(_AT, "organisation_inactive", said)
    yield from _too_little(need)
    yield from _past(need.ready_by, "ready_by", today)
    yield from _past(need.expires_on, "expires_on", today)
    if need.visibility is NeedVisibility.OPEN_CALL:
        yield from _call(need, today)


def _too_little(need: NeedTerms) -> Iterator[FieldFault]:
    one_of = _SAYS[need.kind]
    if not any(getattr(need, name) for name in one_of):
        names = ", ".join(one_of)
        said = Bilingual(zh=f"至少填写其中一项：{names}", en=f"state at least one of {names}")
        yield FieldFault(f"#/{one_of[0]}", "says_too_little", said)
    if need.title is None and need.visibility is not NeedVisibility.PRIVATE:
        said = Bilingual(zh="他人可见的需求须有标题", en="others find a need by its title")
        yield FieldFault("#/title", "missing_title", said)


def _call(need: NeedTerms, today: dt.date) -> Iterator[FieldFault]:
    call = need.open_call or OpenCall()
    if need.kind != "research" and not call.unmet:
        said = Bilingual(
            zh="公开征集仅限科研类需求或现有供给无法满足的需求",
            en="only research, or what nothing on offer meets, is put to an open call",
        )
        yield FieldFault("#/open_call/unmet", "not_for_a_call", said)
    for name in _CALLED_FOR:
        if not getattr(call, name):
            said = Bilingual(zh=f"公开征集须有 {name}", en=f"an open call needs {name}")
            yield FieldFault(f"#/open_call/{name}", f"missing_{name}", said)
    yield from _past(call.deadline, "open_call/deadline", today)


def _past(date: dt.date | None, at: str, today: dt.date) -> Iterator[FieldFault]:
    if date is not None and date < today:
        said = Bilingual(zh=f"日期 {date} 已过", en=f"{date} has passed")
        yield FieldFault(f"#/{at}", "date_has_passed", said)
