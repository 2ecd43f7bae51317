"""Use-cases of cohorts: kept by an agency or an operator, and counted before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.core import events, rows
from matchmaker.core.errors import StaleVersion
from matchmaker.core.patching import merged
from matchmaker.identity.access import event_actor
from matchmaker.matching.cohorts import choosing, queries
from matchmaker.matching.cohorts.declaration import CohortTerms, Criteria
from matchmaker.matching.cohorts.errors import CohortNotFound
from matchmaker.matching.cohorts.models import Cohort, new_cohort_id
from matchmaker.matching.cohorts.schemas import CohortCount, ToldCount
from matchmaker.taxonomy.errors import UnusableInput
from matchmaker.taxonomy.registry import INDUSTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.errors import FieldFault
    from matchmaker.identity.access import Principal
    from matchmaker.matching.cohorts.declaration import CohortPatch
    from matchmaker.matching.cohorts.models import CohortId
    from matchmaker.taxonomy.checking import Checker


async def create(
    session: Session, checker: Checker, terms: CohortTerms, principal: Principal
) -> Cohort:
    """The new cohort of the caller's organisation.

    Raises:
        UnusableInput: with every unknown code.
    """
    refuse_faults(checker, terms.criteria, "#/criteria")
    made = Cohort(
        id=new_cohort_id(),
        organisation_id=principal.organisation_id,
        name=terms.name,
        criteria=msgspec.to_builtins(terms.criteria),
    )
    await queries.insert_cohort(session, made)
    await events.append(session, _event("cohort.created", made, principal))
    return made


async def find(session: ReadSession, cohort_id: CohortId, principal: Principal) -> Cohort:
    """The cohort of the caller's organisation.

    Raises:
        CohortNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_cohort(session, cohort_id)
    if found is None or found.organisation_id != principal.organisation_id:
        raise CohortNotFound
    return found


async def revise(
    session: Session,
    cohort_id: CohortId,
    patch: CohortPatch,
    *,
    principal: Principal,
    checker: Checker,
    revision: int,
) -> Cohort:
    """The cohort after ``patch``.

    Raises:
        CohortNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        UnusableInput: with every unknown code.
    """
    found = await find(session, cohort_id, principal)
    if found.revision != revision:
        raise StaleVersion
    before = CohortTerms(name=found.name, criteria=criteria_of(found))
    after = merged(before, patch)
    if isinstance(patch.criteria, Criteria):
        after = msgspec.structs.replace(after, criteria=patch.criteria)
    if after == before:
        return found
    refuse_faults(checker, after.criteria, "#/criteria")
    values = {"name": after.name, "criteria": msgspec.to_builtins(after.criteria)}
    if await rows.revise(session, Cohort, found.id, revision=revision, values=values) is None:
        raise StaleVersion
    changed = await find(session, cohort_id, principal)
    await events.append(session, _event("cohort.revised", changed, principal))
    return changed


async def count(
    session: ReadSession, checker: Checker, criteria: Criteria, principal: Principal
) -> CohortCount:
    """Whom a batch over these firms would match now; nobody is named.

    Raises:
        UnusableInput: with every unknown code.
        ScopeMissing: the credential may not read what firms state.
    """
    refuse_faults(checker, criteria, "#")
    everyone = await choosing.within_reach(session, principal)
    firms = choosing.chosen(everyone, criteria)
    told = await choosing.told_of_all(session, principal, criteria)
    return CohortCount(
        within_reach=len(everyone),
        firms=len(firms),
        unstated=sum(firm.facts is None for firm in firms),
        all_firms=[ToldCount(by=by, firms=firms_) for by, firms_ in told],
    )


def criteria_of(cohort: Cohort) -> Criteria:
    """The criteria as they are stored."""
    return msgspec.convert(cohort.criteria, Criteria)


def refuse_faults(checker: Checker, criteria: Criteria, at: str) -> None:
    """Nothing, where every code is known.

    Raises:
        UnusableInput: with every one that is not.
    """
    if faults := list(_faults(checker, criteria, at)):
        raise UnusableInput(errors=faults)


def _faults(checker: Checker, criteria: Criteria, at: str) -> Iterator[FieldFault]:
    for place, code in enumerate(criteria.regions or ()):
        yield from checker.place(code, f"{at}/regions/{place}")
    yield from checker.codes(criteria.industries, INDUSTRY, f"{at}/industries")


def _event(kind: str, cohort: Cohort, principal: Principal) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="cohort",
        subject_id=cohort.id,
        organisation_id=cohort.organisation_id,
        actor=event_actor(principal),
        data={"revision": cohort.revision},
    )
