"""Curations on the wire."""

from __future__ import annotations

import datetime as dt

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.curations.declaration import CurationTerms
from matchmaker.matching.curations.machine import CurationState
from matchmaker.matching.curations.models import CurationId


class Curation(Varying, frozen=True, kw_only=True):
    """A curation, whose it is, and what it asks for now."""

    id: CurationId
    organisation_id: OrganisationId
    of_operator: bool
    state: CurationState
    version: int
    terms: CurationTerms
    note: str | None
    created_at: dt.datetime
    changed_at: dt.datetime


class CurationVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a curation asked for in one version."""

    number: int
    terms: CurationTerms
    created_at: dt.datetime
