"""One thing of each kind that belongs to an organisation, and a sound body of each operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine
from tests import learned
from tests.contract.match_calls import NEED, PROFILE
from tests.identities import Holder, holder, sitter

from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.identity.access import SCOPES_OF_MEMBER, Scope
from matchmaker.identity.models import MemberRole, OrganisationRole
from matchmaker.matching.run import ENGINE, RULES

MATCH = {"need": {"kind": "solution"}}
OFFERING = {
    "kind": "solution",
    "title": {"en": "Traceability"},
    "packages": [{"code": "light", "title": {"en": "Light"}}],
}
ANY_ID = "00000000-0000-4000-8000-000000000000"

RECEIPT = {
    "as_of": "2026-11-20T08:00:00.000000Z",
    "seed": None,
    "caller": "anonymous",
    "versions": {
        "index": {"base": 1, "delta": 0},
        "text": "0",
        "model": "card",
        "curation": 1,
        "taxonomy": "1",
        "glossary": "1",
        "rules": RULES,
        "engine": ENGINE,
    },
    "digest": f"sha256:{'0' * 64}",
}
"""A receipt of an index that is not at hand."""

BODIES: dict[str, dict[str, Any]] = {
    "match": MATCH,
    "parseNeed": {"text": "排产"},
    "explainMatch": {**MATCH, "offering_id": "0"},
    "replayMatch": {**MATCH, "receipt": RECEIPT},
    "computeScale": {},
    "registerOrganisation": {"name": {"en": "New"}, "roles": ["sme"]},
    "reviseOrganisation": {"provider_kind": "software_vendor"},
    "moveOrganisation": {"transition": "close"},
    "createKey": {"name": "new"},
    "logIn": {"email": "nobody@example.org", "password": "correct horse battery"},
    "actFor": {"organisation_id": ANY_ID},
    "removeSecondFactor": {"code": "000000"},
    "changePassword": {"password": "a long and new one", "old_password": "not the one"},
    "setSecondFactor": {"secret": "A" * 32, "code": "000000"},
    "eraseMe": {},
    "putExpertCard": {
        "name": "Lin",
        "skills": ["plc_programming"],
        "conflicts": [],
        "consents": True,
    },
    "rotateKey": {},
    "addMember": {"name": "Lin", "email": "lin@example.org", "role": "viewer"},
    "reviseMember": {"role": "editor"},
    "grantConsent": {"purpose": "contact"},
    "giveDelegation": {
        "adviser_id": ANY_ID,
        "scopes": ["needs:read"],
        "ends_at": "2199-01-01T00:00:00Z",
    },
    "putProfile": PROFILE,
    "patchProfile": {"employees": 87},
    "createAssessment": {"scheme": "gbt_39116_2020", "value": "2"},
    "patchAssessment": {"remark": "Seen on site"},
    "moveAssessment": {"transition": "complete"},
    "createPathway": {"target": 1},
    "movePathway": {"transition": "adopt"},
    "moveModel": {"transition": "shadow"},
    "createExperiment": {"name": "A", "design": "ab", "b_id": ANY_ID, "measure": "opened"},
    "moveExperiment": {"transition": "end"},
    "createRecognition": {"scheme": "cn_smart_factory", "level": "basic", "issuer": "City"},
    "moveRecognition": {"transition": "end"},
    "createGuide": {
        "code": "machinery",
        "edition": "2026",
        "issuer": {"zh": "某市工信局"},
        "source": {"zh": "某市工信局网站"},
        "industries": ["C34"],
        "scenes": ["quality", "equipment"],
    },
    "moveGuide": {"transition": "supersede"},
    "createProgramme": {
        "name": {"zh": "某市改造补助"},
        "issuers": [{"zh": "某市工信局"}],
        "source": {"zh": "某市工信局网站"},
        "level": "prefecture",
        "regions": ["330200"],
    },
    "reviseProgramme": {"level": "county"},
    "moveProgramme": {"transition": "archive"},
    "moveParticipation": {"transition": "leave"},
    "createNeed": NEED,
    "reviseNeed": {"text": "Fewer rejects"},
    "takeNeedTransition": {"transition": "open"},
    "takeNeedMemberTransition": {"transition": "accept"},
    "matchNeed": {},
    "createShortlist": {"run_id": ANY_ID},
    "giveFeedback": {"run_id": ANY_ID, "offering_id": ANY_ID, "action": "opened"},
    "giveJudgement": {"run_id": ANY_ID, "offering_id": ANY_ID, "grade": 4},
    "claimEvidence": {"type": "case", "claim": {"en": "Done"}},
    "patchEvidence": {"claim": {"en": "Done twice"}},
    "takeEvidenceTransition": {"transition": "submit"},
    "addOfferingComponent": {"layer": "chip", "name": "A"},
    "patchOfferingComponent": {"name": "B"},
    "addSystemComponent": {"layer": "chip", "name": "A"},
    "patchSystemComponent": {"name": "B"},
    "createPool": {"code": "pool-of-one", "name": {"en": "Pool"}, "rule": {"all": []}},
    "patchPool": {"description": {"en": "All"}},
    "takePoolTransition": {"transition": "close"},
    "applyToPool": {"offering_id": ANY_ID},
    "reassessAdmission": {},
    "takeAdmissionTransition": {"transition": "admit"},
    "createExport": {"kind": "needs", "format": "jsonl"},
    "reviseShortlist": {"title": "First look"},
    "moveShortlist": {"transition": "freeze"},
    "createOffering": OFFERING,
    "patchOfferingDraft": {"title": {"en": "Better traceability"}},
    "moveOffering": {"transition": "submit"},
    "moveChange": {"transition": "submit"},
    "createCuration": {"name": {"en": "Local first"}},
    "reviseCuration": {"exclude": []},
    "moveCuration": {"transition": "activate"},
    "createCohort": {"name": "Small ones", "criteria": {"scales": ["small"]}},
    "reviseCohort": {"name": "All of them"},
    "countCohort": {},
    "matchReverse": {"offering_id": ANY_ID},
    "startBatch": {"criteria": {"scales": ["micro"]}, "need": {"kind": "solution"}},
    "createWebhook": {"url": "https://93.184.215.14/"},
    "reviseWebhook": {"kinds": ["need.opened"]},
    "rotateWebhookSecret": {},
    "putProvider": {"website": "https://example.org"},
    "patchProvider": {"website": None},
}
"""By operation a body that is sound for whoever may call it."""


class World(NamedTuple):
    """The API, its database, and whose things are made."""

    api: httpx.AsyncClient
    engine: AsyncEngine
    owner: Holder


Maker = Callable[[World], Awaitable[str]]


async def sent(world: World, method: str, path: str, body: object, **headers: str) -> Any:  # noqa: ANN401
    """What the API answers the owner, who may do this."""
    answer = await world.api.request(
        method,
        f"/v1{path}",
        content=None if body is None else msgspec.json.encode(body),
        headers={
            **({} if body is None else {"Content-Type": "application/json"}),
            **world.owner.headers,
            **headers,
        },
    )
    assert answer.is_success, answer.text
    return answer.json()


async def organisation(world: World) -> str:
    return str(world.owner.organisation_id)


async def profile(world: World) -> str:
    await sent(world, "PUT", f"/profiles/{world.owner.organisation_id}", PROFILE)
    return str(world.owner.organisation_id)


async def key(world: World) -> str:
    path = f"/organisations/{world.owner.organisation_id}/keys"
    made = await sent(world, "POST", path, {"name": "other", "scopes": ["keys:manage"]})
    return str(made["id"])


async def member(world: World) -> str:
    path = f"/organisations/{world.owner.organisation_id}/members"
    return str((await sent(world, "POST", path, BODIES["addMember"]))["id"])


async def consent(world: World) -> str:
    path = f"/organisations/{world.owner.organisation_id}/consents"
    return str((await sent(world, "POST", path, BODIES["grantConsent"]))["id"])


async def asked_about_oneself(world: World) -> str:
    """What somebody of the owner asked for; it is theirs alone."""
    who = await sitter(world.engine, world.owner.organisation_id)
    answer = await world.api.post("/v1/me/export", headers=who.headers)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def expert(world: World) -> str:
    """A member of the owner with an expert card."""
    who = await sitter(world.engine, world.owner.organisation_id)
    body = BODIES["putExpertCard"]
    answer = await world.api.put("/v1/me/expert-card", json=body, headers=who.headers)
    assert answer.is_success, answer.text
    return str(who.member_id)


async def delegation(world: World) -> str:
    path = f"/organisations/{world.owner.organisation_id}/delegations"
    body = {**BODIES["giveDelegation"], "adviser_id": await another_firm(world)}
    return str((await sent(world, "POST", path, body))["id"])


async def assessment(world: World) -> str:
    return str((await sent(world, "POST", "/assessments", BODIES["createAssessment"]))["id"])


async def assessed(world: World) -> str:
    """A completed assessment."""
    id_ = await assessment(world)
    await sent(world, "POST", f"/assessments/{id_}/transitions", BODIES["moveAssessment"])
    return id_


async def pathway(world: World) -> str:
    return str((await sent(world, "POST", "/pathways", BODIES["createPathway"]))["id"])


async def recognition(world: World) -> str:
    return str((await sent(world, "POST", "/recognitions", BODIES["createRecognition"]))["id"])


async def guide(world: World) -> str:
    return str((await sent(world, "POST", "/guides", BODIES["createGuide"]))["id"])


async def programme(world: World) -> str:
    return str((await sent(world, "POST", "/programmes", BODIES["createProgramme"]))["id"])


async def open_programme(world: World) -> str:
    """One of an operator, that firms may join."""
    keeper = world._replace(owner=await holder(world.engine, OrganisationRole.OPERATOR))
    id_ = await programme(keeper)
    await sent(keeper, "POST", f"/programmes/{id_}/transitions", {"transition": "publish"})
    return id_


async def participation(world: World) -> str:
    path = f"/programmes/{await open_programme(world)}/participations"
    return str((await sent(world, "POST", path, None))["id"])


async def need(world: World) -> str:
    return str((await sent(world, "POST", "/needs", NEED))["id"])


async def two_versions(world: World) -> str:
    """A need with something to compare."""
    id_ = await need(world)
    changes = {"If-Match": '"1"', "Content-Type": MEDIA_TYPE}
    await sent(world, "PATCH", f"/needs/{id_}", BODIES["reviseNeed"], **changes)
    return id_


async def run(world: World) -> str:
    await profile(world)
    path = f"/needs/{await need(world)}/matches"
    return str((await sent(world, "POST", path, {}))["run_id"])


async def shortlist(world: World) -> str:
    body = {"run_id": await run(world)}
    return str((await sent(world, "POST", "/shortlists", body))["id"])


async def curation(world: World) -> str:
    return str((await sent(world, "POST", "/curations", BODIES["createCuration"]))["id"])


async def cohort(world: World) -> str:
    return str((await sent(world, "POST", "/cohorts", BODIES["createCohort"]))["id"])


async def batch(world: World) -> str:
    return str((await sent(world, "POST", "/match/batch", BODIES["startBatch"]))["id"])


async def model(world: World) -> str:
    """A learned model; it is nobody's, and published."""
    async with world.engine.begin() as connection:
        return await learned.kept(connection)


