"""A provider's own file: drafts and changes beside what is published, nothing of anybody else."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.exchange import Transaction, imported, jsonl_of, parsed, rows, transactions, written
from tests.factories import credit_code, offering_line, provider_line
from tests.identities import Holder, holder
from tests.interleaving import meanwhile
from tests.supply import acting

from matchmaker.catalog.life import queries, service
from matchmaker.catalog.life.applying import CONSOLE, By, by_caller
from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.clock import utc_now
from matchmaker.core.errors import StaleVersion
from matchmaker.core.postgres import Server
from matchmaker.core.sheets import FileFormat, ImportReport
from matchmaker.exchange.carrying import lines_of
from matchmaker.exchange.kinds import Asked, ExchangeKind, Means
from matchmaker.identity import queries as identity
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole
from matchmaker.released import Released

K = ExchangeKind
PROVIDER = OrganisationRole.PROVIDER


class Firm:
    """A provider with files of its own."""

    def __init__(self, engine: AsyncEngine, released: Released, owner: Holder, key: str) -> None:
        self.transaction: Transaction = transactions(engine)
        self.released = released
        self.means: Means = released.means()
        self.id = owner.organisation_id
        self.key = key
        self.principal: Principal = acting(owner, PROVIDER)
        self.by: By = by_caller(self.principal)

    def card(self, **fields: object) -> dict[str, Any]:
        """Its own card, as its organisation is known."""
        said = {"type": "provider", "external_id": self.key, "name": {"en": "Holder"}}
        return {**said, "summary": {"en": "Gauges"}, **fields}

    def line(self, name: str = "o-1", **fields: object) -> dict[str, Any]:
        """An offering of its own, without what is not its own to state."""
        said = offering_line(provider=self.key, external_id=name)
        del said["cases"], said["record"]
        return {**said, **fields}

    async def hand_in(
        self, *lines: dict[str, Any], dry: bool = False, principal: Principal | None = None
    ) -> ImportReport:
        asked = Asked(principal=principal or self.principal, is_dry_run=dry)
        return await imported(
            self.transaction, jsonl_of(*lines), K.OFFERINGS, self.means, asked=asked
        )

    async def as_operators_word(self, *lines: dict[str, Any]) -> None:
        report = await imported(self.transaction, jsonl_of(*lines), K.OFFERINGS, self.means)
        assert report.is_sound, report.faults

    async def file(self, kind: K = K.OFFERINGS, format_: FileFormat = FileFormat.JSONL) -> bytes:
        async with self.transaction() as session:
            lines = await lines_of(session, kind, self.id)
        return written(lines, self.released, kind, format_)

    async def offering(self, name: str = "o-1") -> dict[str, Any]:
        """How an offering stands."""
        async with self.transaction() as session:
            found = await session.execute(
                text(
                    "select o.id, state, change_state, o.revision, p.number as published,"
                    " d.number as draft, d.title as title, o.visibility from mm.offering o"
                    " left join mm.offering_version p on p.id = published_version_id"
                    " left join mm.offering_version d on d.id = draft_version_id"
                    " where o.organisation_id = :owner and o.external_id = :name"
                ),
                {"owner": self.id, "name": name},
            )
            return dict(found.mappings().one())

    async def step(self, take: Any, name: str, step: str, by: By | None = None) -> None:  # noqa: ANN401
        async with self.transaction() as session:
            id_ = OfferingId((await self.offering(name))["id"])
            await take(session, id_, step, by=by or self.by, today=utc_now().date())

    async def stands_everywhere(self) -> None:
        """One offering in each situation there is."""
        names = ["plain", "changed", "asked", "dropped", "paused", "suspended", "retired"]
        whole = [offering_line(provider=self.key, external_id=name) for name in names]
        await self.as_operators_word(self.card(), *whole)
        drafts = ["new", "bare", "reviewed"]
        edits = ["changed", "asked", "dropped", "paused"]
        report = await self.hand_in(
            *(self.line(name, **({"packages": []} if name == "bare" else {})) for name in drafts),
            *(self.line(name, title={"en": "Edited"}) for name in edits),
        )
        assert report.is_sound, report.faults
        await self.step(service.take_step, "reviewed", "submit")
        await self.step(service.take_change_step, "asked", "submit")
        await self.step(service.take_change_step, "dropped", "discard")
        await self.step(service.take_step, "paused", "pause")
        await self.step(service.take_step, "suspended", "suspend", CONSOLE)
        await self.step(service.take_step, "retired", "retire")


@pytest_asyncio.fixture(loop_scope="session")
async def firm(engine: AsyncEngine, released: Released) -> Firm:
    return await provider(engine, released)


async def provider(engine: AsyncEngine, released: Released) -> Firm:
    owner = await holder(engine, PROVIDER)
    async with transactions(engine)() as session:
        found = await identity.organisation(session, owner.organisation_id)
    assert found is not None
    return Firm(engine, released, owner, str(found.external_id))


def faults(report: ImportReport) -> list[tuple[int, str, str]]:
    return [(each.line, each.pointer, each.code) for each in report.faults]


def counts(report: ImportReport, noun: str = "offering") -> tuple[int, int, int]:
    found = report.counts[noun]
    return found.new, found.changed, found.unchanged


class TestWriting:
    async def test_what_is_new_is_a_draft_and_nothing_is_live(self, firm: Firm) -> None:
        report = await firm.hand_in(firm.card(), firm.line("o-1"), firm.line("o-2"))
        assert (counts(report, "provider"), counts(report)) == ((1, 0, 0), (2, 0, 0))
        found = await firm.offering()
        assert (found["state"], found["published"], found["draft"]) == ("draft", None, 1)
        async with firm.transaction() as session:
            live = text("select count(*) from mm.offering_live where organisation_id = :owner")
            assert await session.scalar(live, {"owner": firm.id}) == 0
            told = await events.after(session, 0, organisation_id=firm.id)
        (event,) = [recorded.event for recorded in told]
        assert (event.kind, event.actor.id) == ("catalog.drafted", firm.principal.key_id)
        assert event.data == {
            "providers": {"new": 1, "changed": 0, "unchanged": 0},
            "offerings": {"new": 2, "changed": 0, "unchanged": 0},
        }

    async def test_the_same_file_again_changes_nothing(self, firm: Firm) -> None:
        lines = [firm.card(), firm.line("o-1"), firm.line("o-2")]
        await firm.hand_in(*lines)
        before = await rows(firm.transaction)
        report = await firm.hand_in(*lines)
        assert (counts(report, "provider"), counts(report)) == ((0, 0, 1), (0, 0, 2))
        assert await rows(firm.transaction) == before
        report = await firm.hand_in(firm.line("o-2"), firm.line("o-1", title={"en": "Other"}))
        assert counts(report) == (0, 1, 1)
        found = await firm.offering()
        assert (found["draft"], found["revision"], found["title"]) == (2, 2, {"en": "Other"})

    async def test_a_change_waits_beside_what_is_published(self, firm: Firm) -> None:
        await firm.as_operators_word(
            firm.card(), offering_line(provider=firm.key, external_id="o-1")
        )
        report = await firm.hand_in(firm.line(title={"en": "Edited"}, visibility="pool"))
        assert counts(report) == (0, 1, 0)
        found = await firm.offering()
        assert (found["state"], found["change_state"]) == ("published", "draft")
        assert (found["published"], found["draft"], found["visibility"]) == (1, 2, "public")
        await firm.step(service.take_change_step, "o-1", "submit")
        await firm.step(service.take_change_step, "o-1", "accept", CONSOLE)
        found = await firm.offering()
        assert (found["published"], found["draft"], found["visibility"]) == (2, None, "pool")
        # The cases and the record that no file of the provider states are still there.
        (line,) = parsed(await firm.file())
        whole = offering_line()
        assert (line["cases"], line["record"]) == (whole["cases"], whole["record"])

    async def test_the_card_is_restated_as_a_whole(self, firm: Firm) -> None:
        assert counts(await firm.hand_in(firm.card()), "provider") == (1, 0, 0)
        changed = firm.card(summary=None, website="https://holder.example")
        assert counts(await firm.hand_in(changed), "provider") == (0, 1, 0)
        assert counts(await firm.hand_in(changed), "provider") == (0, 0, 1)
        (line,) = parsed(await firm.file(K.PROVIDERS))
        assert (line.get("summary"), line["website"]) == (None, "https://holder.example")

    async def test_a_dry_run_tells_it_all_and_writes_nothing(self, firm: Firm) -> None:
        await firm.hand_in(firm.line("o-1"), firm.line("o-2"))
        before = await rows(firm.transaction), await firm.file()
        lines = firm.line("o-1", summary=None), firm.line("o-2"), firm.line("o-3")
        report = await firm.hand_in(firm.card(), *lines, dry=True)
        assert (counts(report, "provider"), counts(report)) == ((1, 0, 0), (1, 1, 1))
        assert (await rows(firm.transaction), await firm.file()) == before

    async def test_an_edit_that_comes_between_is_not_written_over(
        self, firm: Firm, engine: AsyncEngine, server: Server
    ) -> None:
        await firm.hand_in(firm.line("o-1"), firm.line("o-2"))
        id_ = (await firm.offering("o-2"))["id"]
        before = await rows(firm.transaction)
        lines = [firm.line(name, summary=None) for name in ("o-1", "o-2", "o-3")]
        with (
            meanwhile(engine, server, "offering", id_, "revision = 2"),
            pytest.raises(StaleVersion),
        ):
            await firm.hand_in(*lines)
        assert await rows(firm.transaction) == before
        assert (await firm.offering("o-1"))["revision"] == 1
        # The job is tried again, and then it is written.
        report = await firm.hand_in(*lines[:2])
        assert counts(report) == (0, 2, 0)

    async def test_one_that_was_made_meanwhile_is_not_made_twice(
        self, firm: Firm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two files of one provider at once, each of which found nothing."""
        found = queries.named

        async def slowly(*asked: Any) -> Any:  # noqa: ANN401
            known = await found(*asked)
            if not known:
                await both.wait()
            return known

        both = asyncio.Barrier(2)
        monkeypatch.setattr(queries, "named", slowly)
        told = await asyncio.gather(
            *(firm.hand_in(firm.line()) for _ in range(2)), return_exceptions=True
        )
        assert [type(each) for each in sorted(told, key=lambda each: type(each).__name__)] == [
            ImportReport,
            IntegrityError,
        ]
        assert counts(await firm.hand_in(firm.line())) == (0, 0, 1)


