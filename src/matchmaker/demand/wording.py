"""From what is stored of a need to what a reader is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.demand import content, schemas
from matchmaker.demand.declaration import NeedFacts

if TYPE_CHECKING:
    from matchmaker.demand import models
    from matchmaker.demand.queries import FoundNeed, ListedVersion
    from matchmaker.taxonomy.registry import Taxonomy

_OWN: Final = ("external_id", "note", "organisation_id", "pools")
"""What only those who see all of a need are told, beside facts that are not for everyone."""
_EVERYONE: Final = "everyone"


def withheld(taxonomy: Taxonomy) -> tuple[str, ...]:
    """The members of a need that the public is not told: the field catalogue says which facts."""
    names = {f"need.{name}": name for name in NeedFacts.__struct_fields__}
    kept = (
        names[field.name]
        for field in taxonomy.field_definitions
        if field.name in names and field.seen_by != _EVERYONE
    )
    return tuple(sorted((*kept, *_OWN)))


def need(found: FoundNeed, taxonomy: Taxonomy, *, is_whole: bool) -> schemas.Need:
    """The need as somebody is told of it who sees the whole of it, or what everyone may see."""
    row, version, *_ = found
    terms = content.terms(row, version)
    told = schemas.Need(
        **msgspec.structs.asdict(terms),
        id=row.id,
        version=version.number,
        state=row.state,
        organisation_id=row.organisation_id,
        external_id=row.external_id,
        all_scenes=content.scenes(terms, taxonomy),
        withheld=[],
        note=row.note,
        opened_at=row.opened_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )
    if is_whole:
        return told
    names = withheld(taxonomy)
    return msgspec.structs.replace(told, **dict.fromkeys(names), withheld=list(names))


def version_summary(row: ListedVersion) -> schemas.NeedVersionSummary:
    """The version in a list."""
    return schemas.NeedVersionSummary(
        number=row.number, content_hash=row.content_hash.hex(), created_at=row.created_at
    )


def version_detail(row: models.NeedVersion, taxonomy: Taxonomy) -> schemas.NeedVersionDetail:
    """All that the version says."""
    stated = content.stated(row)
    return schemas.NeedVersionDetail(
        **msgspec.structs.asdict(stated),
        number=row.number,
        all_scenes=content.scenes(stated, taxonomy),
        content_hash=row.content_hash.hex(),
        created_at=row.created_at,
    )


def member(row: models.NeedMember) -> schemas.NeedMember:
    """A firm's place in a need."""
    return schemas.NeedMember(
        organisation_id=row.organisation_id,
        state=row.state,
        note=row.note,
        created_at=row.created_at,
    )