async def experiment(world: World) -> str:
    """Two models to be compared; it is nobody's, operators see to it."""
    asked = {**BODIES["createExperiment"], "b_id": await model(world)}
    return str((await sent(world, "POST", "/experiments", asked))["id"])


async def joined_need(world: World) -> str:
    """Another firm's need that the owner was asked to share."""
    other = world._replace(owner=await holder(world.engine))
    id_ = await need(other)
    await sent(other, "PUT", f"/needs/{id_}/members/{world.owner.organisation_id}", None)
    return id_


async def draft(world: World) -> str:
    return str((await sent(world, "POST", "/offerings", OFFERING))["id"])


async def published(world: World) -> str:
    id_ = await draft(world)
    reviewer = world._replace(owner=await holder(world.engine, OrganisationRole.OPERATOR))
    await sent(world, "POST", f"/offerings/{id_}/transitions", {"transition": "submit"})
    await sent(reviewer, "POST", f"/offerings/{id_}/transitions", {"transition": "publish"})
    return id_


async def changed(world: World) -> str:
    """A published offering with a change beside it."""
    id_ = await published(world)
    changes = {"If-Match": '"3"', "Content-Type": MEDIA_TYPE}
    body = BODIES["patchOfferingDraft"]
    await sent(world, "PATCH", f"/offerings/{id_}/draft", body, **changes)
    return id_