class TestRoundTrip:
    @pytest.mark.parametrize("format_", list(FileFormat))
    async def test_an_export_imports_unchanged_and_exports_the_same_bytes(
        self, firm: Firm, format_: FileFormat
    ) -> None:
        await firm.stands_everywhere()
        before = await rows(firm.transaction)
        for kind, noun, number in ((K.PROVIDERS, "provider", 1), (K.OFFERINGS, "offering", 9)):
            first = await firm.file(kind, format_)
            asked = Asked(principal=firm.principal)
            report = await imported(
                firm.transaction, first, kind, firm.means, format_=format_, asked=asked
            )
            assert (report.faults, counts(report, noun)) == ((), (0, 0, number))
            assert await rows(firm.transaction) == before
            assert await firm.file(kind, format_) == first

    async def test_it_holds_the_latest_version_of_all_that_is_not_retired(self, firm: Firm) -> None:
        await firm.stands_everywhere()
        titles = {line["external_id"]: line["title"] for line in parsed(await firm.file())}
        assert list(titles) == sorted(titles)
        assert {name for name, title in titles.items() if title == {"en": "Edited"}} == {
            "changed",
            "asked",
            "paused",
        }
        assert titles.keys() == {
            *("plain", "changed", "asked", "dropped", "paused", "suspended"),
            *("new", "bare", "reviewed"),
        }

    async def test_control_everybodys_file_would_bring_back_an_older_version(
        self, firm: Firm
    ) -> None:
        """What the operator's export says of the published ones is a change to an owner."""
        await firm.stands_everywhere()
        async with firm.transaction() as session:
            lines = await lines_of(session, K.OFFERINGS, None)
        own = [line for line in lines if line["provider"] == firm.key]
        assert {line["external_id"] for line in own} == {"plain", "changed", "asked", "dropped"}
        report = await firm.hand_in(*own, dry=True)
        assert not report.is_sound or report.counts["offering"].written > 0


