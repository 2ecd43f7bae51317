"""The second half of an import: checks against what is stored, then all lines written."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from matchmaker.catalog.errors import ImportUnderway
from matchmaker.catalog.importing import queries
from matchmaker.catalog.importing.prepared import CHUNK
from matchmaker.catalog.importing.report import Counts
from matchmaker.catalog.models import new_offering_id, new_version_id
from matchmaker.catalog.reasons import fault
from matchmaker.core import events
from matchmaker.core.events import Event
from matchmaker.core.ids import uuid7
from matchmaker.core.transitions import IllegalTransition
from matchmaker.identity import queries as identity_queries
from matchmaker.identity import service as identity
from matchmaker.identity.service import DeclaredProvider, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from matchmaker.catalog.declaration import ProviderLine
    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.catalog.importing.reading import FileRead
    from matchmaker.catalog.models import VersionId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.errors import FieldFault
    from matchmaker.core.events import EventActor
    from matchmaker.identity.models import OrganisationId

T = TypeVar("T")


async def claim(session: Session) -> None:
    """Make the transaction of ``session`` the only one that imports, until it ends.

    Raises:
        ImportUnderway: another one is.
    """
    if not await queries.claim_import(session):
        raise ImportUnderway


async def check_against_stored(session: ReadSession, read: FileRead) -> None:
    """Add to ``read`` the faults that only what is stored can show."""
    for names in _batched(read.awaited):
        await _check_awaited(session, read, names)
    for codes in _batched(read.credit_codes):
        await _check_credit_codes(session, read, codes)
    for names in _batched({provider for provider, _ in read.offerings}):
        for kept in await queries.kept_offerings(session, names):
            read.faults.add(*_kept_fault(read, kept))


async def _check_awaited(session: ReadSession, read: FileRead, names: Sequence[str]) -> None:
    known = await queries.providers_by_external_id(session, names)
    for name in names:
        if name not in known:
            missing = fault("#/provider", "unknown_provider", value=name)
            for line in read.awaited[name]:
                read.faults.add(line, [missing])


async def _check_credit_codes(session: ReadSession, read: FileRead, codes: Sequence[str]) -> None:
    holders = await identity_queries.holders_of_credit_codes(session, codes)
    for code, holder in holders.items():
        line = read.credit_codes[code]
        if holder is None or read.provider_lines.get(holder) != line:
            read.faults.add(line, [fault("#/uscc", "credit_code_taken")])


def _kept_fault(read: FileRead, kept: queries.Kept) -> tuple[int, Sequence[FieldFault]]:
    place = read.offerings.get((kept.provider, kept.external_id))
    if place is None or place.content_hash in {b"", kept.content_hash}:
        return 0, ()
    return place.line, [fault("#", "not_importable", state=kept.state)]


async def write(
    session: Session, read: FileRead, *, text_version: str, actor: EventActor = events.CLI
) -> tuple[Counts, Counts]:
    """What became of providers and of offerings, now in the transaction of ``session``.

    One event tells of the whole file; from it on its offerings are live.

    Raises:
        IllegalTransition: an offering was changed between check and write.
    """
    providers, owners = await _write_providers(session, list(read.providers.values()))
    newcomers = {id_ for id_, outcome in owners.items() if outcome is Outcome.NEW}
    offerings = await _write_offerings(session, read, newcomers, text_version=text_version)
    if providers.written or offerings.written:
        event = Event(
            kind="catalog.imported",
            subject_type="import",
            subject_id=uuid7(),
            organisation_id=None,
            actor=actor,
            data={
                "providers": msgspec.to_builtins(providers),
                "offerings": msgspec.to_builtins(offerings),
            },
        )
        position = await events.append(session, event)
        await queries.go_live(session, position)
        await identity_queries.follow_live(session, owners, position)
    return providers, offerings


async def _write_offerings(
    session: Session, read: FileRead, newcomers: AbstractSet[OrganisationId], *, text_version: str
) -> Counts:
    owners = await _owners(session, read)
    await queries.open_tables(session)
    outcomes: Counter[Outcome] = Counter()
    chunks = read.spool.chunks()
    chunk = next(chunks, None)
    while chunk is not None:
        found = await _copy_chunk(session, chunk, owners, newcomers)
        # The next chunk is read in a thread: the server is busy with this one for longer.
        following = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        try:
            if await queries.publish(session) != found[Outcome.CHANGED]:
                raise IllegalTransition(
                    zh="导入期间有产品被修改", en="an offering was changed during the import"
                )
            await queries.add_versions(session, text_version=text_version)
        finally:
            chunk = await following
        outcomes += found
    return _counts(outcomes)


async def _write_providers(
    session: Session, lines: Sequence[ProviderLine]
) -> tuple[Counts, dict[OrganisationId, Outcome]]:
    """What became of the providers, and of the organisation of each."""
    outcomes: Counter[Outcome] = Counter()
    owners: dict[OrganisationId, Outcome] = {}
    for batch in _batched(lines):
        registered = await identity.register_providers(session, [_declared(line) for line in batch])
        ids = [id_ for id_, _ in registered.values()]
        cards = await queries.supply_cards(session, ids)
        added, changed = [], []
        for line in batch:
            id_, outcome = registered[line.external_id]
            owners[id_] = outcome
            card: dict[str, Any] = {"summary": _plain(line.summary), "website": line.website}
            if id_ not in cards:
                added.append({**card, "organisation_id": id_})
                outcome = Outcome.NEW
            elif cards[id_] != (card["summary"], card["website"]):
                changed.append({**card, "of": id_})
                outcome = Outcome.CHANGED
            outcomes[outcome] += 1
        await queries.insert_cards(session, added)
        await queries.update_cards(session, changed)
    return _counts(outcomes), owners


def _declared(line: ProviderLine) -> DeclaredProvider:
    return DeclaredProvider(
        external_id=line.external_id,
        name=msgspec.to_builtins(line.name),
        provider_kind=line.provider_kind,
        region=line.region,
        uscc=line.uscc,
    )


def _plain(value: msgspec.Struct | None) -> dict[str, Any] | None:
    return None if value is None else msgspec.to_builtins(value)


async def _owners(session: ReadSession, read: FileRead) -> dict[str, OrganisationId]:
    owners: dict[str, OrganisationId] = {}
    for names in _batched({provider for provider, _ in read.offerings}):
        owners |= await queries.providers_by_external_id(session, names)
    return owners


class _Fresh(NamedTuple):
    """An offering that is not as it was: to be written."""

    offering: PreparedOffering
    owner: OrganisationId
    stored: queries.Stored | None


async def _copy_chunk(
    session: Session,
    chunk: Sequence[PreparedOffering],
    owners: Mapping[str, OrganisationId],
    newcomers: AbstractSet[OrganisationId],
) -> Counter[Outcome]:
    """What will become of the offerings; the new and changed are in the temporary tables."""
    keys = [(owners[offering.provider], offering.external_id) for offering in chunk]
    stored = await queries.latest_versions(
        session, [key for key in keys if key[0] not in newcomers]
    )
    fresh = [
        _Fresh(offering, key[0], stored.get(key))
        for offering, key in zip(chunk, keys, strict=True)
        if key not in stored or stored[key].content_hash != offering.content_hash
    ]
    version_ids = [new_version_id() for _ in fresh]
    await queries.copy_in(
        session, _offering_rows(fresh, version_ids), _package_rows(fresh, version_ids)
    )
    changed = sum(one.stored is not None for one in fresh)
    return Counter(
        {
            Outcome.NEW: len(fresh) - changed,
            Outcome.CHANGED: changed,
            Outcome.UNCHANGED: len(chunk) - len(fresh),
        }
    )


def _offering_rows(
    fresh: Iterable[_Fresh], version_ids: Iterable[VersionId]
) -> Iterator[queries.OfferingRow]:
    """The rows, each made while the server takes in those before."""
    for (offering, owner, stored), version_id in zip(fresh, version_ids, strict=True):
        # By place: twice as fast as by name, and this runs once for every offering of a file.
        yield queries.OfferingRow(
            new_offering_id() if stored is None else stored.offering_id,
            version_id,
            owner,
            0 if stored is None else stored.revision,
            1 if stored is None else stored.number + 1,
            offering.external_id,
            offering.kind,
            offering.visibility,
            offering.title,
            offering.summary,
            offering.document,
            offering.attested,
            offering.valid_from,
            offering.valid_to,
            offering.must,
            offering.tokens,
            offering.content_hash,
        )


def _package_rows(
    fresh: Iterable[_Fresh], version_ids: Iterable[VersionId]
) -> Iterator[queries.PackageRow]:
    for (offering, owner, _), version_id in zip(fresh, version_ids, strict=True):
        for position, package in enumerate(offering.packages):
            yield queries.PackageRow(
                version_id, position, owner, package.code, package.title, package.document
            )


def _counts(outcomes: Counter[Outcome]) -> Counts:
    return Counts(
        new=outcomes[Outcome.NEW],
        changed=outcomes[Outcome.CHANGED],
        unchanged=outcomes[Outcome.UNCHANGED],
    )


def _batched(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(itertools.islice(rest, CHUNK)):
        yield batch
