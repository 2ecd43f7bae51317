"""How long it is kept who saw what, and who sees to that."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from matchmaker.core import jobs
from matchmaker.identity.sightings import queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POLICY: Final = "identity/sightings.yaml"
PRUNE: Final = "sightings.prune"


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The released number; the file says what it is for."""

    scheme: str
    edition: str
    origin: str
    kept_days: Annotated[int, msgspec.Meta(ge=1)]


def load(seeds: Path) -> Policy:
    """The policy released below ``seeds``."""
    return msgspec.yaml.decode((seeds / POLICY).read_bytes(), type=Policy)


def handlers(policy: Policy) -> Mapping[str, jobs.Handler]:
    """What a worker does, by the kind of the job."""

    async def prune(context: jobs.Context, _: dict[str, Any]) -> dict[str, Any]:
        kept = dt.timedelta(days=policy.kept_days)
        return {"removed": await queries.prune(context.session, kept)}

    return {PRUNE: prune}


CRONS: Final = (jobs.Cron(name=PRUNE, kind=PRUNE, every=dt.timedelta(days=1)),)