class TestRefusing:
    async def test_what_is_under_review_or_over_keeps_still(self, firm: Firm) -> None:
        await firm.stands_everywhere()
        before = await rows(firm.transaction)
        names = ["new", "reviewed", "asked", "suspended", "retired"]
        report = await firm.hand_in(*(firm.line(name, summary=None) for name in names))
        assert faults(report) == [(line, "#", "not_editable") for line in (2, 3, 4, 5)]
        assert await rows(firm.transaction) == before

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"cases": [{"industry": "C33", "scenes": [], "state": "claimed"}]}, "#/cases"),
            ({"cases": [{"industry": "C33", "scenes": [], "state": "verified"}]}, "#/cases"),
            ({"record": {"accepted": 12, "projects": 12}}, "#/record"),
        ],
    )
    async def test_nobody_states_their_own_cases_or_record(
        self, firm: Firm, fields: dict[str, Any], pointer: str
    ) -> None:
        await firm.as_operators_word(
            firm.card(), offering_line(provider=firm.key, external_id="o-1")
        )
        before = await rows(firm.transaction)
        for name in ("o-1", "o-2"):
            report = await firm.hand_in(firm.line(name, **fields))
            assert faults(report) == [(1, pointer, "operators_word")]
        assert await rows(firm.transaction) == before
        # What the register says may stand in the file.
        whole = offering_line(provider=firm.key, external_id="o-1")
        assert counts(await firm.hand_in(whole)) == (0, 0, 1)

    async def test_what_is_anothers_and_what_is_nobodys_are_answered_alike(
        self, firm: Firm, engine: AsyncEngine, released: Released
    ) -> None:
        other = await provider(engine, released)
        await other.hand_in(other.card(), other.line())
        before = await rows(firm.transaction)
        told = []
        for key in (other.key, f"h-{uuid4().hex[:12]}", str(other.id), str(uuid4())):
            lines = firm.card(external_id=key), firm.line(provider=key, summary=None)
            report = await firm.hand_in(*lines)
            told.append([(each.line, each.pointer, each.message) for each in report.faults])
        assert [where[:2] for where in told[0]] == [(1, "#/external_id"), (2, "#/provider")]
        assert all(each == told[0] for each in told)
        assert await rows(firm.transaction) == before

    async def test_control_the_same_file_is_sound_and_the_operators_word_writes_it(
        self, firm: Firm, engine: AsyncEngine, released: Released
    ) -> None:
        other = await provider(engine, released)
        await other.hand_in(other.card(), other.line())
        lines = firm.card(external_id=other.key), firm.line(provider=other.key, summary=None)
        await firm.as_operators_word(*lines)
        assert (await other.offering())["published"] == 2

    async def test_who_it_is_says_the_organisation_and_no_file_of_its_own(self, firm: Firm) -> None:
        """It tells nothing of whose a credit code is either."""
        taken, free = credit_code(f"{uuid4().int % 10**17:017}"), credit_code("3" * 17)
        key = f"p-{uuid4().hex[:12]}"
        await firm.as_operators_word(provider_line(external_id=key, uscc=taken))
        told = []
        for code in (taken, free):
            report = await firm.hand_in(
                firm.card(
                    name={"en": "Other"},
                    provider_kind="software_vendor",
                    region="210200",
                    uscc=code,
                )
            )
            told.append(report.faults)
        assert {(each.pointer, each.code) for each in told[0]} == {
            (f"#/{name}", "organisations_fact")
            for name in ("name", "provider_kind", "region", "uscc")
        }
        assert told[0] == told[1]

    async def test_every_fault_is_named_and_nothing_is_written(self, firm: Firm) -> None:
        await firm.hand_in(firm.line("o-1"))
        before = await rows(firm.transaction)
        advisory = firm.line("o-1", kind="advisory", attributes=None)
        report = await firm.hand_in(
            firm.card(website="ftp://x"),
            firm.line("o-2", industries=["C9999"]),
            firm.line("o-3", attested="2999-01-01"),
            firm.line("o-4"),
            firm.line("o-4"),
            advisory,
            {"type": "need"},
        )
        assert faults(report) == [
            (1, "#/website", "wrong_form"),
            (2, "#/industries/0", "unknown_code"),
            (3, "#/attested", "in_the_future"),
            (5, "#/external_id", "repeated_external_id"),
            (6, "#/kind", "kind_changed"),
            (7, "#/type", "unknown_type"),
        ]
        assert (report.lines, report.rejected, report.counts) == (7, 6, {})
        assert await rows(firm.transaction) == before
