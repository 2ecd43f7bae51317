"""By operation, what a well-formed request names: things that are there, for whoever may use it.

No schema can say which ids exist, what state they are in or what an ETag is now. A new operation
needs an entry here; the test of the contract says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from joserfc.jwk import ECKey
from tests.contract.stage import NEIGHBOUR, OPERATOR, OWNER, PERSON, Body, Stage
from tests.identities import PASSWORD

from matchmaker.identity.oauth.schemas import TYPE

CLIENT: Final = ECKey.generate_key("P-256")
"""The key pair of a client."""
Path = Callable[[Stage], dict[str, object]]
Change = Callable[[Stage, Body], Body]


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What the requests of one operation are given before they are sent."""

    path: Path = lambda _: {}
    """Its path parameters."""
    query: Change = lambda _, query: query
    body: Change = lambda _, body: body
    by: str = OWNER
    """Whose the things are, and of whom at least half of the well-formed requests must succeed."""
    versioned: str = ""
    """Where the ETag of the thing is read, if not at the path of the operation."""
    is_risky: bool = False
    """Whether it may end the callers themselves: no request names another thing, links included."""
    is_consumed: bool = False
    """Whether a request that succeeds changes the thing so that the next one needs another."""


def own(stage: Stage) -> dict[str, object]:
    return {"organisation_id": stage.own}


def kept(name: str, made: Callable[[Stage], str], **others: object) -> Path:
    """The path parameter ``{name}`` of a thing that every request may use."""
    return lambda stage: {name: stage.keep(made.__name__, lambda: made(stage)), **others}


def fresh(name: str, made: Callable[[Stage], str]) -> Path:
    """The path parameter ``{name}`` of a new thing."""
    return lambda stage: {name: made(stage)}


def shared(stage: Stage) -> dict[str, object]:
    need_id = stage.keep("shared_need", stage.shared_need)
    return {"need_id": need_id, "organisation_id": stage.neighbour}


def without_cursor(_: Stage, query: Body) -> Body:
    """A cursor is good for one list with one set of filters: the next page is tested elsewhere."""
    return {name: value for name, value in query.items() if name != "cursor"}


def with_names(**values: Callable[[Stage], object]) -> Change:
    """Members that name something, where the request has them, name something that is there."""

    def change(stage: Stage, body: Body) -> Body:
        given = {name: found(stage) for name, found in values.items() if body.get(name) is not None}
        return {**body, **given}

    return change


def unused(_: Stage) -> str:
    return f"x-{uuid4().hex}"


def address(_: Stage) -> str:
    return f"{uuid4().hex}@example.com"


def logging_in(stage: Stage, body: Body) -> Body:
    said = {"email": stage.email, "password": PASSWORD}
    return {**body, **said, "code": None, "organisation_id": None}


def public_keys(_: Stage) -> object:
    return {"keys": [{**CLIENT.as_dict(private=False), "kid": "k1"}]}


def networks(_: Stage) -> object:
    """No pattern says which texts are networks; what is none is tested with the room."""
    return ["192.0.2.0/24", "2001:db8::/32"]


def asking_for_a_token(stage: Stage, body: Body) -> Body:
    """With an assertion of its own: none is taken twice."""
    signed = stage.assertion(CLIENT)
    said = {"client_assertion_type": TYPE, "client_assertion": signed}
    others = {name: value for name, value in body.items() if name not in {"client_id", "scope"}}
    return {**others, **said}


def later(_: Stage) -> str:
    return "2199-01-01T00:00:00Z"


def compared(_: Stage, query: Body) -> Body:
    return {**query, "from": 1}


def compared_models(stage: Stage, body: Body) -> Body:
    """The published card and a model that is there."""
    return {**body, "a_id": None, "b_id": stage.model()}


def ended(_: Stage, body: Body) -> Body:
    """None starts where experiments are not turned on."""
    return {**body, "transition": "end"}


def no_pools(_: Stage) -> None:
    return None


def own_need(stage: Stage) -> str:
    return stage.keep("need", stage.need)


def profile(stage: Stage) -> str:
    return stage.keep("profile", stage.profile)


def considered(stage: Stage, body: Body) -> Body:
    """An offering of the kind the need asks for, wherever it is."""
    named = MATCHED(stage, body)
    kind = (named.get("need") or {"kind": "solution"})["kind"]
    return {**named, "offering_id": stage.offering(kind), "pools": None}


