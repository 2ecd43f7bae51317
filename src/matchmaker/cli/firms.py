"""Firms of the demo as organisations: registered, with a profile and an open need of their own."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from matchmaker.cli import sample
from matchmaker.core.clock import utc_now
from matchmaker.core.transitions import TransitionRequest
from matchmaker.demand import queries as needs
from matchmaker.demand import service as demand
from matchmaker.demand.declaration import NeedDraft, NeedPatch
from matchmaker.demand.machine import EDITABLE, NeedState
from matchmaker.enterprise import service as enterprise
from matchmaker.enterprise.errors import ProfileNotFound
from matchmaker.identity import organisations
from matchmaker.identity import queries as registered
from matchmaker.identity.access import at_console, event_actor
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.identity.schemas import OrganisationDraft
from matchmaker.identity.service import Outcome

if TYPE_CHECKING:
    from matchmaker.cli.sample import NeedLine, SmeLine
    from matchmaker.cli.session import Begin, Database
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.enterprise.service import StoredProfile
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import Organisation
    from matchmaker.released import Released


@dataclass(frozen=True, slots=True)
class Settled:
    """A firm that is registered, with its profile and what its statement changed."""

    organisation: Organisation
    profile: StoredProfile
    outcome: Outcome

    @property
    def principal(self) -> Principal:
        """The firm as it acts here."""
        return at_console(self.organisation)


@dataclass(frozen=True, slots=True)
class WrittenNeed:
    """A need of a firm, and what writing it changed."""

    found: FoundNeed
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Desk:
    """Where firms act at the console: each act a transaction of its own, as over the API."""

    begin: Begin
    released: Released

    async def settle(self, line: SmeLine) -> Settled:
        """The firm of ``line``, registered if it is not known, its profile as ``line`` has it."""
        async with self.begin() as session:
            known = await registered.organisation_named(session, line.external_id)
            # The operator's word verifies it, as with the providers of an operator's file.
            organisation = known or await organisations.register(
                session,
                self.released.taxonomy,
                OrganisationDraft(
                    external_id=line.external_id,
                    name=line.name,
                    roles=(OrganisationRole.SME,),
                    region=line.profile.region,
                ),
                by=None,
                state=OrganisationState.VERIFIED,
            )
        async with self.begin() as session:
            try:
                number = (await enterprise.get_facts(session, organisation.id)).number
            except ProfileNotFound:
                number = None
            profile, outcome = await enterprise.state_profile(
                session,
                self.released.checker,
                organisation.id,
                line.profile,
                expected=number,
                by=event_actor(at_console(organisation)),
            )
        return Settled(organisation, profile, outcome)

    async def open_need(self, line: NeedLine, firm: Principal) -> WrittenNeed:
        """The need of ``line``, open; another one of these words where it has gone further."""
        names = itertools.chain(
            [line.external_id], (f"{line.external_id}-{n}" for n in itertools.count(2))
        )
        for name in names:
            named = msgspec.structs.replace(line, external_id=name)
            written = await self.write_need(named, firm)
            if written.found.need.state in EDITABLE:
                return WrittenNeed(await self.open(written.found, firm), written.outcome)
        raise AssertionError

    async def write_need(self, line: NeedLine, firm: Principal) -> WrittenNeed:
        """The need of ``line`` as ``line`` has it, unless it is past being reworded."""
        async with self.begin() as session:
            known = await needs.id_by_external_id(session, firm.organisation_id, line.external_id)
            if known is None:
                draft = NeedDraft(external_id=line.external_id, **msgspec.structs.asdict(line.need))
                made = await demand.create(
                    session,
                    draft,
                    organisation_id=firm.organisation_id,
                    by=event_actor(firm),
                    checker=self.released.checker,
                )
                return WrittenNeed(made, Outcome.NEW)
            found = await demand.find_own(session, known, firm)
            if found.need.state not in EDITABLE:
                return WrittenNeed(found, Outcome.UNCHANGED)
            before = found.version.number
            revised = await demand.revise(
                session,
                known,
                _patch(line),
                principal=firm,
                revision=found.need.revision,
                checker=self.released.checker,
                today=utc_now().date(),
            )
        is_new = revised.version.number > before
        return WrittenNeed(revised, Outcome.CHANGED if is_new else Outcome.UNCHANGED)

    async def open(self, found: FoundNeed, firm: Principal) -> FoundNeed:
        """The need, open if it was a draft."""
        if found.need.state is not NeedState.DRAFT:
            return found
        async with self.begin() as session:
            return await demand.take_step(
                session,
                found.need.id,
                TransitionRequest(transition="open"),
                principal=firm,
                now=utc_now(),
            )


async def store_all(running: Database, released: Released) -> dict[str, Counter[Outcome]]:
    """Every firm of the demo with its profile, and its needs, open; what became of each by file.

    What is as it was is not written again.
    """
    told = {name: Counter[Outcome]() for name in (sample.SMES, sample.NEEDS)}
    firms: dict[str, Principal] = {}
    async with running.transactions() as begin:
        desk = Desk(begin, released)
        for firm in sample.firms():
            settled = await desk.settle(firm)
            firms[firm.external_id] = settled.principal
            told[sample.SMES][settled.outcome] += 1
        for line in sample.needs(utc_now().date()):
            owner = firms[line.profile]
            written = await desk.write_need(line, owner)
            await desk.open(written.found, owner)
            told[sample.NEEDS][written.outcome] += 1
    return told


def _patch(line: NeedLine) -> NeedPatch:
    """All that a need may say, in place of what it says; its kind stays."""
    said = msgspec.to_builtins(line.need)
    del said["kind"]
    return msgspec.convert(said, NeedPatch)
