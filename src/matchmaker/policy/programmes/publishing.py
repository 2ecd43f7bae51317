"""Programmes as an index folder holds them: an answer can name them without SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.policy.programmes.declaration import ProgrammeTerms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.policy.programmes.queries import LiveProgramme


class PublishedProgramme(msgspec.Struct, frozen=True, kw_only=True):
    """A programme as it was published when the index was built."""

    id: str
    owner: str
    version: int
    terms: ProgrammeTerms


def published(live: Sequence[LiveProgramme]) -> bytes:
    """The programmes, as JSON."""
    return msgspec.json.encode([_published(each) for each in live])


def read(content: bytes) -> tuple[PublishedProgramme, ...]:
    """What `published` wrote."""
    return msgspec.json.decode(content, type=tuple[PublishedProgramme, ...])


def _published(live: LiveProgramme) -> PublishedProgramme:
    return PublishedProgramme(
        id=str(live.id),
        owner=str(live.organisation_id),
        version=live.number,
        terms=msgspec.convert(live.terms, ProgrammeTerms),
    )