def consented(stage: Stage, body: Body) -> Body:
    stage.free(body["purpose"])
    return body


def delegated(stage: Stage, body: Body) -> Body:
    """To an adviser that nothing was given to yet."""
    return {**body, "adviser_id": stage.organisation(), "ends_at": later(stage)}


def listed(stage: Stage, body: Body) -> Body:
    """Entries of what the run showed, each once."""
    if body.get("entries") is None:
        return body
    pairs = zip(body["entries"], stage.shown, strict=False)
    return {**body, "entries": [{**entry, "offering_id": id_} for entry, id_ in pairs]}


def of_run(stage: Stage, body: Body) -> Body:
    return {**listed(stage, body), "run_id": stage.keep("run", stage.run)}


def said_of_run(stage: Stage, body: Body) -> Body:
    """About what the run showed; a reason goes with a dismissal."""
    about = {"run_id": stage.keep("run", stage.run), "offering_id": stage.shown[0]}
    if "action" not in body:
        return {**body, **about}
    return {**body, **about, "reason": "price" if body["action"] == "dismissed" else None}


def shown(stage: Stage) -> dict[str, object]:
    return {"run_id": stage.keep("run", stage.run), "offering_id": stage.shown[0]}


def replayed(stage: Stage, body: Body) -> Body:
    """The receipt of an answer that anybody could have got."""
    return {**body, "receipt": json.loads(stage.keep("receipt", stage.receipt))}


def component(stage: Stage) -> dict[str, object]:
    offering_id = stage.bill()
    return {
        "offering_id": offering_id,
        "component_id": stage.component(f"/v1/offerings/{offering_id}"),
    }


def system(stage: Stage) -> dict[str, object]:
    owner = profile(stage)
    return {
        "organisation_id": owner,
        "component_id": stage.component(f"/v1/profiles/{owner}"),
    }


def on_the_web(_: Stage, body: Body) -> Body:
    return {**body, "website": "https://example.com"} if body.get("website") else body


def shown_in(_: Stage, body: Body) -> Body:
    """Pools with the visibility that goes with them, and it with pools: nothing says them yet."""
    if body.get("pools"):
        return {**body, "visibility": "pool"}
    return {**body, "pools": ["a"]} if body.get("visibility") == "pool" else body


def hooked(_: Stage, body: Body) -> Body:
    """A URL that may be sent to, and an endpoint that stays on for the next request."""
    found = {name: value for name, value in body.items() if name != "active"}
    return {**found, "url": "https://93.184.215.14/"} if "url" in found else found


def audited(stage: Stage) -> dict[str, object]:
    """The latest event of the owner."""
    stage.keep("need", stage.need)
    found = stage.ask("GET", "/v1/audit?limit=1").json()["items"][0]
    return {"position": found["event"]["position"]}


def sent_to(stage: Stage) -> dict[str, object]:
    webhook_id = stage.keep("webhook", stage.webhook)
    return {
        "webhook_id": webhook_id,
        "delivery_id": stage.keep("delivery", lambda: stage.delivery(webhook_id)),
    }


def reasoned(_: Stage, body: Body) -> Body:
    """Some steps are not taken without a reason."""
    return {**body, "note": body.get("note") or "so it is"}


def reclaimed(_: Stage, body: Body) -> Body:
    """A claim that stays one of a case, of something measured."""
    return {name: value for name, value in body.items() if name not in {"certificate", "metric"}}


def claimed(_: Stage, body: Body) -> Body:
    """A claim of its type, of something measured, by the organisation as a whole."""
    kept = {**body, "offering_id": None, "metric": body.get("metric") or {"en": "Pieces"}}
    return kept if body["type"] == "certificate" else {**kept, "certificate": None}


def pooled(stage: Stage, body: Body) -> Body:
    """Rules that a pool may ask, tiers that differ."""
    found = {**body}
    if "code" in found:
        found["code"] = unused(stage)
    if "rule" in found:
        found["rule"] = {"all": []}
    if "tiers" in found:
        found["tiers"] = [
            {**tier, "code": f"t{place}", "rule": {"all": []}}
            for place, tier in enumerate(found["tiers"])
        ]
    return found


def redeclared(_: Stage, body: Body) -> Body:
    """What is declared of a solution, without what would contradict the rest."""
    found = {**body}
    for name in ("valid_from", "valid_to", "attested", "must", "standards", "attributes"):
        found.pop(name, None)
    if found.get("packages"):
        found["packages"] = [
            {
                **package,
                "code": f"p{place}",
                "price": None,
                **dict.fromkeys(("weeks", "stages", "levels", "scales")),
            }
            for place, package in enumerate(found["packages"])
        ]
    return found


