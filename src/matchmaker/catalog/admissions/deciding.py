"""What a decision is hindered by, what it must say, and what it leaves behind: pure."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from matchmaker.catalog.admissions.machine import EXCEPTION, HELD, REASONED, AdmissionState
from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.pools.machine import PoolState
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.rules import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.catalog.admissions.models import Admission
    from matchmaker.catalog.pools.checks import Check
    from matchmaker.core.machine import Step
    from matchmaker.core.transitions import Hindrances

_AT: Final = "#/transition"
_WHY: Final[Mapping[str, Bilingual]] = {
    "rule_not_met": Bilingual(
        zh="不符合入库规则；确需入库的，请使用特例入库并说明理由",
        en="the rule is not met; admit by exception, with a reason, or refuse",
    ),
    "rule_unanswered": Bilingual(
        zh="入库规则尚有事实未知；请等待补充，或使用特例入库并说明理由",
        en="the rule is not answered yet; wait for the facts, or admit by exception with a reason",
    ),
    "no_exception_needed": Bilingual(
        zh="已符合入库规则，无须特例", en="the rule is met: no exception is needed"
    ),
    "pool_closed": Bilingual(zh="该名录已停止受理申请", en="the pool takes no applications"),
    "offering_not_published": Bilingual(zh="该产品尚未发布", en="the offering is not published"),
}


def hindrances(check: Check, pool: PoolState, offering: OfferingState) -> Hindrances:
    """By step of an admission what is missing for it."""
    found: dict[str, list[str]] = {"reapply": []}
    if check.answer is Answer.YES:
        found[EXCEPTION] = ["no_exception_needed"]
    else:
        is_no = check.answer is Answer.NO
        found["admit"] = ["rule_not_met" if is_no else "rule_unanswered"]
    if pool is not PoolState.OPEN:
        found["reapply"].append("pool_closed")
    if offering is not OfferingState.PUBLISHED:
        found["reapply"].append("offering_not_published")
    return {
        name: [FieldFault(_AT, code, _WHY[code]) for code in codes] for name, codes in found.items()
    }


def needs_note(step: str, check: Check) -> bool:
    """Whether the step is taken only with a reason.

    A refusal needs none where the rule says no; an offering of which something is not known is
    never refused in silence.
    """
    return step in REASONED or (step == "refuse" and check.answer is not Answer.NO)


def left_behind(
    admission: Admission,
    step: Step[AdmissionState],
    check: Check,
    *,
    days: int | None,
    today: dt.date,
) -> dict[str, object]:
    """Tier and last day after ``step``: set by being admitted, kept while held, then gone."""
    if step.target not in HELD:
        return {"tier": None, "valid_until": None}
    if admission.state is not AdmissionState.APPLIED:
        return {"tier": admission.tier, "valid_until": admission.valid_until}
    last = None if days is None else today + dt.timedelta(days=days)
    return {"tier": check.tier, "valid_until": last}
