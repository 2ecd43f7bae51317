"""What a provider's own file says, written as its edits would be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog import queries as published
from matchmaker.catalog.life import writing
from matchmaker.catalog.models import new_offering_id
from matchmaker.catalog.supply import service as supply
from matchmaker.catalog.supply.schemas import SupplyCard
from matchmaker.core import events
from matchmaker.core.events import Event
from matchmaker.core.ids import uuid7
from matchmaker.core.sheets import Counts
from matchmaker.core.sheets.lines import batches
from matchmaker.identity.access import event_actor
from matchmaker.identity.service import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.catalog.declaration import ProviderLine
    from matchmaker.catalog.drafting.checking import Drafted, Stated
    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.catalog.life.facts import Declarations
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import Session
    from matchmaker.core.sheets.lines import Progress
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId


async def write(
    session: Session,
    stated: Stated,
    declarations: Declarations,
    *,
    principal: Principal,
    progress: Progress,
) -> dict[str, Counts]:
    """What became of the lines by type, now in the transaction; one event tells of the file.

    Raises:
        StaleVersion: a card or an offering is no longer as it was checked.
        IntegrityError: an offering of the same external id was made meanwhile.
    """
    owner = principal.organisation_id
    cards, offerings = Counter[Outcome](), Counter[Outcome]()
    for line in stated.cards:
        cards[await _write_card(session, owner, line)] += 1
        progress.written += 1
    for batch in batches(stated.offerings):
        offerings += await _write_drafts(session, owner, batch, declarations)
        progress.written += len(batch)
    counts = {"provider": Counts.of(cards), "offering": Counts.of(offerings)}
    if any(count.written for count in counts.values()):
        event = Event(
            kind="catalog.drafted",
            subject_type="import",
            subject_id=uuid7(),
            organisation_id=owner,
            actor=event_actor(principal),
            data={f"{name}s": msgspec.to_builtins(count) for name, count in counts.items()},
        )
        await events.append(session, event)
    return counts


async def _write_card(session: Session, owner: OrganisationId, line: ProviderLine) -> Outcome:
    found = await published.find_provider(session, owner, is_own=True)
    card = SupplyCard(summary=line.summary, website=line.website)
    if found is not None and supply.card_of(found) == card:
        return Outcome.UNCHANGED
    revision = None if found is None else found.revision
    await supply.write(session, owner, card, revision=revision)
    return Outcome.NEW if found is None else Outcome.CHANGED


async def _write_drafts(
    session: Session, owner: OrganisationId, batch: Sequence[Drafted], declarations: Declarations
) -> Counter[Outcome]:
    version, outcomes = declarations.text_version, Counter[Outcome]()
    new: list[tuple[OfferingId, PreparedOffering]] = []
    for line, prepared, found, is_same in batch:
        if is_same:
            outcomes[Outcome.UNCHANGED] += 1
            continue
        counted = declarations.counted(line, prepared)
        if found is None:
            new.append((new_offering_id(), counted))
        else:
            await writing.revise(session, found, counted, text_version=version)
            outcomes[Outcome.CHANGED] += 1
    if new:
        await writing.add(session, new, owner, text_version=version)
    outcomes[Outcome.NEW] += len(new)
    return outcomes
