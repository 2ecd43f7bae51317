"""Stored admissions as the wire says them, proofs in the asked language."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog.admissions import schemas
from matchmaker.catalog.admissions.machine import EXCEPTION
from matchmaker.catalog.pools.checks import restored
from matchmaker.catalog.pools.wording import check
from matchmaker.catalog.schemas import ProviderName
from matchmaker.core.wire import Text

if TYPE_CHECKING:
    from matchmaker.catalog.admissions.models import AdmissionDecision
    from matchmaker.catalog.admissions.queries import FoundAdmission
    from matchmaker.core.language import Language
    from matchmaker.taxonomy.fields import FieldCatalogue


def decision(
    row: AdmissionDecision, fields: FieldCatalogue, language: Language
) -> schemas.Decision:
    """A decision with what was found then."""
    return schemas.Decision(
        number=row.number,
        action=row.action,
        state=row.state,
        is_exception=row.action == EXCEPTION,
        note=row.note,
        decided_by=row.decided_by,
        created_at=row.created_at,
        check=check(restored(row.proof), row.pool_version, fields, language),
    )


def admission(
    found: FoundAdmission, fields: FieldCatalogue, language: Language
) -> schemas.Admission:
    """An admission with its last decision."""
    row = found.admission
    return schemas.Admission(
        id=row.id,
        pool_id=row.pool_id,
        pool_code=found.pool.code,
        offering_id=row.offering_id,
        provider_id=row.organisation_id,
        title=msgspec.convert(found.title, Text),
        state=row.state,
        tier=row.tier,
        valid_until=row.valid_until,
        revision=row.revision,
        decision=decision(found.decision, fields, language),
    )


def summary(found: FoundAdmission) -> schemas.AdmissionSummary:
    """An admission as a list shows it."""
    row = found.admission
    name = msgspec.convert(found.provider_name, Text)
    return schemas.AdmissionSummary(
        id=row.id,
        pool_id=row.pool_id,
        pool_code=found.pool.code,
        offering_id=row.offering_id,
        title=msgspec.convert(found.title, Text),
        provider=ProviderName(id=row.organisation_id, name=name),
        state=row.state,
        tier=row.tier,
        valid_until=row.valid_until,
    )