async def supply_card(world: World) -> str:
    path = f"/providers/{world.owner.organisation_id}"
    await sent(world, "PUT", path, BODIES["putProvider"])
    return str(world.owner.organisation_id)


async def offering_component(world: World) -> str:
    """A line of the bill of the offering that was made last for the owner."""
    listed = await sent(world, "GET", f"/providers/{world.owner.organisation_id}/offerings", None)
    path = f"/offerings/{listed['items'][-1]['id']}/components"
    return str((await sent(world, "POST", path, BODIES["addOfferingComponent"]))["id"])


async def system_component(world: World) -> str:
    """A line of the bill of the owner, whose profile is there."""
    path = f"/profiles/{world.owner.organisation_id}/components"
    return str((await sent(world, "POST", path, BODIES["addSystemComponent"]))["id"])


async def evidence(world: World) -> str:
    return str((await sent(world, "POST", "/evidence", BODIES["claimEvidence"]))["id"])


async def pool(world: World) -> str:
    body = {**BODIES["createPool"], "code": f"p-{uuid4().hex}"}
    return str((await sent(world, "POST", "/pools", body))["id"])


async def pool_of_another(world: World) -> str:
    return await pool(world._replace(owner=await holder(world.engine, *OrganisationRole)))


async def admission(world: World) -> str:
    """Another provider's application to a pool of the owner."""
    other = world._replace(owner=await holder(world.engine, OrganisationRole.PROVIDER))
    path = f"/pools/{await pool(world)}/admissions"
    body = {"offering_id": await published(other)}
    return str((await sent(other, "POST", path, body))["id"])


