"""Profiles from JSON Lines: all of the file or nothing."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import IO, TYPE_CHECKING, Final

import msgspec

from matchmaker.core import db, events
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.sheets import Counts, Faults, ImportReport, Phases
from matchmaker.core.sheets.lines import Progress, Repeats, batches, read_all
from matchmaker.enterprise import service
from matchmaker.enterprise.checking import profile_faults
from matchmaker.enterprise.exchange import queries
from matchmaker.enterprise.exchange.lines import ProfileLine
from matchmaker.identity import queries as identity_queries
from matchmaker.identity.access import event_actor
from matchmaker.identity.history import revised
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.service import DeclaredFirm, Outcome, register_firms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.identity.queries import OrganisationCard
    from matchmaker.taxonomy.checking import Checker

_NOT_YOURS: Final = FieldFault(
    "#/external_id",
    "not_your_organisation",
    Bilingual(zh="不是本组织", en="is not your organisation"),
)
_NAME_KEPT: Final = FieldFault(
    "#/name",
    "name_not_importable",
    Bilingual(
        zh="组织名称不能由自己的文件更改",
        en="your own file does not change your organisation's name",
    ),
)
_NAME_MISSING: Final = FieldFault(
    "#/name",
    "missing_name",
    Bilingual(zh="新的组织须有名称", en="an organisation that is not known yet needs a name"),
)

Numbered = tuple[int, ProfileLine]


async def import_profiles(
    session: Session,
    stream: IO[bytes],
    checker: Checker,
    *,
    principal: Principal | None = None,
    progress: Progress | None = None,
    is_dry_run: bool = False,
) -> ImportReport:
    """What became of the file; with any line rejected, nothing of it was written.

    In a dry run it is what would become of it: all is done, and undone again.

    An operator, and the command line (no principal), write for every firm; a firm for itself. The
    rows are in the transaction of ``session``, which ends with the events of all profiles.

    Raises:
        StaleVersion, VersionRequired: a firm stated its profile meanwhile; roll back.
    """
    started = perf_counter()
    seen, faults, repeats = progress or Progress(), Faults(), Repeats()

    def check(line: ProfileLine) -> Iterator[FieldFault]:
        yield from profile_faults(checker, line.profile, "#/profile")
        yield from repeats.faults(line.external_id, line.external_id)

    lines = await read_all(stream, ProfileLine, check, faults=faults, progress=seen)
    read_at = perf_counter()
    for batch in batches(lines):
        await _check_owners(session, batch, faults, principal)
    outcomes: Counter[Outcome] = Counter()
    if not faults.found:
        async with db.undone(session, is_meant=is_dry_run):
            outcomes = await _write(session, lines, checker, principal=principal, progress=seen)
    return ImportReport(
        lines=seen.read,
        rejected=faults.rejected,
        found=faults.found,
        counts={"profile": Counts.of(outcomes)},
        faults=faults.listed(),
        seconds=Phases(decode=read_at - started, write=perf_counter() - read_at),
    )


def writes_for_all(principal: Principal | None) -> bool:
    """Whether files of ``principal`` are the operator's word."""
    return principal is None or OrganisationRole.OPERATOR in principal.roles


async def _check_owners(
    session: ReadSession, batch: Sequence[Numbered], faults: Faults, principal: Principal | None
) -> None:
    known = await identity_queries.cards_by_external_id(
        session, [line.external_id for _, line in batch]
    )
    for number, line in batch:
        faults.add(number, _owner_faults(line, known.get(line.external_id), principal))


def _owner_faults(
    line: ProfileLine, card: OrganisationCard | None, principal: Principal | None
) -> Iterator[FieldFault]:
    if principal is None or writes_for_all(principal):
        if card is None and line.name is None:
            yield _NAME_MISSING
    elif card is None or card.id != principal.organisation_id:
        yield _NOT_YOURS
    elif line.name is not None and msgspec.to_builtins(line.name) != card.name:
        yield _NAME_KEPT


async def _write(
    session: Session,
    lines: Sequence[Numbered],
    checker: Checker,
    *,
    principal: Principal | None,
    progress: Progress,
) -> Counter[Outcome]:
    by, outcomes, said = event_actor(principal), Counter[Outcome](), list[events.Event]()
    firms: set[OrganisationId] = set()
    for batch in batches(lines):
        owners = await _owners(session, [line for _, line in batch], principal)
        numbers = await queries.numbers(session, [id_ for id_, _ in owners.values()])
        for _, line in batch:
            id_, of_firm = owners[line.external_id]
            firms.add(id_)
            stored, outcome = await service.write_profile(
                session, checker, id_, line.profile, expected=numbers.get(id_), by=by
            )
            if outcome is not Outcome.UNCHANGED:
                said.append(service.stated(stored, by))
            elif of_firm is not Outcome.UNCHANGED:
                outcome = Outcome.CHANGED
                said.append(revised(id_, by, "name", "roles"))
            outcomes[outcome] += 1
            progress.written += 1
    if said:
        position = await events.append(session, *said)
        await identity_queries.follow_live(session, firms, position)
    return outcomes


async def _owners(
    session: Session, lines: Sequence[ProfileLine], principal: Principal | None
) -> dict[str, tuple[OrganisationId, Outcome]]:
    """The firm of each line and what became of it; an operator's file makes those that are new."""
    if writes_for_all(principal):
        return await register_firms(session, [_declared(line) for line in lines])
    known = await identity_queries.cards_by_external_id(
        session, [line.external_id for line in lines]
    )
    return {key: (card.id, Outcome.UNCHANGED) for key, card in known.items()}


def _declared(line: ProfileLine) -> DeclaredFirm:
    name = None if line.name is None else msgspec.to_builtins(line.name)
    return DeclaredFirm(external_id=line.external_id, name=name)
