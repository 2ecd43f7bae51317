"""Needs from JSON Lines: all of the file or nothing."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import msgspec

from matchmaker.core import db, events
from matchmaker.core.clock import utc_now
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.core.sheets import Counts, Faults, ImportReport, Phases
from matchmaker.core.sheets.lines import Progress, Repeats, batches, read_all
from matchmaker.demand import content, service, writing
from matchmaker.demand.checking import terms_faults
from matchmaker.demand.declaration import NeedDraft
from matchmaker.demand.exchange import queries
from matchmaker.demand.exchange.lines import NeedLine
from matchmaker.demand.hindrances import missing_to_open
from matchmaker.demand.machine import EDITABLE, NeedState
from matchmaker.identity.access import INACTIVE, event_actor
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.service import Outcome

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.demand.declaration import NeedTerms
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker

_AT: Final = "#/need"


class _Known(NamedTuple):
    """A line with the firm it belongs to and the need it restates."""

    number: int
    line: NeedLine
    owner: OrganisationId
    found: FoundNeed | None


async def import_needs(
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

    A new need is a draft; one that is known says what its line says, where it may still be
    reworded. An operator, and the command line (no principal), write for every firm; a firm for
    itself. The transaction of ``session`` ends with the events of all needs.

    Raises:
        StaleVersion: a need was changed meanwhile; roll back.
    """
    started = perf_counter()
    seen, faults, repeats = progress or Progress(), Faults(), Repeats()

    def check(line: NeedLine) -> Iterator[FieldFault]:
        yield from terms_faults(checker, line.need, _AT)
        yield from repeats.faults((line.profile, line.external_id), line.external_id)

    lines = await read_all(stream, NeedLine, check, faults=faults, progress=seen)
    read_at = perf_counter()
    known: list[_Known] = []
    for batch in batches(lines):
        known += await _known(session, batch, faults, principal)
    outcomes: Counter[Outcome] = Counter()
    if not faults.found:
        async with db.undone(session, is_meant=is_dry_run):
            outcomes = await _write(session, known, principal, seen)
    return ImportReport(
        lines=seen.read,
        rejected=faults.rejected,
        found=faults.found,
        counts={"need": Counts.of(outcomes)},
        faults=faults.listed(),
        seconds=Phases(decode=read_at - started, write=perf_counter() - read_at),
    )


async def _known(
    session: ReadSession,
    batch: Sequence[tuple[int, NeedLine]],
    faults: Faults,
    principal: Principal | None,
) -> list[_Known]:
    """The lines of firms that there are; what is wrong with any line is added to ``faults``."""
    firms = await queries.firms(session, [line.profile for _, line in batch])
    for number, line in batch:
        faults.add(number, _firm_faults(line, firms.get(line.profile), principal))
    named = [(n, line, firms[line.profile].id) for n, line in batch if line.profile in firms]
    needs = await queries.needs_named(
        session, [(owner, line.external_id) for _, line, owner in named]
    )
    today = utc_now().date()
    found: list[_Known] = []
    for number, line, owner in named:
        need = needs.get((owner, line.external_id))
        if need is not None:
            faults.add(number, _need_faults(line.need, need, today))
        found.append(_Known(number, line, owner, need))
    return found


def _firm_faults(
    line: NeedLine, firm: queries.Firm | None, principal: Principal | None
) -> Iterator[FieldFault]:
    is_operator = principal is None or OrganisationRole.OPERATOR in principal.roles
    is_own = principal is not None and firm is not None and firm.id == principal.organisation_id
    if not is_operator and not is_own:
        said = Bilingual(zh="不是本组织", en="is not your organisation")
        yield FieldFault("#/profile", "not_your_organisation", said)
    elif firm is None or OrganisationRole.SME not in firm.roles or firm.state in INACTIVE:
        said = Bilingual(
            zh=f"没有名为“{line.profile}”的企业", en=f"there is no active firm {line.profile!r}"
        )
        yield FieldFault("#/profile", "unknown_firm", said)


def _need_faults(stated: NeedTerms, found: FoundNeed, today: dt.date) -> Iterator[FieldFault]:
    need = found.need
    if writing.says_the_same(content.terms(need, found.version), stated):
        return
    if stated.kind != need.kind:
        said = Bilingual(zh="需求的类型不能更改", en="the kind of a need never changes")
        yield FieldFault(f"{_AT}/kind", "kind_changed", said)
    if need.state not in EDITABLE:
        state = need.state.value
        said = Bilingual(
            zh=f"需求处于“{state}”状态，不能再修改", en=f"the need is {state}: it stays as it is"
        )
        yield FieldFault("#", "not_importable", said)
    elif need.state is NeedState.OPEN:
        for missing in missing_to_open(stated, found.owner, today):
            at = missing.pointer.removeprefix("#")
            yield missing._replace(pointer=f"{_AT}{at}")


async def _write(
    session: Session, lines: Sequence[_Known], principal: Principal | None, progress: Progress
) -> Counter[Outcome]:
    by, outcomes, said = event_actor(principal), Counter[Outcome](), list[events.Event]()
    for known in lines:
        stated = known.line.need
        if known.found is None:
            changed = await writing.add(session, _draft(known.line), known.owner)
            if changed is None:
                # Somebody made it since it was looked for.
                raise StaleVersion
            outcomes[Outcome.NEW] += 1
            said.append(service.event("need.created", changed, by, version=1))
        elif writing.says_the_same(content.terms(known.found.need, known.found.version), stated):
            outcomes[Outcome.UNCHANGED] += 1
        else:
            changed = await writing.replace(session, known.found, stated)
            outcomes[Outcome.CHANGED] += 1
            number = changed.version.number
            said.append(service.event("need.revised", changed, by, version=number))
        progress.written += 1
    if said:
        await events.append(session, *said)
    return outcomes


def _draft(line: NeedLine) -> NeedDraft:
    facts = {name: getattr(line.need, name) for name in line.need.__struct_fields__}
    return msgspec.structs.replace(NeedDraft(**facts), external_id=line.external_id)
