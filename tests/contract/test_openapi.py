"""The committed OpenAPI document is the generated one, complete, and true for every response."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jsonschema_rs
import msgspec
import pytest
import pytest_asyncio
from tests.contract.owned import RECEIPT
from tests.identities import PASSWORD, Holder, Sitter, holder, sitter

from matchmaker.cli.contract import contract
from matchmaker.cli.session import Database
from matchmaker.core import db
from matchmaker.core.edges import EVERYWHERE
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.origin import HEADER
from matchmaker.core.patching import MEDIA_TYPE, TextPatch
from matchmaker.core.wire import Text
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.sessions.passwords import Passwords
from matchmaker.matching.schemas import ExplainRequest, MatchRequest
from matchmaker.released import Released

COMMITTED = Path(__file__).parents[2] / "openapi" / "matchmaker.v1.json"
ID = "018f4e3a-7c00-7000-8000-000000000000"
METHODS = ("get", "post", "put", "patch", "delete")
MATCHES = 45
"""Of `POST /v1/match`: one body in twenty that are drawn for it is sound."""

Document = dict[str, Any]


@pytest.fixture(scope="session")
def document() -> Document:
    found: Document = msgspec.json.decode(COMMITTED.read_bytes())
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def kinds(root: type[MatchmakerError] = MatchmakerError) -> Iterator[type[MatchmakerError]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith("matchmaker."):
            yield kind
        yield from kinds(kind)


def problem_responses(operation: Document) -> Iterator[tuple[int, Document]]:
    for status, response in operation["responses"].items():
        if "application/problem+json" in response.get("content", {}):
            yield int(status), response


def named_problems(operation: Document) -> Iterator[tuple[int, str]]:
    for status, response in problem_responses(operation):
        for slug in re.findall(r"`(\w+)`", response["description"]):
            yield status, slug


def test_the_committed_document_is_the_generated_one() -> None:
    assert COMMITTED.read_bytes() == contract(), "run `make openapi`"


def test_the_document_does_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MATCHMAKER_PORT", "9999")
    assert contract() == COMMITTED.read_bytes()


class TestOperations:
    def test_ids_are_unique_and_tags_are_given(self, document: Document) -> None:
        found = list(operations(document))
        ids = [operation["operationId"] for _, _, operation in found]
        assert len(set(ids)) == len(ids) >= 12
        assert all(re.fullmatch(r"[a-z]+[A-Za-z]*", id_) for id_ in ids)
        assert all(operation["tags"] for _, _, operation in found)

    def test_each_is_described_in_a_sentence(self, document: Document) -> None:
        assert not undescribed(document)

    def test_a_description_that_says_nothing_is_caught(self, document: Document) -> None:
        """The control: a description made of the operation's own name."""
        doctored = copy.deepcopy(document)
        doctored["paths"]["/v1/match"]["post"]["description"] = "Match."
        assert set(undescribed(doctored)) - set(undescribed(document)) == {"match"}

    def test_each_names_the_problems_it_may_answer(self, document: Document) -> None:
        by_slug = {kind.slug: kind.status for kind in kinds() if hasattr(kind, "slug")}
        everywhere = {kind.slug for kind in EVERYWHERE if kind.status in {400, 422}}
        for _, path, operation in operations(document):
            named = dict((slug, status) for status, slug in named_problems(operation))  # noqa: C402
            assert everywhere <= named.keys(), path
            assert {500} <= {status for status, _ in problem_responses(operation)}, path
            for slug, status in named.items():
                assert by_slug[slug] == status, (path, slug)

    def test_the_match_names_its_own_problems(self, document: Document) -> None:
        named = {slug for _, slug in named_problems(document["paths"]["/v1/match"]["post"])}
        assert {"unusable_input", "index_not_ready", "storing_needs_account"} <= named
        explain = document["paths"]["/v1/match/explain"]["post"]
        assert (404, "offering_not_considered") in set(named_problems(explain))

    def test_each_parameter_says_what_it_takes(self, document: Document) -> None:
        silent = [
            (path, parameter["name"])
            for _, path, operation in operations(document)
            for parameter in operation.get("parameters", ())
            if not parameter.get("schema")
        ]
        assert not silent


