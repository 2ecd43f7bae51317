"""Coverage counted: every code of a scheme, and how many offerings name it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

from matchmaker.catalog.coverage import schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matchmaker.catalog.coverage.queries import NamedSets
    from matchmaker.core.language import Language
    from matchmaker.taxonomy.registry import Taxonomy

By = Literal["scenarios", "standards"]
SCHEMES: Final[Mapping[By, str]] = {
    "scenarios": "im_scenario",
    "standards": "cn_im_standard_2024",
}


def counted(
    taxonomy: Taxonomy, scheme: str, named: Sequence[NamedSets], language: Language
) -> schemas.CoverageCount:
    """Every code of ``scheme`` with how many offerings name it, each offering once per code."""
    found: Counter[str] = Counter()
    for each in named:
        for code in _codes(each, scheme):
            found[code] += each.offerings
    table = taxonomy.scheme(scheme)
    return schemas.CoverageCount(
        scheme=scheme,
        edition=table.header.edition,
        offerings=sum(each.offerings for each in named),
        unnamed=sum(each.offerings for each in named if not _codes(each, scheme)),
        items=[
            schemas.Coverage(
                code=entry.code,
                name=table.name(entry.code, language),
                parent=entry.parent,
                scene=None if (scene := entry.extra.get("scene")) is None else str(scene),
                offerings=found[entry.code],
            )
            for entry in table.entries.values()
        ],
    )


def _codes(named: NamedSets, scheme: str) -> set[str]:
    if scheme == SCHEMES["scenarios"]:
        return {*(named.scenarios or ())}
    stated: Iterable[str | None] = (
        each.get(part) for each in named.standards or () for part in ("class", "sub")
    )
    return {code for code in stated if code is not None}
