"""Registering, changing and verifying organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from matchmaker.core import etags, patching, rows, transitions
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.core.transient import AlreadyExists
from matchmaker.core.wire import InvalidContent, Text
from matchmaker.identity import queries, schemas
from matchmaker.identity.access import Principal, actors_of
from matchmaker.identity.errors import OperatorsField, OrganisationNotFound
from matchmaker.identity.history import tell
from matchmaker.identity.machine import EDITABLE, ORGANISATION, TOLD_AS
from matchmaker.identity.models import (
    HOLDING,
    Organisation,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.taxonomy import region, uscc
from matchmaker.taxonomy.checking import unknown_code
from matchmaker.taxonomy.registry import REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.language import Language
    from matchmaker.core.transitions import Hindrances, TransitionRequest, Transitions
    from matchmaker.identity.queries import OrganisationFilter
    from matchmaker.taxonomy.registry import Taxonomy

_PROVIDER_KIND = "provider_kind"
_STATING = tuple(state for state in OrganisationState if state is not OrganisationState.CLOSED)
_OPERATORS = ("roles", "jurisdiction")
"""What only an operator says of an organisation."""
_VERIFIED_WITH = ("name", "uscc", "region")
"""What was verified with the organisation: afterwards only an operator changes it."""


async def register(
    session: Session,
    taxonomy: Taxonomy,
    draft: schemas.OrganisationDraft,
    *,
    by: Principal | None,
    state: OrganisationState = ORGANISATION.initial,
) -> Organisation:
    """A new organisation, for an operator.

    Raises:
        InvalidContent: a code does not exist, or the facts do not go together.
        AlreadyExists: its external id or credit code is another's.
    """
    checked = _checked(draft, taxonomy)
    await _refuse_credit_code_of_another(session, checked.uscc, None)
    added = Organisation(external_id=draft.external_id, state=state, **_values(checked))
    await queries.add(session, added)
    now = await _present(session, added.id)
    await tell(session, "organisation.registered", now, by=by, data={"state": state.value})
    return now


async def read(
    session: ReadSession, organisation_id: OrganisationId, *, by: Principal
) -> tuple[Organisation, frozenset[Actor]]:
    """The organisation, and as whom the caller may act on it.

    Raises:
        OrganisationNotFound: there is none, or it is none of the caller's business.
    """
    actors = actors_of(by, organisation_id) & {Actor.OWNER, Actor.OPERATOR}
    found = await queries.organisation(session, organisation_id) if actors else None
    if found is None:
        raise OrganisationNotFound
    return found, actors


def visible_to(by: Principal, wanted: OrganisationFilter) -> OrganisationFilter:
    """``wanted`` as far as it is the caller's business: all for an operator, else its own."""
    sees_all = OrganisationRole.OPERATOR in by.roles
    return wanted if sees_all else wanted._replace(only=by.organisation_id)


async def revise(
    session: Session,
    taxonomy: Taxonomy,
    organisation_id: OrganisationId,
    patch: schemas.OrganisationPatch,
    *,
    revision: int,
    by: Principal,
) -> Organisation:
    """The organisation with ``patch`` merged into it; what changes nothing is no revision.

    Raises:
        OrganisationNotFound: there is none, or it is none of the caller's business.
        OperatorsField: the roles, or what was verified, are changed by the organisation itself.
        InvalidContent: a code does not exist, or the facts do not go together.
        StaleVersion: it is no longer at ``revision``.
        AlreadyExists: the credit code is another's; said to an operator alone.
    """
    found, actors = await read(session, organisation_id, by=by)
    # Of what was read: a revision that came later is one that nobody has looked at here.
    if found.revision != revision:
        raise StaleVersion
    before = facts(found)
    after = _checked(patching.merged(before, patch), taxonomy)
    changed = [name for name in after.__struct_fields__ if _differs(before, after, name)]
    if not changed:
        return found
    if Actor.OPERATOR not in actors:
        _refuse_operators_fields(found.state, changed)
    elif "uscc" in changed:
        await _refuse_credit_code_of_another(session, after.uscc, organisation_id)
    written = await rows.revise(
        session, Organisation, organisation_id, revision=revision, values=_values(after)
    )
    if written is None:
        raise StaleVersion
    told = {"revision": written, "fields": changed}
    now = await _present(session, organisation_id)
    await tell(session, "organisation.revised", now, by=by, data=told)
    return now


