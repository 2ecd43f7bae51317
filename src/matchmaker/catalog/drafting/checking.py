"""What only the database shows of a provider's own file: whose lines they are, what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from matchmaker.catalog.importing.prepared import prepare
from matchmaker.catalog.life import queries
from matchmaker.catalog.life.facts import Vouched, vouched_in
from matchmaker.catalog.life.steps import is_editable
from matchmaker.catalog.reasons import fault
from matchmaker.core.sheets.lines import batches
from matchmaker.identity import queries as identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matchmaker.catalog.declaration import OfferingLine, ProviderLine
    from matchmaker.catalog.drafting.reading import OfferingRead, OwnFile
    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.catalog.life.queries import NamedOffering, Stored
    from matchmaker.core.db import ReadSession
    from matchmaker.core.errors import FieldFault
    from matchmaker.core.sheets import Faults
    from matchmaker.identity.models import OrganisationId
    from matchmaker.identity.queries import OrganisationCard

_WHO_IT_IS = ("name", "provider_kind", "region", "uscc")
_VOUCHED = Vouched.__struct_fields__


class Drafted(NamedTuple):
    """An offering as its line states it, made ready with what the operator's register says."""

    line: OfferingLine
    prepared: PreparedOffering
    """Its words are not counted yet."""
    found: Stored | None
    is_same: bool
    """Its latest version says the same already."""


class Stated(NamedTuple):
    """A file of the owner's that holds, as far as ``faults`` are none."""

    cards: list[ProviderLine]
    offerings: list[Drafted]


async def check_against_stored(
    session: ReadSession, read: OwnFile, faults: Faults, owner: OrganisationId
) -> Stated:
    """The lines of ``owner``; what is wrong with any line is added to ``faults``.

    A line of another organisation and one of nobody are answered alike.
    """
    keys = {card.line.external_id for card in read.cards}
    keys |= {offering.line.provider for offering in read.offerings}
    own = await _own(session, sorted(keys), owner)
    for card in read.cards:
        faults.add(card.number, _card_faults(card.line, own))
    found: list[Drafted] = []
    for batch in batches(read.offerings):
        names = [each.line.external_id for each in batch]
        found += _drafted(batch, await queries.named(session, owner, names), own, faults)
    return Stated([card.line for card in read.cards], found)


async def _own(
    session: ReadSession, keys: Sequence[str], owner: OrganisationId
) -> OrganisationCard | None:
    """The organisation of ``owner``, if one of ``keys`` names it."""
    for batch in batches(keys):
        cards = await identity.cards_by_external_id(session, batch)
        if own := next((card for card in cards.values() if card.id == owner), None):
            return own
    return None


def _card_faults(line: ProviderLine, own: OrganisationCard | None) -> Iterator[FieldFault]:
    if own is None or line.external_id != own.external_id:
        yield fault("#/external_id", "not_your_organisation")
        return
    for name in _WHO_IT_IS:
        stated = msgspec.to_builtins(getattr(line, name))
        if stated is not None and stated != getattr(own, name):
            yield fault(f"#/{name}", "organisations_fact")


def _drafted(
    batch: Sequence[OfferingRead],
    known: Mapping[str, NamedOffering],
    own: OrganisationCard | None,
    faults: Faults,
) -> Iterator[Drafted]:
    for number, line, attributes in batch:
        if own is None or line.provider != own.external_id:
            faults.add(number, [fault("#/provider", "not_your_organisation")])
            continue
        found = known.get(line.external_id)
        vouched = Vouched() if found is None else vouched_in(found.document)
        faults.add(number, _vouched_faults(line, vouched))
        whole = msgspec.structs.replace(line, cases=vouched.cases, record=vouched.record)
        prepared = prepare(whole, attributes, tokens="")
        if found is None:
            yield Drafted(whole, prepared, None, is_same=False)
            continue
        is_same = prepared.content_hash == found.content_hash
        faults.add(number, () if is_same else _edit_faults(line, found.stored))
        yield Drafted(whole, prepared, found.stored, is_same)


def _vouched_faults(line: OfferingLine, vouched: Vouched) -> Iterator[FieldFault]:
    """What the operator's register says may be said again, and nothing else of the kind."""
    for name in _VOUCHED:
        stated = getattr(line, name) or None
        if stated is not None and stated != getattr(vouched, name):
            yield fault(f"#/{name}", "operators_word")


def _edit_faults(line: OfferingLine, found: Stored) -> Iterator[FieldFault]:
    if line.kind != found.kind:
        yield fault("#/kind", "kind_changed", kind=found.kind)
    if not is_editable(found):
        change = "" if found.change_state is None else found.change_state.value
        yield fault("#", "not_editable", state=found.state.value, change=change or "-")
