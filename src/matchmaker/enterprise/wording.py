"""A stored profile as it is answered, in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.enterprise import schemas
from matchmaker.enterprise.derived import ELIGIBLE, by_figures, size_of
from matchmaker.taxonomy.explanation import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.language import Language
    from matchmaker.enterprise.service import StoredProfile
    from matchmaker.taxonomy.fields import FieldCatalogue


def profile(fields: FieldCatalogue, stored: StoredProfile, language: Language) -> schemas.Profile:
    """The whole version."""
    derived = stored.derived
    scheme = None
    if derived.scale_scheme is not None and derived.scale_edition is not None:
        scheme = schemas.ScaleScheme(code=derived.scale_scheme, edition=derived.scale_edition)
    return schemas.Profile(
        organisation_id=stored.organisation_id,
        version=stored.number,
        facts=stored.facts,
        derived=schemas.DerivedFacts(
            scale=derived.scale,
            scale_basis=derived.scale_basis,
            scale_scheme=scheme,
            scale_counts_for_eligibility=derived.scale_basis in ELIGIBLE,
            scale_explanation=list(_explanation(fields, stored, language)),
            stage=derived.stage,
            completeness=derived.completeness,
            # A later release may have dropped a field that was asked for then.
            missing=[
                schemas.MissingFact(field=name, question=fields.question(name, language))
                for name in derived.missing
                if name in fields
            ],
        ),
        created_at=stored.created_at,
    )


def summary(stored: StoredProfile) -> schemas.ProfileSummary:
    """The version in a list."""
    return schemas.ProfileSummary(
        version=stored.number,
        scale=stored.derived.scale,
        scale_basis=stored.derived.scale_basis,
        stage=stored.derived.stage,
        completeness=stored.derived.completeness,
        created_at=stored.created_at,
    )


def _explanation(
    fields: FieldCatalogue, stored: StoredProfile, language: Language
) -> Iterator[str]:
    """What the scheme says of the figures, unless another release derived what is stored."""
    size, then = size_of(fields.taxonomy, stored.facts), stored.derived
    told = (then.scale, then.scale_basis, then.scale_scheme, then.scale_edition)
    if (size.scale, size.basis, size.scheme, size.edition) == told:
        yield from sentences(fields.taxonomy, by_figures(fields.taxonomy, stored.facts), language)