async def overview(
    session: ReadSession, organisation_id: OrganisationId, *, by: Principal, language: Language
) -> Transitions:
    """Where the organisation stands and what the caller can do about it.

    Raises:
        OrganisationNotFound: there is none, or it is none of the caller's business.
    """
    found, actors = await read(session, organisation_id, by=by)
    return transitions.overview(
        ORGANISATION,
        found.state,
        found.revision,
        actors=actors,
        hindrances=await _all_hindrances(session, found, actors),
        language=language,
    )


async def move(
    session: Session,
    organisation_id: OrganisationId,
    request: TransitionRequest,
    *,
    by: Principal,
    seen: int | None = None,
) -> None:
    """Take a transition; of several callers at once one wins.

    Raises:
        OrganisationNotFound: there is none, or it is none of the caller's business.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as they say.
    """
    found, actors = await read(session, organisation_id, by=by)
    etags.expect(found.revision, seen)
    source = found.state
    step = transitions.checked(
        ORGANISATION,
        source,
        request.transition,
        actors=actors,
        hindrances=await _all_hindrances(session, found, actors),
    )
    revision = await rows.move(
        session,
        Organisation,
        organisation_id,
        source=source,
        step=step,
        values={"note": request.note},
        seen=seen,
    )
    now = await _present(session, organisation_id)
    if revision is None:
        etags.expect(now.revision, seen)
        raise transitions.IllegalTransition(extra={"state": now.state.value})
    # What was read may have been changed since; what is held now can no longer change.
    if missing := (await _all_hindrances(session, now, actors)).get(step.name):
        raise transitions.TransitionHindered(errors=missing, extra={"state": source.value})
    told = {"revision": revision, "from": source.value, "to": step.target.value}
    await tell(session, TOLD_AS[step.name], now, by=by, data=told)


def facts(found: Organisation) -> schemas.OrganisationFacts:
    """What is said of a stored organisation."""
    return schemas.OrganisationFacts(
        name=msgspec.convert(found.name, Text),
        roles=tuple(OrganisationRole(role) for role in found.roles),
        provider_kind=found.provider_kind,
        region=found.region,
        jurisdiction=jurisdiction(found),
        uscc=found.uscc,
    )


def jurisdiction(found: Organisation) -> schemas.Jurisdiction | None:
    """Whose firms are the business of a stored organisation; None where nobody has said."""
    said = found.jurisdiction
    return None if said is None else msgspec.convert(said, schemas.Jurisdiction)


def _values(said: schemas.OrganisationFacts) -> dict[str, Any]:
    return {
        "name": msgspec.to_builtins(said.name),
        "roles": sorted({role.value for role in said.roles}),
        "provider_kind": said.provider_kind,
        "region": said.region,
        "jurisdiction": msgspec.to_builtins(said.jurisdiction),
        "uscc": said.uscc,
    }


def _differs(
    before: schemas.OrganisationFacts, after: schemas.OrganisationFacts, name: str
) -> bool:
    return bool(_values(before)[name] != _values(after)[name])


def _checked(said: schemas.OrganisationFacts, taxonomy: Taxonomy) -> schemas.OrganisationFacts:
    """``said``, its place written in six digits.

    Raises:
        InvalidContent: with everything that is wrong.
    """
    if wrong := list(_faults(said, taxonomy)):
        raise InvalidContent(errors=wrong)
    place = None if said.region is None else region.normalise(taxonomy, said.region)
    return msgspec.structs.replace(said, region=place)


