"""Import, export and jobs over HTTP: who may, what is written, what is told, every refusal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio
from openpyxl import load_workbook
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.exchange import Transaction, jsonl_of, rows, transactions
from tests.factories import offering_line, provider_line
from tests.identities import Holder, Sitter, holder, sitter

from matchmaker.core import jobs
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.jobs import Options, Worker
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.sheets.formats import MEDIA_TYPES, FileFormat
from matchmaker.exchange import service
from matchmaker.exchange.kinds import ExchangeKind
from matchmaker.identity import principals
from matchmaker.identity.models import Member, MemberRole
from matchmaker.identity.models import OrganisationRole as R
from matchmaker.released import Released
from matchmaker.working import handlers

NDJSON, CSV, XLSX = (MEDIA_TYPES[name] for name in FileFormat)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(
    server: Server, engine: AsyncEngine, settings: Settings, released: Released
) -> AsyncIterator[Worker]:
    """A worker that does what is asked for while the tests of this module run."""
    made = Worker(
        server.url("mm_app"),
        settings,
        handlers(released, engine, settings),
        options=Options(poll=0.2),
    )
    task = asyncio.create_task(made.run())
    yield made
    made.stop()
    await task


@pytest.fixture
def transaction(engine: AsyncEngine) -> Transaction:
    return transactions(engine)


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine) -> Holder:
    return await holder(engine)


@pytest_asyncio.fixture(loop_scope="session")
async def operator(engine: AsyncEngine) -> Holder:
    return await holder(engine, R.OPERATOR)


def profile(firm: Holder, **facts: object) -> dict[str, Any]:
    return {"type": "profile", "external_id": str(key_of(firm)), "profile": facts}


def key_of(firm: Holder) -> str:
    """The firm's external id as `holder` made it, which tests learn from its export."""
    return KEYS[firm.organisation_id]


KEYS: dict[Any, str] = {}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def keys(api: httpx.AsyncClient, firm: Holder) -> None:
    me = (await api.get(f"/v1/organisations/{firm.organisation_id}", headers=firm.headers)).json()
    KEYS[firm.organisation_id] = me["external_id"]


async def hand_in(
    api: httpx.AsyncClient,
    caller: Holder | Sitter,
    content: bytes,
    kind: str,
    *,
    media_type: str = NDJSON,
    query: str = "",
) -> httpx.Response:
    return await api.post(
        f"/v1/imports?kind={kind}{query}",
        content=content,
        headers={**caller.headers, "Content-Type": media_type},
    )


async def over(
    api: httpx.AsyncClient, caller: Holder | Sitter, made: httpx.Response
) -> dict[str, Any]:
    """What became of it, once its job is over."""
    assert made.status_code == 202, made.text
    async with asyncio.timeout(30):
        while True:
            found = await api.get(made.headers["Location"], headers=caller.headers)
            assert found.status_code == 200, found.text
            if found.json()["state"] not in {"queued", "running"}:
                answer: dict[str, Any] = found.json()
                return answer
            await asyncio.sleep(0.1)


async def file_of(
    api: httpx.AsyncClient, caller: Holder | Sitter, kind: str, format_: str = "jsonl"
) -> httpx.Response:
    asked = {"kind": kind, "format": format_}
    made = await api.post("/v1/exports", json=asked, headers=caller.headers)
    done = await over(api, caller, made)
    assert done["state"] == "done", done
    return await api.get(f"{made.headers['Location']}/file", headers=caller.headers)


