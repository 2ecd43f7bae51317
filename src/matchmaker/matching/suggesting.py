"""Suggestions in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from matchmaker.core.language import Bilingual
from matchmaker.matching import schemas
from matchmaker.rules import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matchmaker.matching.changing import Change, Suggestion
    from matchmaker.matching.phrases import Speaker

_LEFT_OUT: Final = Bilingual(zh="不再要求：{before}", en="No longer ask: {before}")
_RELAXED: Final = Bilingual(
    zh="将“{before}”放宽为“{after}”", en="Ask “{after}” instead of “{before}”"
)
_OF_FIELD: Final[Mapping[str, Bilingual]] = {
    "need.budget.amount": Bilingual(
        zh="预算从 {before} 提高到 {after}", en="Raise the budget from {before} to {after}"
    ),
    "need.ready_by": Bilingual(
        zh="完成日期从 {before} 推迟到 {after}", en="Wait until {after} instead of {before}"
    ),
    "package.price": Bilingual(
        zh="首年价格从 {before} 降到 {after}",
        en="Ask {after} instead of {before} for the first year",
    ),
    "package.weeks": Bilingual(
        zh="交付周期从 {before} 周缩短到 {after} 周",
        en="Deliver within {after} weeks instead of {before}",
    ),
    "offering.attested": Bilingual(
        zh="重新确认产品信息（{after}）", en="Attest the facts of the offering anew ({after})"
    ),
}
_AMOUNTS: Final = frozenset({"need.budget.amount", "package.price"})


def told(found: Sequence[Suggestion], speaker: Speaker) -> list[schemas.Suggestion]:
    """The suggestions as they are read."""
    return [
        schemas.Suggestion(
            by=each.by,
            changes=[
                schemas.SuggestedChange(
                    field=change.field,
                    before=change.before,
                    after=change.after,
                    sentence=_sentence(change, speaker),
                )
                for change in each.changes
            ],
            rank=each.rank,
        )
        for each in found
    ]


def _sentence(change: Change, speaker: Speaker) -> str:
    text = _OF_FIELD.get(change.field) or (_LEFT_OUT if change.after is None else _RELAXED)
    ends = {"before": change.before, "after": change.after}
    values = {name: _value(change.field, value, speaker) for name, value in ends.items()}
    return text.in_language(speaker.language).format(**values)


def _value(field: str, value: object, speaker: Speaker) -> str:
    if isinstance(value, dict):
        return speaker.sentence(parse(cast("dict[str, Any]", value)))
    if field in _AMOUNTS and isinstance(value, int):
        return speaker.money(value)
    return "" if value is None else str(value)