async def exported(world: World) -> str:
    return str((await sent(world, "POST", "/exports", BODIES["createExport"]))["id"])


async def imported(world: World) -> str:
    line = {"type": "need", "external_id": "n", "kind": "solution", "text": "MES"}
    kind = {"Content-Type": "application/x-ndjson"}
    return str((await sent(world, "POST", "/imports?kind=needs", line, **kind))["id"])


async def job(world: World) -> str:
    return str((await sent(world, "POST", "/exports", BODIES["createExport"]))["job_id"])


async def webhook(world: World) -> str:
    return str((await sent(world, "POST", "/webhooks", BODIES["createWebhook"]))["id"])


async def webhook_tested(world: World) -> str:
    """A delivery of the webhook that was made last for the owner."""
    listed = await sent(world, "GET", "/webhooks", None)
    path = f"/webhooks/{listed['items'][-1]['id']}/test"
    return str((await sent(world, "POST", path, None))["id"])


async def audited(world: World) -> str:
    await need(world)
    found = await sent(world, "GET", "/audit", None)
    return str(found["items"][0]["event"]["position"])


async def another_firm(world: World) -> str:
    return str((await holder(world.engine)).organisation_id)


OWNED: dict[str, Maker] = {
    "organisation_id": organisation,
    "key_id": key,
    "member_id": member,
    "consent_id": consent,
    "delegation_id": delegation,
    "assessment_id": assessment,
    "request_id": asked_about_oneself,
    "pathway_id": pathway,
    "recognition_id": recognition,
    "guide_id": guide,
    "programme_id": programme,
    "participation_id": participation,
    "need_id": need,
    "offering_id": draft,
    "run_id": run,
    "shortlist_id": shortlist,
    "curation_id": curation,
    "cohort_id": cohort,
    "batch_id": batch,
    "model_id": model,
    "experiment_id": experiment,
    "component_id": offering_component,
    "evidence_id": evidence,
    "pool_id": pool,
    "admission_id": admission,
    "export_id": exported,
    "import_id": imported,
    "job_id": job,
    "webhook_id": webhook,
    "delivery_id": webhook_tested,
    "position": audited,
}
"""By path parameter how to make a thing of that kind that is the owner's."""