def declared(stage: Stage, body: Body) -> Body:
    return with_names(external_id=unused)(stage, redeclared(stage, body))


def reassessed(_: Stage, body: Body) -> Body:
    """Only what a scheme without a questionnaire takes, with a value that it has."""
    found = {name: value for name, value in body.items() if name not in {"answers", "dimensions"}}
    return {**found, "value": "3"} if found.get("value") is not None else found


def assessed(stage: Stage, body: Body) -> Body:
    return {**reassessed(stage, body), "scheme": "gbt_39116_2020"}


def completed(stage: Stage) -> str:
    return stage.keep("assessed", stage.assessed)


def aimed(stage: Stage, body: Body) -> Body:
    """A pathway from what is completed, in the place of none: the next request needs it too."""
    found = {name: value for name, value in body.items() if name != "previous_id"}
    return with_names(assessment_id=completed, currency=lambda _: "CNY")(stage, found)


def granted(_: Stage, body: Body) -> Body:
    found = {name: value for name, value in body.items() if name != "granted_on"}
    return {**found, "scheme": "cn_smart_factory", "level": "basic"}


def recommended(_: Stage, body: Body) -> Body:
    """Each scene once."""
    return {**body, "scenes": ["quality", "equipment"]}


def supported(stage: Stage, body: Body) -> Body:
    """Part of none, open for a while, with a rule that can be read."""
    without = ("parent_id", "opens_on", "closes_on", "eligibility")
    found = in_places(stage, {name: value for name, value in body.items() if name not in without})
    return {**found, "eligibility": {"field": "profile.employees", "op": "exists"}}


def in_places(_: Stage, criteria: Body) -> Body:
    """Places and industries that there are, where some are named."""
    named = {"regions": ["330200"], "industries": ["C33"]}
    return {**criteria, **{name: codes for name, codes in named.items() if criteria.get(name)}}


def placed(stage: Stage, body: Body) -> Body:
    found = body.get("criteria")
    return {**body, "criteria": in_places(stage, found)} if found else body


def batched(stage: Stage, body: Body) -> Body:
    """Over a cohort that is there or listed firms, each once, for offerings that are there."""
    found = {**placed(stage, body), "capacities": {}, "floors": {}}
    if found.get("cohort_id") is not None:
        found["cohort_id"] = stage.keep("cohort", stage.cohort)
    if found.get("enterprises") is not None:
        found["enterprises"] = [
            {**each, "reference": f"e{place}"} for place, each in enumerate(found["enterprises"])
        ]
    return found


def curated(_: Stage, body: Body) -> Body:
    """Rules and fields of offerings; which there are no schema says."""
    found = {**body}
    for name in ("boosts", "floors"):
        if found.get(name):
            found[name] = [
                {**each, "rule": {"all": []}} if each.get("rule") is not None else each
                for each in found[name]
            ]
    if found.get("diversity"):
        found["diversity"] = [{**each, "field": "offering.kind"} for each in found["diversity"]]
    return found


MATCHED: Final = with_names(need_id=own_need, profile_id=profile)
PROFILE: Final[Path] = lambda stage: {"organisation_id": profile(stage)}  # noqa: E731
FIRST_OF_PROFILE: Final[Path] = lambda stage: {**PROFILE(stage), "number": 1}  # noqa: E731
DRAFT: Final = kept("need_id", Stage.need)
LIST: Final = Supply(query=without_cursor)
OF_OWN: Final = Supply(path=own, query=without_cursor)