async def own_catalog(
    api: httpx.AsyncClient, vendor: Holder
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A card and two offerings of a provider, as it may state them itself."""
    path = f"/v1/organisations/{vendor.organisation_id}"
    me = (await api.get(path, headers=vendor.headers)).json()
    card = {"type": "provider", "external_id": me["external_id"], "name": me["name"]}
    lines = [offering_line(provider=me["external_id"], external_id=name) for name in ("o-1", "o-2")]
    for line in lines:
        del line["cases"], line["record"]
    return card, lines


@pytest.mark.usefixtures("worker")
class TestImporting:
    async def test_a_firm_hands_in_its_profile_and_needs(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        content = jsonl_of(profile(firm, employees=86, region="210200"))
        done = await over(api, firm, await hand_in(api, firm, content, "profiles"))
        assert (done["state"], done["kind"], done["format"]) == ("done", "profiles", "jsonl")
        assert done["outcome"]["written"] is True
        assert done["outcome"]["counts"] == {"profile": {"new": 1, "changed": 0, "unchanged": 0}}
        read = await api.get(f"/v1/profiles/{firm.organisation_id}", headers=firm.headers)
        assert read.json()["facts"]["employees"] == 86
        need = {
            "type": "need",
            "external_id": "n-1",
            "profile": key_of(firm),
            "need": {"kind": "solution", "scenes": ["quality"]},
        }
        done = await over(api, firm, await hand_in(api, firm, jsonl_of(need), "needs"))
        assert done["outcome"]["counts"]["need"]["new"] == 1
        needs = (await api.get("/v1/needs", headers=firm.headers)).json()["items"]
        assert [(each["external_id"], each["state"]) for each in needs] == [("n-1", "draft")]

    async def test_a_dry_run_writes_nothing_but_what_was_asked(
        self, api: httpx.AsyncClient, firm: Holder, transaction: Transaction
    ) -> None:
        before = await rows(transaction)
        content = jsonl_of(profile(firm, employees=5))
        made = await hand_in(api, firm, content, "profiles", query="&dry_run=true")
        done = await over(api, firm, made)
        assert (done["dry_run"], done["outcome"]["written"]) == (True, False)
        assert done["outcome"]["counts"]["profile"]["new"] == 1
        after = await rows(transaction)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"import_file", "job"}

    async def test_every_fault_is_named_in_the_language_asked_for_and_in_the_report(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        sheet = (
            "profile.external_id,profile.industries,profile.employees\n"
            f"{key_of(firm)},C9999|C3311,many\n"
            f"{key_of(firm)},C9999,3\n"
        )
        made = await hand_in(api, firm, sheet.encode(), "profiles", media_type=CSV)
        done = await over(api, firm, made)
        assert (done["outcome"]["written"], done["outcome"]["rejected"]) == (False, 2)
        where = [(each["line"], each["column"], each["code"]) for each in done["faults"]]
        assert where == [
            (2, "profile.employees", "wrong_type"),
            (3, "profile.industries", "unknown_code"),
        ]
        assert set(done["faults"][0]["message"]) == {"zh", "en"}
        report = await api.get(f"{made.headers['Location']}/report", headers=firm.headers)
        assert report.headers["Content-Type"] == NDJSON
        assert [msgspec.json.decode(line) for line in report.content.splitlines()] == done["faults"]

    async def test_an_operator_imports_everybodys_catalog_and_nobody_else_does(
        self, api: httpx.AsyncClient, operator: Holder, engine: AsyncEngine
    ) -> None:
        owner = f"p-{uuid4().hex[:12]}"
        content = jsonl_of(provider_line(external_id=owner), offering_line(provider=owner))
        done = await over(api, operator, await hand_in(api, operator, content, "offerings"))
        assert done["outcome"]["counts"]["offering"]["new"] == 1
        for role in (R.SME, R.AGENCY):
            refused = await hand_in(api, await holder(engine, role), content, "offerings")
            assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")

    async def test_a_provider_hands_in_its_own_and_takes_it_away_again(
        self, api: httpx.AsyncClient, operator: Holder, engine: AsyncEngine
    ) -> None:
        vendor = await holder(engine, R.PROVIDER)
        card, lines = await own_catalog(api, vendor)
        made = await hand_in(api, vendor, jsonl_of(card, *lines), "offerings")
        done = await over(api, vendor, made)
        assert done["outcome"]["counts"] == {
            "provider": {"new": 1, "changed": 0, "unchanged": 0},
            "offering": {"new": 2, "changed": 0, "unchanged": 0},
        }
        listed = f"/v1/providers/{vendor.organisation_id}/offerings"
        drafts = (await api.get(listed, headers=vendor.headers)).json()["items"]
        assert [(each["external_id"], each["state"]) for each in drafts] == [
            ("o-1", "draft"),
            ("o-2", "draft"),
        ]
        moves = f"/v1/offerings/{drafts[0]['id']}/transitions"
        for caller, step in ((vendor, "submit"), (operator, "publish")):
            taken = await api.post(moves, json={"transition": step}, headers=caller.headers)
            assert taken.status_code == 200, taken.text
        lines[0]["title"] = {"en": "Edited"}
        done = await over(api, vendor, await hand_in(api, vendor, jsonl_of(*lines), "offerings"))
        counts = done["outcome"]["counts"]["offering"]
        assert (counts["new"], counts["changed"], counts["unchanged"]) == (0, 1, 1)
        public = await api.get(f"/v1/offerings/{drafts[0]['id']}")
        assert public.json()["title"] != {"en": "Edited"}
        for kind, (format_, media_type) in itertools.product(
            ("offerings", "providers"), MEDIA_TYPES.items()
        ):
            taken = await file_of(api, vendor, kind, format_.value)
            again = await hand_in(api, vendor, taken.content, kind, media_type=media_type)
            done = await over(api, vendor, again)
            assert done["outcome"]["counts"][kind.removesuffix("s")]["unchanged"] > 0, done
            assert done["outcome"]["written"] is True
            assert (await file_of(api, vendor, kind, format_.value)).content == taken.content

    async def test_a_strangers_external_id_and_nobodys_are_answered_alike(
        self, api: httpx.AsyncClient, engine: AsyncEngine, transaction: Transaction
    ) -> None:
        vendor, other = await holder(engine, R.PROVIDER), await holder(engine, R.PROVIDER)
        card, lines = await own_catalog(api, other)
        await over(api, other, await hand_in(api, other, jsonl_of(card, *lines), "offerings"))
        before, told = await rows(transaction), []
        for key in (card["external_id"], f"h-{uuid4().hex[:12]}"):
            content = jsonl_of(
                {**card, "external_id": key}, *({**line, "provider": key} for line in lines)
            )
            done = await over(api, vendor, await hand_in(api, vendor, content, "offerings"))
            told.append((done["outcome"], done["faults"]))
        assert [each["code"] for each in told[0][1]] == ["not_your_organisation"] * 3
        assert told[0] == told[1]
        after = await rows(transaction)
        assert {name for name in before if before[name] != after[name]} == {"import_file", "job"}

    async def test_nobody_writes_what_is_another_firms(
        self, api: httpx.AsyncClient, firm: Holder, engine: AsyncEngine
    ) -> None:
        other = await holder(engine)
        content = jsonl_of(profile(firm, employees=1))
        done = await over(api, other, await hand_in(api, other, content, "profiles"))
        assert [each["code"] for each in done["faults"]] == ["not_your_organisation"]
        need = {
            "type": "need",
            "external_id": "x",
            "profile": key_of(firm),
            "need": {"kind": "talent"},
        }
        done = await over(api, other, await hand_in(api, other, jsonl_of(need), "needs"))
        assert [each["code"] for each in done["faults"]] == ["not_your_organisation"]

    async def test_another_organisation_finds_neither_import_nor_report_nor_job(
        self, api: httpx.AsyncClient, firm: Holder, engine: AsyncEngine
    ) -> None:
        made = await hand_in(api, firm, jsonl_of(profile(firm)), "profiles")
        await over(api, firm, made)
        other = await holder(engine)
        place = made.headers["Location"]
        for path in (place, f"{place}/report", f"/v1/jobs/{made.json()['job_id']}"):
            assert (await api.get(path, headers=firm.headers)).status_code == 200
            assert (await api.get(path, headers=other.headers)).status_code == 404


class TestTheEdges:
    async def test_a_file_over_the_limit_is_refused(
        self, api: httpx.AsyncClient, firm: Holder, settings: Settings
    ) -> None:
        body = b" " * (settings.import_limit + 1)
        refused = await hand_in(api, firm, body, "profiles")
        assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
        # Twice what any other operation takes is no trouble here.
        fits = await hand_in(api, firm, b"\n" * (2 * settings.body_limit), "profiles")
        assert fits.status_code == 202

    async def test_a_format_that_is_none_is_refused(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        for media_type in ("application/json", "text/plain", "application/zip"):
            refused = await hand_in(api, firm, b"{}", "profiles", media_type=media_type)
            assert (refused.status_code, refused.json()["code"]) == (415, "wrong_media_type")

    async def test_neither_a_body_nor_a_format_is_refused(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        refused = await api.post("/v1/imports?kind=profiles", headers=firm.headers)
        assert (refused.status_code, refused.json()["code"]) == (415, "wrong_media_type")

    async def test_a_kind_that_is_none_is_refused(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        refused = await hand_in(api, firm, b"{}", "organisations")
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_content")

    async def test_without_a_credential_there_is_nothing(self, api: httpx.AsyncClient) -> None:
        asked = [("POST", "/v1/imports?kind=needs"), ("POST", "/v1/exports")]
        asked += [("GET", f"/v1/{noun}/{uuid4()}") for noun in ("imports", "exports", "jobs")]
        for method, path in asked:
            assert (await api.request(method, path)).status_code == 401


@pytest.mark.usefixtures("worker")
class TestExporting:
    async def test_a_firm_takes_away_its_own_and_hands_it_in_again(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        content = jsonl_of(profile(firm, employees=9, must=None, goals={"cost": 1}))
        await over(api, firm, await hand_in(api, firm, content, "profiles"))
        for format_, media_type in MEDIA_TYPES.items():
            taken = await file_of(api, firm, "profiles", format_.value)
            assert taken.status_code == 200
            assert taken.headers["Content-Type"].partition(";")[0] == media_type
            assert f"profiles.{format_.value}" in taken.headers["Content-Disposition"]
            again = await hand_in(api, firm, taken.content, "profiles", media_type=media_type)
            done = await over(api, firm, again)
            assert done["outcome"]["counts"]["profile"]["unchanged"] == 1, done
            assert (await file_of(api, firm, "profiles", format_.value)).content == taken.content

    async def test_a_person_hands_in_and_takes_away_as_long_as_they_are_a_member(
        self, api: httpx.AsyncClient, engine: AsyncEngine
    ) -> None:
        firm = await holder(engine)
        editor = await sitter(engine, firm.organisation_id, MemberRole.EDITOR)
        gone = await sitter(engine, firm.organisation_id, MemberRole.EDITOR)
        made = await hand_in(api, editor, b"{}", "needs", query="&dry_run=true")
        assert (await over(api, editor, made))["state"] == "done"
        assert (await file_of(api, editor, "needs")).status_code == 200
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            # Asked for and removed in one go: the job finds nobody.
            principal = await principals.acting(ReadSession(session), None, gone.member_id)
            assert principal is not None
            await session.execute(delete(Member).where(Member.id == gone.member_id))
            asked = await service.ask_for(
                Session(ReadSession(session)),
                principal,
                kind=ExchangeKind.NEEDS,
                format_=FileFormat.JSONL,
            )
        waiting = httpx.Response(202, headers={"Location": f"/v1/exports/{asked.file.id}"})
        assert (await over(api, firm, waiting))["state"] == "failed"

    async def test_an_export_holds_nothing_of_others(
        self, api: httpx.AsyncClient, firm: Holder, operator: Holder, engine: AsyncEngine
    ) -> None:
        other = await holder(engine)
        await over(api, firm, await hand_in(api, firm, jsonl_of(profile(firm)), "profiles"))
        assert (await file_of(api, other, "profiles")).content == b""
        assert key_of(firm).encode() in (await file_of(api, operator, "profiles")).content

    async def test_roles_that_own_nothing_of_a_kind_are_refused(
        self, api: httpx.AsyncClient, engine: AsyncEngine, firm: Holder
    ) -> None:
        agency, provider = await holder(engine, R.AGENCY), await holder(engine, R.PROVIDER)
        for caller, kind in ((agency, "profiles"), (provider, "needs"), (firm, "offerings")):
            refused = await api.post("/v1/exports", json={"kind": kind}, headers=caller.headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "role_missing")

    async def test_another_organisation_does_not_find_the_file(
        self, api: httpx.AsyncClient, firm: Holder, engine: AsyncEngine
    ) -> None:
        asked = {"kind": "profiles"}
        made = await api.post("/v1/exports", json=asked, headers=firm.headers)
        await over(api, firm, made)
        other = await holder(engine)
        for path in (made.headers["Location"], f"{made.headers['Location']}/file"):
            assert (await api.get(path, headers=other.headers)).status_code == 404

    async def test_a_workbook_opens_with_the_fields_as_columns(
        self, api: httpx.AsyncClient, firm: Holder
    ) -> None:
        await over(api, firm, await hand_in(api, firm, jsonl_of(profile(firm)), "profiles"))
        taken = await file_of(api, firm, "profiles", "xlsx")
        with contextlib.closing(load_workbook(io.BytesIO(taken.content))) as book:
            header = [cell.value for cell in book["profiles"][1]]
        assert header[:2] == ["profile.external_id", "profile.name.zh"]
        assert "profile.scenes.quality" in header


class TestWithoutAWorker:
    async def test_what_waits_can_be_cancelled_once(
        self, api: httpx.AsyncClient, firm: Holder, engine: AsyncEngine
    ) -> None:
        """A queue of its own would wait too; here the job is only due in a while."""

        async with transactions(engine)() as session:
            late = await jobs.enqueue(
                session,
                jobs.Job(kind="nobody.does", organisation_id=firm.organisation_id),
            )
        path = f"/v1/jobs/{late}"
        read = await api.get(path, headers=firm.headers)
        assert (read.status_code, read.json()["state"]) == (200, "queued")
        known = {**firm.headers, "If-None-Match": read.headers["ETag"]}
        assert (await api.get(path, headers=known)).status_code == 304
        stranger = await holder(engine)
        refused = await api.post(f"{path}/cancellation", headers=stranger.headers)
        assert refused.status_code == 404
        gone = await api.post(f"{path}/cancellation", headers=firm.headers)
        assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
        again = await api.post(f"{path}/cancellation", headers=firm.headers)
        assert (again.status_code, again.json()["code"]) == (409, "job_over")
        assert again.json()["state"] == "cancelled"