def undescribed(document: Document) -> list[str]:
    """Operations whose description adds nothing to their name."""
    found = []
    for _, _, operation in operations(document):
        said = operation.get("description", "")
        name = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+", operation["operationId"])}
        new = {word.lower() for word in re.findall(r"[A-Za-z]{3,}", said)} - name
        if len(new) < 4 or "." not in said:
            found.append(operation["operationId"])
    return found


class TestBodies:
    def test_no_request_body_takes_a_field_that_is_not_described(self, document: Document) -> None:
        # A form takes others' parameters and passes them over: RFC 6749, 3.2.
        assert set(open_objects(document)) <= {"TokenRequest"}

    def test_an_open_body_is_caught(self, document: Document) -> None:
        """The control: the profile admits anything."""
        doctored = copy.deepcopy(document)
        del doctored["components"]["schemas"]["ProfileFacts"]["additionalProperties"]
        assert "ProfileFacts" in open_objects(doctored)

    def test_every_reference_resolves(self, document: Document) -> None:
        known = document["components"]["schemas"].keys()
        assert set(references(document)) <= known

    def test_every_schema_is_used(self, document: Document) -> None:
        assert set(references(document)) == document["components"]["schemas"].keys()


def references(value: object) -> Iterator[str]:
    for member in walk(value):
        if isinstance(reference := member.get("$ref"), str):
            yield reference.rpartition("/")[2]


def walk(value: object) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def open_objects(document: Document) -> list[str]:
    """Schemas reachable from a request body that describe an object and admit unknown members."""
    schemas = document["components"]["schemas"]
    waiting = [
        name
        for _, _, operation in operations(document)
        for name in references(operation.get("requestBody", {}))
    ]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(references(schemas[name]))
    return [
        name
        for name in sorted(seen)
        if "properties" in schemas[name] and schemas[name].get("additionalProperties") is not False
    ]


def test_every_transition_is_named(document: Document) -> None:
    """By the operation that takes it: one shape serves all nouns, each with its own machine."""
    taking = {
        path: operation["requestBody"]["content"]["application/json"]["schema"]
        for method, path, operation in operations(document)
        if method == "post" and path.endswith("/transitions")
    }
    assert taking
    for path, schema in taking.items():
        assert schema["$ref"].endswith("/TransitionRequest"), path
        assert schema["properties"]["transition"]["enum"], path


class TestRefusals:
    """What a struct refuses beyond the types of its members, the document refuses too."""

    @pytest.mark.parametrize(
        ("kind", "body", "is_sound"),
        [
            (Text, {"zh": "阀"}, True),
            (Text, {"zh": "", "en": "valve"}, True),
            (Text, {}, False),
            (Text, {"zh": "", "en": None}, False),
            (TextPatch, {}, True),
            (TextPatch, {"zh": None}, True),
            (TextPatch, {"zh": None, "en": "valve"}, True),
            (TextPatch, {"zh": None, "en": None}, False),
            (TextPatch, {"zh": "", "en": None}, False),
            (MatchRequest, {"need": {"kind": "solution"}}, True),
            (MatchRequest, {"need_id": ID, "need": None, "profile_id": ID}, True),
            (MatchRequest, {}, False),
            (MatchRequest, {"need": {"kind": "solution"}, "need_id": ID}, False),
            (MatchRequest, {"need_id": ID, "profile": {}, "profile_id": ID}, False),
            (ExplainRequest, {"offering_id": "0"}, False),
        ],
    )
    def test_both_agree(
        self, document: Document, kind: type[msgspec.Struct], body: Document, *, is_sound: bool
    ) -> None:
        schema = by_itself(document, {"$ref": f"#/components/schemas/{kind.__name__}"})
        assert jsonschema_rs.is_valid(schema, body) is is_sound
        try:
            msgspec.convert(body, kind)
        except msgspec.ValidationError:
            assert not is_sound
        else:
            assert is_sound

    def test_every_struct_that_refuses_more_says_so(self, document: Document) -> None:
        for kind in structs():
            if kind.__name__ in document["components"]["schemas"] and "__post_init__" in vars(kind):
                assert "json_schema" in vars(kind), kind

    def test_every_format_of_ours_is_a_scheme(self, document: Document, released: Released) -> None:
        named = (found.get("format") for found in walk(document))
        formats = {each for each in named if isinstance(each, str)} - STANDARD
        assert formats - {"cidr", "rule_field", "uscc"} <= released.taxonomy.schemes.keys()
        assert {"sme_scene", "currency", "rule_field"} <= formats


