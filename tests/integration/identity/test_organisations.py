"""Organisations: registered, changed and verified, by whom and by whom not."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.factories import credit_code
from tests.identities import Holder, holder
from tests.interleaving import meanwhile

from matchmaker.core import db, events, provided
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.machine import Actor
from matchmaker.core.patching import MEDIA_TYPE
from matchmaker.core.postgres import Server
from matchmaker.identity import access, organisations, queries
from matchmaker.identity.machine import ORGANISATION, TOLD_AS
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.identity.service import DeclaredProvider, register_providers

R, S = OrganisationRole, OrganisationState
Client = httpx.AsyncClient


def draft(**fields: object) -> dict[str, Any]:
    return {"name": {"zh": "松鹭阀门", "en": "Pine Heron Valves"}, "roles": ["sme"], **fields}


async def register(api: Client, operator: Holder, **fields: object) -> httpx.Response:
    return await api.post("/v1/organisations", json=draft(**fields), headers=operator.headers)


async def change(
    api: Client, caller: Holder, id_: object, revision: int | None, **fields: object
) -> httpx.Response:
    condition = {} if revision is None else {"If-Match": f'"{revision}"'}
    return await api.patch(
        f"/v1/organisations/{id_}",
        json=fields,
        headers={**caller.headers, **condition, "Content-Type": MEDIA_TYPE},
    )


async def take(
    api: Client, caller: Holder, id_: object, name: str, seen: int | None = None
) -> httpx.Response:
    condition = {} if seen is None else {"If-Match": f'"{seen}"'}
    return await api.post(
        f"/v1/organisations/{id_}/transitions",
        json={"transition": name, "note": f"{name}, please"},
        headers={**caller.headers, **condition},
    )


async def told_of(engine: AsyncEngine, subject: object) -> list[tuple[str, dict[str, Any]]]:
    """Kinds and data of the events of a subject, in their order."""
    async with AsyncSession(engine) as session:
        found = await events.after(ReadSession(session), 0, subject_id=UUID(str(subject)))
    return [(recorded.event.kind, recorded.event.data) for recorded in found]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestRegistering:
    async def test_an_operator_registers_a_draft(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator = await holder(engine, R.OPERATOR)
        answer = await register(identity, operator, region="210200", uscc=credit_code("9" * 17))
        assert answer.status_code == 201, answer.text
        assert answer.headers["etag"] == '"1"'
        found = answer.json()
        assert found["state"] == "draft"
        assert found["name"] == draft()["name"]
        again = await identity.get(f"/v1/organisations/{found['id']}", headers=operator.headers)
        assert again.json() == found
        assert await told_of(engine, found["id"]) == [
            ("organisation.registered", {"state": "draft"})
        ]

    @pytest.mark.parametrize(
        ("fields", "pointer", "reason"),
        [
            ({"uscc": "91350100M000100Y44"}, "#/uscc", "wrong_check_digit"),
            ({"region": "990000"}, "#/region", "unknown_code"),
            ({"roles": ["provider"], "provider_kind": "baker"}, "#/provider_kind", "unknown_code"),
            ({"provider_kind": "university"}, "#/provider_kind", "not_a_provider"),
            ({"roles": []}, "#/roles", "wrong_length"),
            ({"roles": ["emperor"]}, "#/roles/0", "unknown_value"),
            ({"name": {}}, "#/name", "invalid"),
            ({"state": "verified"}, "#", "unknown_field"),
        ],
    )
    async def test_what_cannot_be_is_pointed_at(
        self,
        identity: Client,
        engine: AsyncEngine,
        fields: dict[str, Any],
        pointer: str,
        reason: str,
    ) -> None:
        operator = await holder(engine, R.OPERATOR)
        answer = await register(identity, operator, **fields)
        assert code(answer) == (422, "invalid_content")
        (fault,) = answer.json()["errors"]
        assert fault["pointer"].startswith(pointer)
        assert reason == "invalid" or fault["code"] == reason

    async def test_a_code_is_one_organisations(self, identity: Client, engine: AsyncEngine) -> None:
        operator = await holder(engine, R.OPERATOR)
        taken = credit_code("1" * 17)
        assert (await register(identity, operator, uscc=taken)).status_code == 201
        assert code(await register(identity, operator, uscc=taken)) == (409, "already_exists")


class TestCreditCode:
    """Whose a code is, an operator is told and nobody else."""

    @staticmethod
    async def verified_with(api: Client, operator: Holder, taken: str) -> str:
        """An organisation that holds the code."""
        made = (await register(api, operator, region="210200", uscc=taken)).json()
        for step in ("submit", "verify"):
            assert (await take(api, operator, made["id"], step)).status_code == 200
        return str(made["id"])

    async def test_stating_anothers_code_and_nobodys_is_answered_alike(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator = await holder(engine, R.OPERATOR)
        taken, free = new_code(), new_code()
        await self.verified_with(identity, operator, taken)
        told = []
        for one in (taken, free):
            firm = await holder(engine, state=S.DRAFT)
            id_ = firm.organisation_id
            answers = [
                await change(identity, firm, id_, 1, region="210200", uscc=one),
                await change(identity, firm, id_, 2, region="210200", uscc=one),
                await take(identity, firm, id_, "submit"),
                await take(identity, firm, id_, "withdraw"),
                await take(identity, firm, id_, "verify"),
                await identity.get(f"/v1/organisations/{id_}/transitions", headers=firm.headers),
                await take(identity, firm, id_, "close"),
            ]
            told.append([without(answer, one, str(id_)) for answer in answers])
        assert [status for status, _ in told[0]] == [200] * 4 + [403, 200, 200]
        assert told[0] == told[1]

    async def test_control_one_code_for_one_row_would_tell(
        self, identity: Client, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The naive form: whoever states a code is told whether another has it."""
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.DRAFT)
        taken = new_code()
        await self.verified_with(identity, operator, taken)
        whole = access.actors_of
        monkeypatch.setattr(
            organisations, "actors_of", lambda by, owner: whole(by, owner) | {Actor.OPERATOR}
        )
        # Nor does the second wall stand, behind which nobody sees another's code.
        monkeypatch.setattr(provided, "_acting", lambda _: db.INSTALLATION)
        answer = await change(identity, firm, firm.organisation_id, 1, uscc=taken)
        assert code(answer) == (409, "already_exists")

    async def test_an_operator_verifies_one_of_those_who_state_it(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator = await holder(engine, R.OPERATOR)
        taken = new_code()
        held = await self.verified_with(identity, operator, taken)
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        assert (await change(identity, firm, id_, 1, region="210200", uscc=taken)).is_success
        assert (await take(identity, firm, id_, "submit")).is_success
        path = f"/v1/organisations/{id_}/transitions"
        for caller, expected in ((operator, {"credit_code_taken"}), (firm, {"other_actor"})):
            found = (await identity.get(path, headers=caller.headers)).json()["transitions"]
            (verify,) = [each for each in found if each["name"] == "verify"]
            assert {why["code"] for why in verify["why_not"]} == expected
        refused = await take(identity, operator, id_, "verify")
        assert code(refused) == (409, "transition_hindered")
        assert refused.json()["errors"][0]["code"] == "credit_code_taken"
        # Suspended it holds its code still, closed no longer.
        for step, status in (("suspend", 409), ("close", 200)):
            assert (await take(identity, operator, held, step)).is_success
            answer = await take(identity, operator, id_, "verify")
            assert answer.status_code == status, step

    async def test_of_several_operators_at_once_one_verifies(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, taken = await holder(engine, R.OPERATOR), new_code()
        firms = [await holder(engine, state=S.DRAFT) for _ in range(4)]
        for firm in firms:
            id_ = firm.organisation_id
            assert (await change(identity, firm, id_, 1, region="210200", uscc=taken)).is_success
            assert (await take(identity, firm, id_, "submit")).is_success
        answers = await asyncio.gather(
            *(take(identity, operator, firm.organisation_id, "verify") for firm in firms)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        codes = {answer.json()["code"] for answer in answers if not answer.is_success}
        assert codes <= {"already_exists", "transition_hindered"}

    async def test_an_operator_is_told_of_any_other_that_states_it(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.DRAFT)
        stated = new_code()
        assert (await change(identity, firm, firm.organisation_id, 1, uscc=stated)).is_success
        assert code(await register(identity, operator, uscc=stated)) == (409, "already_exists")
        made = (await register(identity, operator)).json()
        answer = await change(identity, operator, made["id"], 1, uscc=stated)
        assert code(answer) == (409, "already_exists")
        # What is theirs already is not another's.
        id_ = firm.organisation_id
        answer = await change(identity, operator, id_, 2, uscc=stated, region="210200")
        assert answer.status_code == 200

    async def test_an_operators_file_is_not_kept_out_by_who_merely_states_it(
        self, identity: Client, engine: AsyncEngine, session: Session
    ) -> None:
        firm, stated = await holder(engine, state=S.DRAFT), new_code()
        assert (await change(identity, firm, firm.organisation_id, 1, uscc=stated)).is_success
        assert await queries.holders_of_credit_codes(session, [stated]) == {}
        name = f"p-{uuid4().hex[:8]}"
        declared = DeclaredProvider(external_id=name, name={"en": "Pine"}, uscc=stated)
        await register_providers(session, [declared])
        assert await queries.holders_of_credit_codes(session, [stated]) == {stated: name}


def new_code() -> str:
    return credit_code(f"{uuid4().int % 10**17:017}")


def without(answer: httpx.Response, *own: str) -> tuple[int, str]:
    """Status and body without what is the asker's own, and without times and request ids."""
    said = re.sub(r'"[^"]*(\d\d:\d\d:\d\d|urn:uuid:|h-[0-9a-f]{12})[^"]*"', '""', answer.text)
    for each in own:
        said = said.replace(each, "")
    return answer.status_code, said


class TestReading:
    async def test_one_sees_oneself_and_the_operator_all(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator = await holder(engine, R.OPERATOR)
        firms = [await holder(engine) for _ in range(3)]
        (own,) = await listed(identity, firms[0])
        assert own["id"] == str(firms[0].organisation_id)
        seen = [item["id"] for item in await listed(identity, operator, limit=2)]
        assert {str(one.organisation_id) for one in (operator, *firms)} <= set(seen)
        assert seen == sorted(seen)

    async def test_filters_narrow_and_never_widen(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        waiting = await holder(engine, R.PROVIDER, state=S.SUBMITTED)
        found = await listed(identity, operator, state="submitted", role="provider")
        assert str(waiting.organisation_id) in {item["id"] for item in found}
        assert {(item["state"], *item["roles"]) for item in found} == {("submitted", "provider")}
        assert await listed(identity, firm, state="submitted") == []

    async def test_a_cursor_is_its_callers_own(self, identity: Client, engine: AsyncEngine) -> None:
        one, other = [await holder(engine, R.OPERATOR) for _ in range(2)]
        page = await identity.get("/v1/organisations?limit=1", headers=one.headers)
        answer = await identity.get(
            "/v1/organisations",
            params={"cursor": page.json()["page"]["next"]},
            headers=other.headers,
        )
        assert code(answer) == (400, "cursor_invalid")

    async def test_what_is_known_is_not_sent_again(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        path = f"/v1/organisations/{firm.organisation_id}"
        tag = (await identity.get(path, headers=firm.headers)).headers["etag"]
        answer = await identity.get(path, headers={**firm.headers, "If-None-Match": tag})
        assert (answer.status_code, answer.content) == (304, b"")

    async def test_me(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine, R.SME, R.AGENCY, state=S.DRAFT)
        found = (await identity.get("/v1/me", headers=firm.headers)).json()
        assert found["organisation"]["roles"] == ["agency", "sme"]
        assert found["roles"] == ["sme"]
        assert "pools:write" in found["key"]["scopes"]
        assert "pools:write" not in found["scopes"]
        assert found["key"]["public_id"] == firm.token.public_id


async def listed(api: Client, caller: Holder, **query: str | int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await api.get(
            "/v1/organisations", params={**query, **cursor}, headers=caller.headers
        )
        items += answer.json()["items"]
        if (more := answer.json()["page"]["next"]) is None:
            return items
        cursor = {"cursor": more}


class TestChanging:
    async def test_a_patch_is_merged(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine, state=S.DRAFT)
        answer = await change(
            identity, firm, firm.organisation_id, 1, name={"zh": "松鹭"}, region="210200"
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == '"2"'
        assert answer.json()["name"] == {"zh": "松鹭", "en": "Holder"}
        answer = await change(
            identity, firm, firm.organisation_id, 2, name={"en": None}, region=None
        )
        assert answer.json()["name"] == {"zh": "松鹭"}
        assert answer.json()["region"] is None
        assert await told_of(engine, firm.organisation_id) == [
            ("organisation.revised", {"revision": 2, "fields": ["name", "region"]}),
            ("organisation.revised", {"revision": 3, "fields": ["name", "region"]}),
        ]

    async def test_nobody_overwrites_what_they_have_not_seen(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        assert code(await change(identity, firm, id_, None, region="210200")) == (
            428,
            "version_required",
        )
        assert (await change(identity, firm, id_, 1, region="210200")).status_code == 200
        assert code(await change(identity, firm, id_, 1, region="220000")) == (412, "stale_version")

    async def test_of_several_editors_one_wins(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine, state=S.DRAFT)
        answers = await asyncio.gather(
            *(
                change(identity, firm, firm.organisation_id, 1, name={"en": f"editor {n}"})
                for n in range(8)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7

    async def test_a_change_starts_from_the_revision_that_was_read(
        self, identity: Client, engine: AsyncEngine, server: Server
    ) -> None:
        """Whoever guesses the next ETag neither overwrites it nor slips past a transition."""
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        submitted = "region = '210200', state = 'submitted', revision = 2"
        with meanwhile(engine, server, "organisation", id_, submitted):
            answer = await change(identity, firm, id_, 2, name={"en": "Other"})
        assert code(answer) == (412, "stale_version")
        found = (await identity.get(f"/v1/organisations/{id_}", headers=firm.headers)).json()
        assert (found["name"], found["region"]) == ({"en": "Holder"}, "210200")

    async def test_what_changes_nothing_is_no_revision(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        for fields in ({}, {"name": {"en": "Holder"}}, {"region": None}):
            answer = await change(identity, firm, id_, 1, **fields)
            assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        assert await told_of(engine, id_) == []
        assert code(await change(identity, firm, id_, 2)) == (412, "stale_version")

    @pytest.mark.parametrize("role", ["operator", "agency"])
    async def test_nobody_gives_themselves_a_role(
        self, identity: Client, engine: AsyncEngine, role: str
    ) -> None:
        for state in (S.DRAFT, S.VERIFIED):
            firm = await holder(engine, state=state)
            answer = await change(identity, firm, firm.organisation_id, 1, roles=["sme", role])
            assert code(answer) == (403, "operators_field")
            assert answer.json()["errors"][0]["pointer"] == "#/roles"

    async def test_not_even_an_operator_does_for_itself(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, other = await holder(engine, R.OPERATOR), await holder(engine, R.OPERATOR)
        roles = {"roles": ["agency", "operator"]}
        own = await change(identity, operator, operator.organisation_id, 1, **roles)
        assert code(own) == (403, "operators_field")
        theirs = await change(identity, other, operator.organisation_id, 1, **roles)
        assert theirs.json()["roles"] == ["agency", "operator"]

    @pytest.mark.parametrize(
        "fields",
        [{"name": {"en": "Other"}}, {"uscc": "91350100M000100Y43"}, {"region": "210200"}],
    )
    async def test_what_was_verified_stays(
        self, identity: Client, engine: AsyncEngine, fields: dict[str, Any]
    ) -> None:
        for state in (S.SUBMITTED, S.VERIFIED):
            firm = await holder(engine, state=state)
            answer = await change(identity, firm, firm.organisation_id, 1, **fields)
            assert code(answer) == (403, "operators_field")
            # What changes nothing is nobody's field.
            answer = await change(
                identity, firm, firm.organisation_id, 1, name={"en": "Holder"}, region=None
            )
            assert answer.status_code == 200

    async def test_a_patch_has_its_media_type(self, identity: Client, engine: AsyncEngine) -> None:
        firm = await holder(engine)
        answer = await identity.patch(
            f"/v1/organisations/{firm.organisation_id}",
            json={},
            headers={**firm.headers, "If-Match": '"1"'},
        )
        assert code(answer) == (415, "wrong_media_type")


class TestLife:
    async def test_from_draft_to_verified_and_suspended(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        refused = await take(identity, firm, id_, "submit")
        assert code(refused) == (409, "transition_hindered")
        assert refused.json()["errors"][0]["code"] == "region_missing"
        assert (await change(identity, firm, id_, 1, region="210200")).status_code == 200
        steps = [
            (firm, "submit"),
            (firm, "withdraw"),
            (firm, "submit"),
            (operator, "request_changes"),
            (firm, "submit"),
            (operator, "reject"),
            (operator, "reconsider"),
            (operator, "verify"),
            (operator, "suspend"),
            (operator, "reinstate"),
            (operator, "close"),
        ]
        for taker, name in steps:
            answer = await take(identity, taker, id_, name)
            assert answer.status_code == 200, (name, answer.text)
            step = ORGANISATION.step(name)
            assert step is not None
            assert answer.json()["state"] == step.target
        found = await identity.get(f"/v1/organisations/{id_}", headers=operator.headers)
        assert found.json()["note"] == "close, please"
        assert found.json()["revision"] == 2 + len(steps)
        kinds = [kind for kind, _ in await told_of(engine, id_)]
        assert kinds == ["organisation.revised", *(TOLD_AS[name] for _, name in steps)]

    async def test_what_is_taken_away_meanwhile_hinders_too(
        self, identity: Client, engine: AsyncEngine, server: Server
    ) -> None:
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        assert (await change(identity, firm, id_, 1, region="210200")).status_code == 200
        emptied = "region = null, revision = 3"
        with meanwhile(engine, server, "organisation", id_, emptied):
            answer = await take(identity, firm, id_, "submit")
        assert code(answer) == (409, "transition_hindered")
        found = (await identity.get(f"/v1/organisations/{id_}", headers=firm.headers)).json()
        assert (found["state"], found["revision"]) == ("draft", 3)
        assert [kind for kind, _ in await told_of(engine, id_)] == ["organisation.revised"]

    async def test_who_says_what_they_saw_moves_nothing_newer(
        self, identity: Client, engine: AsyncEngine, server: Server
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        assert (await change(identity, firm, id_, 1, region="210200")).status_code == 200
        assert code(await take(identity, firm, id_, "submit", 1)) == (412, "stale_version")
        assert (await take(identity, firm, id_, "submit", 2)).status_code == 200
        # Renamed by another operator while this one, who has seen revision 3, verifies it.
        renamed = """name = '{"en": "Other"}', revision = 4"""
        with meanwhile(engine, server, "organisation", id_, renamed):
            answer = await take(identity, operator, id_, "verify", 3)
        assert code(answer) == (412, "stale_version")
        found = (await identity.get(f"/v1/organisations/{id_}", headers=firm.headers)).json()
        assert (found["state"], found["revision"]) == ("submitted", 4)
        # The control: who does not say what they saw verifies what they have not seen.
        with meanwhile(engine, server, "organisation", id_, "region = '220000', revision = 5"):
            assert (await take(identity, operator, id_, "verify")).status_code == 200

    async def test_control_a_check_of_what_was_read_lets_it_pass(
        self,
        identity: Client,
        engine: AsyncEngine,
        server: Server,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        firm = await holder(engine, state=S.DRAFT)
        id_ = firm.organisation_id
        assert (await change(identity, firm, id_, 1, region="210200")).status_code == 200
        whole, looks = organisations._hindrances, iter([True])
        monkeypatch.setattr(
            organisations, "_hindrances", lambda found: whole(found) if next(looks, False) else {}
        )
        with meanwhile(engine, server, "organisation", id_, "region = null, revision = 3"):
            assert (await take(identity, firm, id_, "submit")).status_code == 200

    async def test_four_eyes(self, identity: Client, engine: AsyncEngine) -> None:
        """An operator verifies others, never itself; a firm nobody."""
        operator, other = [await holder(engine, R.OPERATOR) for _ in range(2)]
        firm = await holder(engine, state=S.SUBMITTED)
        for caller, id_ in (
            (firm, firm.organisation_id),
            (operator, operator.organisation_id),
        ):
            answer = await take(identity, caller, id_, "verify")
            assert code(answer) == (403, "not_your_transition")
            assert answer.json()["by"] == ["operator"]
        assert (await take(identity, other, firm.organisation_id, "verify")).status_code == 200

    async def test_what_can_be_done_is_said_to_each(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.SUBMITTED)
        path = f"/v1/organisations/{firm.organisation_id}/transitions"
        possible = {}
        for caller in (operator, firm):
            answer = await identity.get(path, headers=caller.headers)
            assert answer.headers["etag"].startswith('"1.')
            possible[caller] = {t["name"] for t in answer.json()["transitions"] if t["possible"]}
        assert possible[operator] == {"request_changes", "reject", "verify", "close"}
        assert possible[firm] == {"withdraw", "close"}

    async def test_who_has_it_in_one_language_has_it_not_in_the_other(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine)
        path = f"/v1/organisations/{firm.organisation_id}/transitions"
        zh = {**operator.headers, "Accept-Language": "zh"}
        en = {**operator.headers, "Accept-Language": "en"}
        had = await identity.get(path, headers=zh)
        known = {"If-None-Match": had.headers["etag"]}
        assert (await identity.get(path, headers=zh | known)).status_code == 304
        other = await identity.get(path, headers=en | known)
        assert other.status_code == 200
        assert other.json() != had.json()
        # Nor has the operator's answer, which the firm may not act on, become the firm's.
        theirs = await identity.get(path, headers={**zh, **firm.headers} | known)
        assert theirs.status_code == 200

    async def test_of_several_operators_one_wins(
        self, identity: Client, engine: AsyncEngine
    ) -> None:
        operator, firm = await holder(engine, R.OPERATOR), await holder(engine, state=S.SUBMITTED)
        names = ["verify", "reject", "request_changes", "verify"] * 2
        answers = await asyncio.gather(
            *(take(identity, operator, firm.organisation_id, name) for name in names)
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        assert len(await told_of(engine, firm.organisation_id)) == 1

    def test_every_step_is_told(self) -> None:
        assert TOLD_AS.keys() == {step.name for step in ORGANISATION.steps}


async def test_what_a_file_changes_is_a_revision_too(session: Session) -> None:
    """An editor that read the organisation before an import does not overwrite what it said."""
    declared = DeclaredProvider(external_id=f"p-{uuid4().hex[:8]}", name={"en": "Pine"})
    ((id_, _),) = (await register_providers(session, [declared])).values()
    stood = []
    for one in (declared, replace(declared, region="210200"), replace(declared, region="210200")):
        await register_providers(session, [one])
        found = await queries.organisation(session, id_)
        assert found is not None
        stood.append((found.revision, found.state))
    assert stood == [(1, S.VERIFIED), (2, S.VERIFIED), (2, S.VERIFIED)]