def _faults(said: schemas.OrganisationFacts, taxonomy: Taxonomy) -> Iterator[FieldFault]:
    kind = said.provider_kind
    if kind is not None and kind not in taxonomy.codes(_PROVIDER_KIND):
        yield unknown_code("#/provider_kind", kind, _PROVIDER_KIND)
    if kind is not None and OrganisationRole.PROVIDER not in said.roles:
        message = Bilingual(zh="只有服务商才有服务商类型", en="only a provider has a kind")
        yield FieldFault("#/provider_kind", "not_a_provider", message)
    if said.region is not None and region.normalise(taxonomy, said.region) is None:
        yield unknown_code("#/region", said.region, REGION)
    yield from _jurisdiction_faults(said, taxonomy)
    if said.uscc is not None and not uscc.is_valid(said.uscc):
        message = Bilingual(
            zh="统一社会信用代码的校验位不正确", en="the check digit of the code is wrong"
        )
        yield FieldFault("#/uscc", "wrong_check_digit", message)


def _jurisdiction_faults(
    said: schemas.OrganisationFacts, taxonomy: Taxonomy
) -> Iterator[FieldFault]:
    if said.jurisdiction is None:
        return
    if OrganisationRole.AGENCY not in said.roles:
        message = Bilingual(zh="只有机构才有管辖范围", en="only an agency has a jurisdiction")
        yield FieldFault("#/jurisdiction", "not_an_agency", message)
    for place, code in enumerate(said.jurisdiction.regions):
        if region.normalise(taxonomy, code) is None:
            yield unknown_code(f"#/jurisdiction/regions/{place}", code, REGION)


def _refuse_operators_fields(state: OrganisationState, changed: Sequence[str]) -> None:
    reserved = {*_OPERATORS, *(() if state in EDITABLE else _VERIFIED_WITH)}
    message = Bilingual(zh="只能由运营方修改", en="only an operator changes it")
    if wrong := [name for name in changed if name in reserved]:
        raise OperatorsField(
            errors=[FieldFault(f"#/{name}", "operators_field", message) for name in wrong]
        )


def _hindrances(found: Organisation) -> Hindrances:
    missing = []
    if found.region is None:
        message = Bilingual(zh="尚未填写所在地", en="the region is not stated")
        missing.append(FieldFault("#/region", "region_missing", message))
    if OrganisationRole.PROVIDER in found.roles and found.provider_kind is None:
        message = Bilingual(zh="尚未填写服务商类型", en="the kind of provider is not stated")
        missing.append(FieldFault("#/provider_kind", "provider_kind_missing", message))
    return {"submit": missing}


async def _all_hindrances(
    session: ReadSession, found: Organisation, actors: frozenset[Actor]
) -> Hindrances:
    """What is missing for each step; whose a credit code is, is an operator's to know.

    Anybody may state any code of their own organisation, and learns nothing by it: only what is
    verified holds its code, and only an operator verifies.
    """
    missing = _hindrances(found)
    if Actor.OPERATOR not in actors or found.uscc is None:
        return missing
    if await queries.states_credit_code(session, found.uscc, but=found.id, states=HOLDING):
        message = Bilingual(
            zh="该统一社会信用代码已属于另一已核实的组织",
            en="another verified organisation holds the unified social credit code",
        )
        return {**missing, "verify": [FieldFault("#/uscc", "credit_code_taken", message)]}
    return missing


async def _refuse_credit_code_of_another(
    session: ReadSession, code: str | None, own: OrganisationId | None
) -> None:
    """Nothing, where no other organisation states ``code``; for the ears of an operator."""
    if code is not None and await queries.states_credit_code(
        session, code, but=own, states=_STATING
    ):
        raise AlreadyExists


async def _present(session: ReadSession, organisation_id: OrganisationId) -> Organisation:
    found = await queries.organisation(session, organisation_id)
    if found is None:
        raise OrganisationNotFound
    return found