STANDARD = {"binary", "uuid", "date", "date-time", "decimal"}


def structs(root: type[msgspec.Struct] = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith("matchmaker."):
            yield kind
        yield from structs(kind)


NEED = {"kind": "solution"}
NAME = {"en": "A"}
STEP = {"transition": "open"}
COMPONENT = {"layer": "chip", "name": "A"}
BODIES: dict[str, Document] = {
    "actFor": {"organisation_id": ID},
    "giveDelegation": {
        "adviser_id": ID,
        "scopes": ["needs:read"],
        "ends_at": "2199-01-01T00:00:00Z",
    },
    "eraseMe": {},
    "logIn": {"email": "a@example.com", "password": PASSWORD},
    "removeSecondFactor": {"code": "000000"},
    "changePassword": {"password": "a long and new one", "old_password": "not the one"},
    "setSecondFactor": {"secret": "A" * 32, "code": "000000"},
    "putExpertCard": {
        "name": "A",
        "skills": ["plc_programming"],
        "conflicts": [],
        "consents": True,
    },
    "addMember": {"name": "A", "email": "a@example.com", "role": "editor"},
    "addOfferingComponent": COMPONENT,
    "addSystemComponent": COMPONENT,
    "applyToPool": {"offering_id": ID},
    "claimEvidence": {"type": "case", "claim": NAME},
    "computeScale": {},
    "createAssessment": {"scheme": "siri", "value": "2"},
    "createExport": {"kind": "needs"},
    "createGuide": {"code": "a", "edition": "1", "issuer": NAME, "source": NAME, "scenes": ["a"]},
    "createCohort": {"name": "A"},
    "createCuration": {"name": NAME},
    "reviseCuration": {"exclude": []},
    "moveCuration": STEP,
    "countCohort": {},
    "matchReverse": {"offering_id": ID},
    "startBatch": {"criteria": {}, "need": NEED},
    "reviseCohort": {"name": "A"},
    "createPathway": {"target": 1},
    "createKey": {"name": "A"},
    "createNeed": NEED,
    "createOffering": {"kind": "solution", "title": NAME},
    "createPool": {"code": "a", "name": NAME, "rule": {"all": []}},
    "createRecognition": {"scheme": "siri", "level": "2", "issuer": "A"},
    "createShortlist": {"run_id": ID},
    "createWebhook": {"url": "https://example.org/"},
    "giveFeedback": {"run_id": ID, "offering_id": ID, "action": "opened"},
    "giveJudgement": {"run_id": ID, "offering_id": ID, "grade": 4},
    "explainMatch": {"need": NEED, "offering_id": "0"},
    "replayMatch": {"need": NEED, "receipt": RECEIPT},
    "grantConsent": {"purpose": "contact"},
    "match": {"need": NEED},
    "matchNeed": {},
    "moveAssessment": STEP,
    "moveChange": STEP,
    "moveGuide": STEP,
    "createProgramme": {"name": NAME, "issuers": [NAME], "source": NAME, "level": "zone"},
    "reviseProgramme": {},
    "moveProgramme": STEP,
    "moveParticipation": STEP,
    "moveOffering": STEP,
    "movePathway": STEP,
    "moveOrganisation": STEP,
    "moveRecognition": STEP,
    "moveModel": STEP,
    "createExperiment": {"name": "A", "design": "ab", "b_id": ID, "measure": "opened"},
    "moveExperiment": STEP,
    "moveShortlist": STEP,
    "parseNeed": {"text": "A"},
    "patchAssessment": {"remark": "A"},
    "patchEvidence": {"unit": "kg"},
    "patchOfferingComponent": {"vendor": "A"},
    "patchOfferingDraft": {"summary": NAME},
    "patchPool": {"description": NAME},
    "patchProfile": {"employees": 79},
    "patchProvider": {"summary": NAME},
    "patchSystemComponent": {"vendor": "A"},
    "putProfile": {"employees": 79},
    "putProvider": {"summary": NAME},
    "reassessAdmission": {},
    "registerOrganisation": {"name": NAME, "roles": ["sme"]},
    "reviseMember": {"name": "A"},
    "reviseNeed": {"text": "A"},
    "reviseOrganisation": {"name": NAME},
    "reviseShortlist": {"title": "A"},
    "reviseWebhook": {"kinds": ["need.opened"]},
    "rotateKey": {},
    "rotateWebhookSecret": {},
    "takeAdmissionTransition": STEP,
    "takeEvidenceTransition": STEP,
    "takeNeedMemberTransition": STEP,
    "takeNeedTransition": STEP,
    "takePoolTransition": STEP,
}
"""A sound body of each operation that takes one in JSON."""
ABSENT: dict[str, Document] = {
    "claimEvidence": {**BODIES["claimEvidence"], "metric": NAME, "offering_id": ID},
    "explainMatch": {"need": NEED, "offering_id": ID},
    "match": {"need_id": ID},
    "matchNeed": {},
    "matchReverse": {"offering_id": ID},
    "patchEvidence": BODIES["patchEvidence"],
    "patchSystemComponent": BODIES["patchSystemComponent"],
    "putProfile": BODIES["putProfile"],
    "putProvider": BODIES["putProvider"],
}
"""Bodies of requests that name what is not there, in the body or in the path."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def everyone(demo_database: Database) -> Everyone:
    """An organisation that may call every operation, and its owner."""
    engine = db.create_engine(demo_database.url, demo_database.settings, acting=db.INSTALLATION)
    found = await holder(engine, *OrganisationRole)
    owner = await sitter(
        engine, found.organisation_id, password_hash=await Passwords().hash(PASSWORD)
    )
    await engine.dispose()
    return Everyone(found, owner)


def content_of(operation: Document) -> Document:
    """The bodies of an operation by media type."""
    found: Document = operation.get("requestBody", {}).get("content", {})
    return found


class TestAnswers:
    """The document against the running API; `test_conformance` has the drawn requests."""

    def test_the_bodies_are_all_of_them(self, document: Document) -> None:
        takers = {
            operation["operationId"]
            for _, _, operation in operations(document)
            if content_of(operation).keys() & {"application/json", MEDIA_TYPE}
        }
        assert takers == BODIES.keys()

    @pytest.mark.asvs("V2.2.1", "V2.2.2")
    @pytest.mark.parametrize("name", BODIES)
    async def test_a_field_that_is_not_described_is_refused(
        self, demo: httpx.AsyncClient, document: Document, everyone: Everyone, name: str
    ) -> None:
        answer = await send(demo, document, everyone, name, {**BODIES[name], "colour": "red"})
        told = answer.json()
        assert (answer.status_code, told["code"]) == (422, "invalid_content"), told
        assert [each["pointer"] for each in told["errors"]] == ["#/colour"]

    @pytest.mark.parametrize("name", BODIES)
    async def test_a_body_as_described_is_read(
        self, demo: httpx.AsyncClient, document: Document, everyone: Everyone, name: str
    ) -> None:
        """The control: what is wrong with these requests is not their content."""
        answer = await send(demo, document, everyone, name, BODIES[name])
        assert answer.is_success or answer.json()["code"] != "invalid_content", answer.text
        expected = {400, 401, 403, 415, 428} - ({403} if name == "actFor" else set())
        assert answer.status_code not in expected, answer.text

    @pytest.mark.parametrize("name", ABSENT)
    async def test_what_a_body_names_and_is_not_there_is_not_found(
        self, demo: httpx.AsyncClient, document: Document, everyone: Everyone, name: str
    ) -> None:
        answer = await send(demo, document, everyone, name, ABSENT[name])
        assert answer.status_code == 404, answer.text

    async def test_an_answer_that_is_not_described_is_caught(
        self, demo: httpx.AsyncClient, document: Document, everyone: Everyone
    ) -> None:
        """The control: another member is promised than there is."""
        doctored = copy.deepcopy(document)
        doctored["components"]["schemas"]["MatchAnswer"]["required"].append("colour")
        with pytest.raises(AssertionError):
            await send(demo, doctored, everyone, "match", BODIES["match"])

    @pytest.mark.parametrize("name", BODIES)
    async def test_another_media_type_is_refused(
        self, demo: httpx.AsyncClient, document: Document, everyone: Everyone, name: str
    ) -> None:
        for media_type in ("text/plain", "application/xml", "", "text/json"):
            answer = await send(demo, document, everyone, name, BODIES[name], media_type)
            assert (answer.status_code, answer.json()["code"]) == (415, "wrong_media_type")

    async def test_the_served_document_is_the_committed_one(
        self, demo: httpx.AsyncClient, document: Document
    ) -> None:
        assert (await demo.get("/openapi.json")).json() == document


class Everyone(NamedTuple):
    """By key and in person."""

    key: Holder
    person: Sitter


async def send(
    demo: httpx.AsyncClient,
    document: Document,
    caller: Everyone,
    name: str,
    body: Document,
    media_type: str | None = None,
) -> httpx.Response:
    """The answer to ``body``, about things that are not there."""
    ((method, path, operation),) = (
        found for found in operations(document) if found[2]["operationId"] == name
    )
    (described,) = operation["requestBody"]["content"]
    given = described if media_type is None else media_type
    is_persons = operation["security"] == [{"session": []}]
    who = caller.person.headers if is_persons else {**caller.key.headers, HEADER: "test"}
    headers = {**who, "Content-Type": given, "If-Match": '"1"'}
    if name == "logIn":
        body = {**body, "email": caller.person.email}
    address = re.sub(r"{\w+}", ID, path)
    answer = await demo.request(
        method.upper(), address, content=msgspec.json.encode(body), headers=headers
    )
    assert conforms(document, operation, answer), answer.text
    return answer


def conforms(document: Document, operation: Document, answer: httpx.Response) -> bool:
    """Whether the operation is described to give ``answer``."""
    described = operation["responses"].get(str(answer.status_code))
    if described is None or "content" not in described:
        return described is not None and not answer.content
    content = described["content"].get(answer.headers["Content-Type"].partition(";")[0])
    return content is not None and jsonschema_rs.is_valid(
        by_itself(document, content["schema"]), answer.json()
    )


def by_itself(document: Document, schema: Document) -> Document:
    """``schema`` with what it refers to: checking takes a hundredth of what it does with all."""
    schemas, needed = document["components"]["schemas"], dict[str, Document]()
    open_ = [*references(schema)]
    while open_:
        name = open_.pop()
        if name not in needed:
            needed[name] = schemas[name]
            open_ += references(schemas[name])
    return {**schema, "components": {"schemas": needed}}
