"""Guides as they are answered, in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.enterprise.assessments.schemas import NamedCode
from matchmaker.policy.guides import schemas

if TYPE_CHECKING:
    from matchmaker.core.language import Language
    from matchmaker.policy.guides.service import FoundGuide
    from matchmaker.taxonomy.registry import Taxonomy


def guide(taxonomy: Taxonomy, found: FoundGuide, language: Language) -> schemas.Guide:
    """The guide with the names of what it names."""
    terms = found.terms

    def named(scheme: str, code: str) -> NamedCode:
        return NamedCode(code=code, name=taxonomy.name(scheme, code, language))

    return schemas.Guide(
        id=found.id,
        organisation_id=found.organisation_id,
        code=terms.code,
        edition=terms.edition,
        issuer=terms.issuer.in_language(language),
        source=terms.source.in_language(language),
        industries=[named("gbt_4754_2017", code) for code in terms.industries],
        region=None if terms.region is None else named("gbt_2260", terms.region),
        scenes=[named("sme_scene", code) for code in terms.scenes],
        pitfalls=[each.in_language(language) for each in terms.pitfalls],
        state=found.state,
        note=found.note,
        created_at=found.created_at,
    )