async def offering(world: World) -> str:
    """An offering that a match considers; it is published, and nobody's secret."""
    found = await sent(world, "GET", "/offerings?kind=solution&limit=1", None)
    return str(found["items"][0]["id"])


_PROFILE: dict[str, Maker] = {"organisation_id": profile}
_CHANGED: dict[str, Maker] = {"offering_id": changed}
_JOINED: dict[str, Maker] = {"need_id": joined_need}
_SYSTEM: dict[str, Maker] = {"organisation_id": profile, "component_id": system_component}
_ASSESSED: dict[str, Maker] = {"assessment_id": assessed}
SPECIAL: dict[str, dict[str, Maker]] = {
    "getExpert": {"member_id": expert},
    "getAssessmentSeries": _ASSESSED,
    "getBenchmark": _ASSESSED,
    "getAssessmentChart": _ASSESSED,
    "getProfile": _PROFILE,
    "patchProfile": _PROFILE,
    "putProfile": _PROFILE,
    "listProfileVersions": _PROFILE,
    "getProfileVersion": _PROFILE,
    "diffProfileVersions": _PROFILE,
    "diffNeedVersions": {"need_id": two_versions},
    "matchNeed": {"need_id": need},
    "explainMatchRun": {"offering_id": offering},
    "getChangeTransitions": _CHANGED,
    "moveChange": _CHANGED,
    "diffOfferingVersions": _CHANGED,
    "patchProvider": {"organisation_id": supply_card},
    "patchSystemComponent": _SYSTEM,
    "removeSystemComponent": _SYSTEM,
    "getSystemComponent": _SYSTEM,
    "applyToPool": {"pool_id": pool_of_another},
    "joinProgramme": {"programme_id": open_programme},
    "inviteNeedMember": {"organisation_id": another_firm},
    "removeNeedMember": _JOINED,
    "getNeedMemberTransitions": _JOINED,
    "takeNeedMemberTransition": _JOINED,
}
"""By operation what of it is made in another way."""

QUERIES: dict[str, dict[str, str]] = {
    "startLogin": {"issuer": "nobody"},
    "finishLogin": {"state": "x"},
    "suggestCodes": {"q": "quality"},
    "getJurisdictionAggregates": {"by": "scale"},
    "countOfferings": {"by": "scenarios"},
    "diffProfileVersions": {"from": "1"},
    "diffNeedVersions": {"from": "1"},
    "diffOfferingVersions": {"from": "1"},
    "checkOffering": {"offering_id": ANY_ID},
    "createImport": {"kind": "needs"},
}
"""By operation the query it cannot do without."""

RAW: dict[str, tuple[str, bytes]] = {
    "createImport": ("application/x-ndjson", b'{"external_id": "n", "kind": "solution"}'),
    "issueToken": ("application/x-www-form-urlencoded", b"grant_type=client_credentials"),
}
"""By operation that takes a file its media type and a sound one."""

FILLED: dict[str, tuple[str, str, Maker]] = {
    "createExperiment": ("body", "b_id", model),
    "createShortlist": ("body", "run_id", run),
    "giveFeedback": ("body", "run_id", run),
    "giveJudgement": ("body", "run_id", run),
    "giveDelegation": ("body", "adviser_id", another_firm),
    "applyToPool": ("body", "offering_id", published),
    "checkOffering": ("query", "offering_id", published),
}
"""By operation an id beside the path: where it stands, its name and how it is made."""


