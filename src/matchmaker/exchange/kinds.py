"""What files are about: who reads and writes each kind, and who may ask for it."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any, Final

from matchmaker.catalog.drafting import import_drafts
from matchmaker.catalog.exporting import offering_lines, provider_lines
from matchmaker.catalog.importing import import_file
from matchmaker.catalog.importing.sheets import OFFERINGS, PROVIDERS
from matchmaker.catalog.life.facts import Declarations
from matchmaker.core.sheets.lines import Progress
from matchmaker.demand.exchange import NEEDS, import_needs, need_lines
from matchmaker.enterprise.exchange import PROFILES, import_profiles, profile_lines
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from matchmaker.catalog.texts import Tokenizer
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.sheets import ImportReport, Layout
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker


class ExchangeKind(enum.StrEnum):
    """What the lines of a file are about."""

    PROVIDERS = "providers"
    OFFERINGS = "offerings"
    PROFILES = "profiles"
    NEEDS = "needs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What is released with the code and lines are held against."""

    checker: Checker
    tokenizer: Tokenizer
    text_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How an import is to be done: for whom (None: the command line), and whether in earnest."""

    principal: Principal | None = None
    is_dry_run: bool = False
    progress: Progress = field(default_factory=Progress)


_R: Final = OrganisationRole

Importer = Callable[["Session", IO[bytes], Means, Asked], Awaitable["ImportReport"]]
Exporter = Callable[["ReadSession", "OrganisationId | None"], AsyncIterator[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file."""

    layout: Layout
    may_hold: tuple[Layout, ...]
    """The lines that one file of it may hold."""
    importer: Importer
    exporter: Exporter
    importers: frozenset[OrganisationRole]
    exporters: frozenset[OrganisationRole]
    """Roles that may ask for it: an operator for everybody's, others for their own."""


class Watched:
    """A stream of lines that counts those that were read."""

    def __init__(self, stream: IO[bytes], progress: Progress) -> None:
        """Read ``stream``."""
        self._stream = stream
        self._progress = progress

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, or the next piece of a long one."""
        raw = self._stream.readline(size)
        self._progress.read += raw.endswith(b"\n")
        return raw


async def _catalog(session: Session, stream: IO[bytes], means: Means, asked: Asked) -> ImportReport:
    """An operator's file publishes; what a provider writes itself goes through review."""
    principal = asked.principal
    if principal is not None and _R.OPERATOR not in principal.roles:
        made = Declarations.of(means.checker.taxonomy, means.tokenizer, means.text_version)
        return await import_drafts(
            session,
            stream,
            made,
            principal=principal,
            progress=asked.progress,
            is_dry_run=asked.is_dry_run,
        )
    watched: Any = Watched(stream, asked.progress)
    report = await import_file(
        session,
        watched,
        means.checker.taxonomy,
        means.tokenizer,
        text_version=means.text_version,
        actor=event_actor(principal),
        is_dry_run=asked.is_dry_run,
    )
    return report.as_any()


async def _profiles(
    session: Session, stream: IO[bytes], means: Means, asked: Asked
) -> ImportReport:
    return await import_profiles(
        session,
        stream,
        means.checker,
        principal=asked.principal,
        progress=asked.progress,
        is_dry_run=asked.is_dry_run,
    )


async def _needs(session: Session, stream: IO[bytes], means: Means, asked: Asked) -> ImportReport:
    return await import_needs(
        session,
        stream,
        means.checker,
        principal=asked.principal,
        progress=asked.progress,
        is_dry_run=asked.is_dry_run,
    )


def _of_catalog(layout: Layout, exporter: Exporter) -> Kind:
    return Kind(
        layout=layout,
        may_hold=(PROVIDERS, OFFERINGS),
        importer=_catalog,
        exporter=exporter,
        importers=_PROVIDERS,
        exporters=_PROVIDERS,
    )


_PROVIDERS: Final = frozenset({_R.OPERATOR, _R.PROVIDER})
_FIRMS: Final = frozenset({_R.OPERATOR, _R.SME})

KINDS: Final[Mapping[ExchangeKind, Kind]] = MappingProxyType(
    {
        ExchangeKind.PROVIDERS: _of_catalog(PROVIDERS, provider_lines),
        ExchangeKind.OFFERINGS: _of_catalog(OFFERINGS, offering_lines),
        ExchangeKind.PROFILES: Kind(
            layout=PROFILES,
            may_hold=(PROFILES,),
            importer=_profiles,
            exporter=profile_lines,
            importers=_FIRMS,
            exporters=_FIRMS,
        ),
        ExchangeKind.NEEDS: Kind(
            layout=NEEDS,
            may_hold=(NEEDS,),
            importer=_needs,
            exporter=need_lines,
            importers=_FIRMS,
            exporters=_FIRMS,
        ),
    }
)