SUPPLIES: Final[dict[str, Supply]] = {
    "readLiveness": Supply(),
    "readReadiness": Supply(),
    # identity
    "getMe": Supply(),
    "logIn": Supply(body=logging_in),
    "startLogin": Supply(by=PERSON),
    "finishLogin": Supply(by=PERSON),
    "readAuthorizationServer": Supply(),
    "listTokenKeys": Supply(),
    "issueToken": Supply(body=asking_for_a_token),
    "actFor": Supply(by=PERSON),
    "logOut": Supply(by=PERSON),
    "proposeSecondFactor": Supply(by=PERSON),
    "setSecondFactor": Supply(by=PERSON),
    "removeSecondFactor": Supply(by=PERSON),
    "changePassword": Supply(by=PERSON),
    "exportMe": Supply(by=PERSON),
    "eraseMe": Supply(by=PERSON),
    "getRightsRequest": Supply(path=lambda _: {"request_id": str(uuid4())}, by=PERSON),
    "putExpertCard": Supply(by=PERSON),
    "getOwnExpertCard": Supply(by=PERSON),
    "withdrawExpertCard": Supply(by=PERSON),
    "listExperts": LIST,
    "getExpert": Supply(path=lambda stage: {"member_id": stage.kept["expert"]}),
    "getErasureReceipt": Supply(path=lambda stage: {"request_id": stage.kept["erased"]}),
    "listOrganisations": LIST,
    "registerOrganisation": Supply(body=with_names(external_id=unused), by=OPERATOR),
    "getOrganisation": OF_OWN,
    "reviseOrganisation": Supply(
        is_risky=True,
        path=fresh("organisation_id", Stage.organisation),
        by=OPERATOR,
        is_consumed=True,
    ),
    "listOrganisationTransitions": OF_OWN,
    "moveOrganisation": Supply(
        is_risky=True,
        path=fresh("organisation_id", Stage.organisation),
        by=OPERATOR,
        is_consumed=True,
    ),
    "listKeys": OF_OWN,
    "createKey": Supply(
        path=own, body=with_names(expires_at=later, jwks=public_keys, allowed_from=networks)
    ),
    "rotateKey": Supply(
        is_risky=True,
        path=fresh("key_id", Stage.key),
        body=with_names(expires_at=later, jwks=public_keys),
        is_consumed=True,
    ),
    "revokeKey": Supply(is_risky=True, path=fresh("key_id", Stage.key), is_consumed=True),
    "listMembers": OF_OWN,
    "addMember": Supply(path=own, body=with_names(email=address)),
    "getMember": Supply(path=kept("member_id", Stage.member)),
    "reviseMember": Supply(path=kept("member_id", Stage.member)),
    "removeMember": Supply(path=fresh("member_id", Stage.member), is_consumed=True),
    "listConsents": OF_OWN,
    "listSightings": OF_OWN,
    "listDelegationsGiven": OF_OWN,
    "giveDelegation": Supply(path=own, body=delegated),
    "listDelegationsHeld": LIST,
    "endDelegation": Supply(path=fresh("delegation_id", Stage.delegation), is_consumed=True),
    "grantConsent": Supply(path=own, body=consented),
    "withdrawConsent": Supply(path=fresh("consent_id", Stage.consent), is_consumed=True),
    # enterprise
    "getProfile": Supply(path=PROFILE),
    "putProfile": Supply(path=PROFILE),
    "patchProfile": Supply(path=fresh("organisation_id", Stage.profile), is_consumed=True),
    "listProfileVersions": Supply(path=PROFILE, query=without_cursor),
    "getProfileVersion": Supply(path=FIRST_OF_PROFILE),
    "diffProfileVersions": Supply(path=FIRST_OF_PROFILE, query=compared),
    "listJurisdictionFirms": LIST,
    "getJurisdictionAggregates": Supply(),
    "createAssessment": Supply(body=assessed),
    "listAssessments": LIST,
    "getAssessment": Supply(path=kept("assessment_id", Stage.assessed)),
    "patchAssessment": Supply(
        path=fresh("assessment_id", Stage.assessment), body=reassessed, is_consumed=True
    ),
    "listOpenQuestions": Supply(path=kept("assessment_id", Stage.assessment)),
    "getAssessmentSeries": Supply(path=kept("assessment_id", Stage.assessed)),
    "getBenchmark": Supply(path=kept("assessment_id", Stage.assessed)),
    "getAssessmentChart": Supply(path=kept("assessment_id", Stage.assessed)),
    "listAssessmentTransitions": Supply(path=kept("assessment_id", Stage.assessment)),
    "moveAssessment": Supply(path=fresh("assessment_id", Stage.assessment), is_consumed=True),
    "createPathway": Supply(body=aimed),
    "listPathways": Supply(
        query=lambda stage, query: {
            **without_cursor(stage, query),
            **({"assessment_id": completed(stage)} if query.get("assessment_id") else {}),
        }
    ),
    "getPathway": Supply(path=kept("pathway_id", Stage.pathway)),
    "createNeedOfStep": Supply(path=kept("pathway_id", Stage.pathway, number=1)),
    "listPathwayTransitions": Supply(path=kept("pathway_id", Stage.pathway)),
    "movePathway": Supply(path=fresh("pathway_id", Stage.pathway), is_consumed=True),
    "createRecognition": Supply(body=granted),
    "listRecognitions": LIST,
    "getRecognition": Supply(path=kept("recognition_id", Stage.recognition)),
    "listRecognitionTransitions": Supply(path=kept("recognition_id", Stage.recognition)),
    "moveRecognition": Supply(path=fresh("recognition_id", Stage.recognition), is_consumed=True),
    # policy
    "createGuide": Supply(body=recommended),
    "listGuides": LIST,
    "getGuide": Supply(path=kept("guide_id", Stage.guide)),
    "listGuideTransitions": Supply(path=kept("guide_id", Stage.guide)),
    "moveGuide": Supply(path=fresh("guide_id", Stage.guide), is_consumed=True),
    "createProgramme": Supply(body=supported),
    "listProgrammes": LIST,
    "getProgramme": Supply(path=kept("programme_id", Stage.programme)),
    "reviseProgramme": Supply(path=kept("programme_id", Stage.programme), body=supported),
    "listProgrammeTransitions": Supply(path=kept("programme_id", Stage.programme)),
    "moveProgramme": Supply(path=fresh("programme_id", Stage.programme), is_consumed=True),
    "joinProgramme": Supply(path=fresh("programme_id", Stage.open_programme), is_consumed=True),
    "listParticipations": LIST,
    "getParticipation": Supply(path=kept("participation_id", Stage.participation)),
    "listParticipationTransitions": Supply(path=kept("participation_id", Stage.participation)),
    "moveParticipation": Supply(
        path=fresh("participation_id", Stage.participation), is_consumed=True
    ),
    # demand
    "createNeed": Supply(body=with_names(external_id=unused)),
    "listNeeds": LIST,
    "listPublicNeeds": LIST,
    "getNeed": Supply(path=kept("need_id", Stage.public_need)),
    "reviseNeed": Supply(path=fresh("need_id", Stage.need), body=shown_in, is_consumed=True),
    "getNeedTransitions": Supply(path=DRAFT),
    "takeNeedTransition": Supply(path=fresh("need_id", Stage.need), is_consumed=True),
    "listNeedVersions": Supply(path=DRAFT, query=without_cursor),
    "getNeedVersion": Supply(path=kept("need_id", Stage.need, number=1)),
    "diffNeedVersions": Supply(path=kept("need_id", Stage.need, number=1), query=compared),
    "listNeedMembers": Supply(path=kept("need_id", Stage.shared_need), query=without_cursor),
    "inviteNeedMember": Supply(path=shared),
    "removeNeedMember": Supply(
        path=lambda stage: {
            "need_id": stage.shared_need(),
            "organisation_id": stage.neighbour,
        },
        is_consumed=True,
    ),
    "getNeedMemberTransitions": Supply(path=shared),
    "takeNeedMemberTransition": Supply(
        path=lambda stage: {"need_id": stage.offered_need(), "organisation_id": stage.own},
        is_consumed=True,
    ),
    "parseNeed": Supply(),
    # matching
    "match": Supply(body=MATCHED),
    "explainMatch": Supply(body=considered),
    "replayMatch": Supply(body=replayed),
    "matchNeed": Supply(path=DRAFT),
    "listMatchRuns": LIST,
    "getMatchRun": Supply(path=kept("run_id", Stage.run)),
    "explainMatchRun": Supply(path=shown),
    "replayMatchRun": Supply(path=kept("run_id", Stage.run)),
    "listReceiptKeys": Supply(),
    "matchReverse": Supply(
        by=OPERATOR, body=lambda stage, body: {**body, "offering_id": stage.offering()}
    ),
    "createCuration": Supply(body=curated),
    "listCurations": LIST,
    "getCuration": Supply(path=kept("curation_id", Stage.curation)),
    "reviseCuration": Supply(path=kept("curation_id", Stage.curation), body=curated),
    "listCurationVersions": Supply(path=kept("curation_id", Stage.curation), query=without_cursor),
    "listCurationTransitions": Supply(path=kept("curation_id", Stage.curation)),
    "moveCuration": Supply(path=fresh("curation_id", Stage.curation), is_consumed=True),
    "createCohort": Supply(body=placed),
    "listCohorts": LIST,
    "getCohort": Supply(path=kept("cohort_id", Stage.cohort)),
    "reviseCohort": Supply(path=kept("cohort_id", Stage.cohort), body=placed),
    "countCohort": Supply(body=in_places),
    "startBatch": Supply(body=batched),
    "listBatches": LIST,
    "getBatch": Supply(path=kept("batch_id", Stage.batch)),
    "getBatchResults": Supply(path=kept("batch_id", Stage.batch)),
    "getBatchReport": Supply(path=kept("batch_id", Stage.batch)),
    "getBatchReportTable": Supply(path=kept("batch_id", Stage.batch)),
    "createShortlist": Supply(body=of_run),
    "giveFeedback": Supply(body=said_of_run),
    "giveJudgement": Supply(body=said_of_run),
    "listModels": LIST,
    "getModel": Supply(path=kept("model_id", Stage.model)),
    "getModelCard": Supply(path=kept("model_id", Stage.model)),
    "listModelTransitions": Supply(path=kept("model_id", Stage.model), by=OPERATOR),
    "moveModel": Supply(path=fresh("model_id", Stage.another_model), by=OPERATOR, is_consumed=True),
    "createExperiment": Supply(body=compared_models, by=OPERATOR),
    "listExperiments": Supply(query=without_cursor, by=OPERATOR),
    "getExperiment": Supply(path=kept("experiment_id", Stage.experiment), by=OPERATOR),
    "listExperimentTransitions": Supply(path=kept("experiment_id", Stage.experiment), by=OPERATOR),
    "moveExperiment": Supply(
        path=fresh("experiment_id", Stage.experiment), body=ended, by=OPERATOR, is_consumed=True
    ),
    "listShortlists": LIST,
    "getShortlist": Supply(path=kept("shortlist_id", Stage.shortlist)),
    "reviseShortlist": Supply(path=kept("shortlist_id", Stage.shortlist), body=listed),
    "listShortlistTransitions": Supply(path=kept("shortlist_id", Stage.shortlist)),
    "moveShortlist": Supply(path=fresh("shortlist_id", Stage.shortlist), is_consumed=True),
    # catalog
    "listOfferings": LIST,
    "countOfferings": Supply(),
    "getOffering": Supply(path=kept("offering_id", Stage.offering)),
    "listProviders": LIST,
    "getProvider": Supply(path=kept("organisation_id", Stage.provider)),
    "createOffering": Supply(body=declared),
    "getOfferingDraft": Supply(path=kept("offering_id", Stage.draft)),
    "patchOfferingDraft": Supply(
        path=fresh("offering_id", Stage.draft), body=redeclared, is_consumed=True
    ),
    "getOfferingTransitions": Supply(path=kept("offering_id", Stage.draft)),
    "moveOffering": Supply(path=fresh("offering_id", Stage.draft), is_consumed=True),
    "getChangeTransitions": Supply(path=kept("offering_id", Stage.changed)),
    "moveChange": Supply(path=fresh("offering_id", Stage.changed), is_consumed=True),
    "listOfferingVersions": Supply(path=kept("offering_id", Stage.draft), query=without_cursor),
    "getOfferingVersion": Supply(path=kept("offering_id", Stage.draft, number=1)),
    "diffOfferingVersions": Supply(path=kept("offering_id", Stage.draft, number=1), query=compared),
    "listOwnOfferings": OF_OWN,
    "putProvider": Supply(path=kept("organisation_id", Stage.card), body=on_the_web),
    "patchProvider": Supply(
        path=fresh("organisation_id", Stage.card), body=on_the_web, is_consumed=True
    ),
    "listOfferingComponents": Supply(
        path=lambda stage: {"offering_id": stage.bill()}, query=without_cursor
    ),
    "addOfferingComponent": Supply(path=lambda stage: {"offering_id": stage.bill()}),
    "getOfferingComponent": Supply(path=component),
    "patchOfferingComponent": Supply(path=component),
    "removeOfferingComponent": Supply(path=component, is_consumed=True),
    "listSystemComponents": Supply(path=own, query=without_cursor),
    "addSystemComponent": Supply(path=own),
    "getSystemComponent": Supply(path=system),
    "patchSystemComponent": Supply(path=system),
    "removeSystemComponent": Supply(path=system, is_consumed=True),
    "listEvidence": LIST,
    "claimEvidence": Supply(body=claimed),
    "getEvidence": Supply(path=kept("evidence_id", Stage.evidence)),
    "patchEvidence": Supply(
        path=fresh("evidence_id", Stage.evidence), body=reclaimed, is_consumed=True
    ),
    "getEvidenceTransitions": Supply(path=kept("evidence_id", Stage.evidence)),
    "takeEvidenceTransition": Supply(
        path=fresh("evidence_id", Stage.evidence),
        body=reasoned,
        versioned="/v1/evidence/{evidence_id}",
        is_consumed=True,
    ),
    "listPools": LIST,
    "createPool": Supply(body=pooled),
    "getPool": Supply(path=kept("pool_id", Stage.pool)),
    "patchPool": Supply(path=fresh("pool_id", Stage.pool), body=pooled, is_consumed=True),
    "getPoolTransitions": Supply(path=kept("pool_id", Stage.pool)),
    "takePoolTransition": Supply(path=fresh("pool_id", Stage.pool), is_consumed=True),
    "listPoolVersions": Supply(path=kept("pool_id", Stage.pool), query=without_cursor),
    "getPoolVersion": Supply(path=kept("pool_id", Stage.pool, number=1)),
    "listAdmissions": Supply(path=kept("pool_id", Stage.pool), query=without_cursor),
    "checkOffering": Supply(
        path=kept("pool_id", Stage.pool),
        query=lambda stage, query: {**query, "offering_id": stage.bill()},
    ),
    "applyToPool": Supply(
        path=lambda stage: {"pool_id": stage.pool(NEIGHBOUR)},
        body=lambda stage, body: {**body, "offering_id": stage.bill()},
        is_consumed=True,
    ),
    "getAdmission": Supply(path=kept("admission_id", Stage.admission)),
    "listDecisions": Supply(path=kept("admission_id", Stage.admission), query=without_cursor),
    "reassessAdmission": Supply(
        path=kept("admission_id", Stage.admission), versioned="/v1/admissions/{admission_id}"
    ),
    "getAdmissionTransitions": Supply(path=kept("admission_id", Stage.admission)),
    "takeAdmissionTransition": Supply(
        path=fresh("admission_id", Stage.admission),
        body=reasoned,
        versioned="/v1/admissions/{admission_id}",
        is_consumed=True,
    ),
    # exchange and jobs
    "createExport": Supply(),
    "getExport": Supply(path=kept("export_id", Stage.export)),
    "getExportFile": Supply(path=kept("export_id", Stage.export)),
    "createImport": Supply(query=lambda _, query: {**query, "kind": "needs"}),
    "getImport": Supply(path=kept("import_id", Stage.import_)),
    "getImportReport": Supply(path=kept("import_id", Stage.import_)),
    "getJob": Supply(path=kept("job_id", Stage.job)),
    "cancelJob": Supply(path=fresh("job_id", Stage.job), is_consumed=True),
    "listEvents": LIST,
    "listAudit": LIST,
    "getAuditProof": Supply(path=audited),
    "createWebhook": Supply(body=hooked, by=NEIGHBOUR),
    "listWebhooks": LIST,
    "getWebhook": Supply(path=kept("webhook_id", Stage.webhook)),
    "reviseWebhook": Supply(path=kept("webhook_id", Stage.webhook), body=hooked),
    "deleteWebhook": Supply(path=fresh("webhook_id", Stage.webhook), is_consumed=True),
    "rotateWebhookSecret": Supply(path=fresh("webhook_id", Stage.webhook), is_consumed=True),
    "testWebhook": Supply(path=kept("webhook_id", Stage.webhook)),
    "listDeliveries": Supply(path=kept("webhook_id", Stage.webhook), query=without_cursor),
    "redeliver": Supply(path=sent_to),
    # taxonomy
    "getTaxonomy": Supply(),
    "getScheme": Supply(path=lambda _: {"scheme": "sme_scene"}),
    "getCode": Supply(path=lambda _: {"scheme": "gbt_2260", "code": "330200"}),
    "suggestCodes": Supply(query=with_names(scheme=lambda _: "gbt_4754_2017")),
    "computeScale": Supply(body=with_names(scheme=lambda _: "cn_nbs_2017")),
    "listQuestionnaires": Supply(),
    "getQuestionnaire": Supply(path=lambda _: {"scheme": "cn_miit_sme_2024"}),
}


def integers(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """Whole numbers without a fraction: 79, where JSON Schema also calls 79.0 an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: integers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [integers(inner) for inner in value]
    return value