async def shown(world: World, run_id: str) -> str:
    """An offering that the stored match showed."""
    found = await sent(world, "GET", f"/match-runs/{run_id}", None)
    return str(found["answer"]["items"][0]["offering_id"])


async def filled(world: World, operation: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The ids beside the path, in the query and in the body, made for the owner."""
    if operation not in FILLED:
        return {}, {}
    where, name, make = FILLED[operation]
    made = await make(world)
    if where == "query":
        return {name: made}, {}
    more: dict[str, Any] = {name: made}
    if operation in {"giveFeedback", "giveJudgement"}:
        more["offering_id"] = await shown(world, made)
    return {}, more


BY_PART: dict[str, frozenset[Scope]] = {
    **dict.fromkeys(
        ("countCohort", "startBatch", "getBatchResults"), frozenset({Scope.PROFILES_READ})
    ),
    "getEvidenceTransitions": frozenset({Scope.OFFERINGS_READ}),
    "takeEvidenceTransition": frozenset({Scope.OFFERINGS_WRITE}),
    "reassessAdmission": frozenset({Scope.POOLS_WRITE}),
    "takeAdmissionTransition": frozenset({Scope.POOLS_WRITE}),
    "addMember": SCOPES_OF_MEMBER[MemberRole.VIEWER],
    "reviseMember": SCOPES_OF_MEMBER[MemberRole.EDITOR],
    "removeMember": SCOPES_OF_MEMBER[MemberRole.VIEWER],
    "createImport": frozenset({Scope.NEEDS_WRITE}),
    "giveDelegation": frozenset({Scope.NEEDS_READ}),
    "createExport": frozenset({Scope.NEEDS_READ}),
    "getExport": frozenset({Scope.NEEDS_READ}),
    "getExportFile": frozenset({Scope.NEEDS_READ}),
}
"""By operation the scopes it asks for itself: which ones depends on the part its caller takes."""

SEEN: dict[str, frozenset[OrganisationRole]] = {
    **dict.fromkeys(
        ("patchPool", "takePoolTransition", "getPoolTransitions", "applyToPool", "checkOffering"),
        frozenset(OrganisationRole),
    ),
    **dict.fromkeys(
        ("getEvidenceTransitions", "takeEvidenceTransition", "getExpert"),
        frozenset({OrganisationRole.AGENCY}),
    ),
}
"""By operation the roles that may know what is another's: it is refused, not hidden from them.

Pools are published; agencies and operators see the claims they may be asked to verify.
"""

USED_BY_ALL = frozenset({"joinProgramme"})
"""Operations whose path names what is published for everybody to use."""

SHARED: dict[str, object] = {"number": 1, "position": 2**53 - 1}
"""Path parameters that are nobody's."""


class Belongings:
    """Things of owners, made when they are first asked for; what names the same shares them.

    For requests that are refused and so leave everything as it was: making things takes longer than
    all else.
    """

    def __init__(self, api: httpx.AsyncClient, engine: AsyncEngine) -> None:
        self._api, self._engine = api, engine
        self._made: dict[tuple[Maker, ...], tuple[Holder, list[str]]] = {}

    async def things(self, operation: str, names: list[str]) -> tuple[Holder, dict[str, object]]:
        """What the path of the operation names, and whose it is."""
        all_ = {**OWNED, **SPECIAL.get(operation, {})}
        makers = {name: all_[name] for name in names if name in all_}
        key = tuple(makers.values())
        if key not in self._made:
            owner = await holder(self._engine, *OrganisationRole)
            world = World(self._api, self._engine, owner)
            self._made[key] = (owner, [await make(world) for make in key])
        owner, made = self._made[key]
        return owner, dict(zip(makers, made, strict=True))


async def things(world: World, operation: str, names: list[str]) -> dict[str, object]:
    """What the path of the operation names, made for the owner."""
    makers = {**OWNED, **SPECIAL.get(operation, {})}
    return {name: await makers[name](world) for name in names if name in makers}
