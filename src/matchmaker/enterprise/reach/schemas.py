"""What agencies are told, on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from matchmaker.core.wire import Text
from matchmaker.enterprise.reach.counting import Dimension
from matchmaker.identity.models import OrganisationId


class NamedFirm(msgspec.Struct, frozen=True, kw_only=True):
    """A firm that an agency may name; its profile is at `/v1/profiles/{organisation_id}`."""

    organisation_id: OrganisationId
    name: Text
    basis: Annotated[
        list[Literal["consented", "joined"]], msgspec.Meta(description="Why the agency may name it")
    ]
    programmes: Annotated[list[UUID], msgspec.Meta(description="Those of yours that it has joined")]
    may_contact: Annotated[bool, msgspec.Meta(description="Whether it allows being written to")]
    region: str | None
    industries: list[str]
    clusters: list[str]
    scale: str | None
    stage: str | None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """How many firms have one code; null: it is not known of them."""

    code: str | None
    firms: int


class Aggregates(msgspec.Struct, frozen=True, kw_only=True):
    """Firms of a jurisdiction, counted so that none can be told from it."""

    by: Dimension
    least: Annotated[
        int,
        msgspec.Meta(description="Every number is a multiple of it, rounded down; fewer: no cell"),
    ]
    firms: Annotated[int, msgspec.Meta(description="All of them, rounded down")]
    cells: list[Cell]
    counted_at: Annotated[
        dt.datetime | None, msgspec.Meta(description="Null: they have not been counted yet")
    ]
