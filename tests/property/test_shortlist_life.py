"""The life of shortlists against a model that knows nothing of how they are kept."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

import hypothesis
import msgspec
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert
from tests.objects import offerings, organisations
from tests.stateful import Transactions, length, transactions

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering
from matchmaker.core import events
from matchmaker.core.db import Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.ids import uuid7
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.models import (
    ApiKeyId,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
)
from matchmaker.matching.models import MatchRow, MatchRunRow
from matchmaker.matching.shortlists import queries, schemas, service
from matchmaker.matching.shortlists.models import Shortlist, ShortlistId

SHOWN = 4
STEPS = {
    "freeze": (("open",), "frozen", "shortlist.frozen"),
    "discard": (("open", "frozen"), "discarded", "shortlist.discarded"),
}
ABSENT = uuid4()
"""An offering that no run showed."""

picks = st.lists(st.integers(0, SHOWN - 1), max_size=SHOWN, unique=True)
faulty = st.one_of(picks, picks, picks, st.sampled_from([[0, 0], [SHOWN]]))
titles = st.sampled_from(["a", "b", None])


@dataclass
class Modelled:
    """What a shortlist should be; entries are places in what the run showed."""

    title: str | None
    entries: list[int]
    state: str = "open"
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["shortlist.created"])


def principal(organisation_id: UUID) -> Principal:
    return Principal(
        organisation_id=OrganisationId(organisation_id),
        roles=frozenset({OrganisationRole.SME}),
        state=OrganisationState.VERIFIED,
        key_id=ApiKeyId(uuid4()),
        scopes=frozenset(Scope),
    )


async def a_run(session: Session) -> tuple[UUID, UUID, UUID, list[UUID]]:
    """A firm, another one, a stored run of the first and the offerings it showed."""
    connection = await session.connection()
    owner, other = await organisations(connection, count=2)
    shown = await offerings(connection, OfferingState.PUBLISHED, SHOWN)
    versions = await queries_of_versions(session, shown)
    run_id = uuid7()
    await connection.execute(
        insert(MatchRunRow),
        [
            {
                "id": run_id,
                "organisation_id": owner,
                "asked_by": owner,
                "caller_pools": [],
                "as_of": dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
                "input": {},
                "digest": f"sha256:{'0' * 64}",
                "body": {},
                "answers": {"zh": {}, "en": {}},
            }
        ],
    )
    await connection.execute(
        insert(MatchRow),
        [
            {
                "run_id": run_id,
                "rank": place + 1,
                "organisation_id": owner,
                "offering_id": offering_id,
                "version_id": versions[offering_id],
                "package": "p",
                "score": place,
                "fit": None,
            }
            for place, offering_id in enumerate(shown)
        ],
    )
    return owner, other, run_id, shown


async def queries_of_versions(session: Session, shown: list[UUID]) -> dict[UUID, UUID]:
    """The published version of each offering."""
    rows = await session.execute(
        Offering.__table__.select().where(Offering.__table__.c.id.in_(shown))
    )
    return {row.id: row.published_version_id for row in rows}


class ShortlistLife(RuleBasedStateMachine):
    """A firm and a stranger, and what they do to shortlists of one run."""

    run: ClassVar[Transactions]
    met: ClassVar[Counter[str]]
    lists = Bundle("lists")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[ShortlistId, Modelled] = {}

    @initialize()
    def begin(self) -> None:
        owner, other, self.run_id, self.shown = self.run(a_run)
        self.who = {"owner": principal(owner), "other": principal(other)}

    def drafts(self, places: list[int]) -> list[dict[str, Any]]:
        ids = [*self.shown, ABSENT]
        return [{"offering_id": str(ids[place])} for place in places]

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=lists, title=titles, places=picks)
    def create(self, title: str | None, places: list[int]) -> ShortlistId:
        said = {"run_id": str(self.run_id), "title": title, "entries": self.drafts(places)}
        made = self.run(
            lambda session: service.create(
                session, msgspec.convert(said, schemas.ShortlistDraft), self.who["owner"]
            )
        )
        self.model[made.id] = Modelled(title, places)
        self.agrees(made.id)
        return made.id

    @rule(places=faulty, by=st.sampled_from(["owner", "other"]))
    def create_what_cannot_be(self, places: list[int], by: str) -> None:
        said = {"run_id": str(self.run_id), "entries": self.drafts(places)}
        is_sound = places not in ([0, 0], [SHOWN])
        if by == "owner" and is_sound:
            return
        outcome = self.outcome(
            lambda session: service.create(
                session, msgspec.convert(said, schemas.ShortlistDraft), self.who[by]
            )
        )
        assert outcome == ("match_run_not_found" if by == "other" else "not_in_run")

    @rule(
        list_id=lists,
        by=st.sampled_from(["owner"] * 5 + ["other"]),
        change=st.fixed_dictionaries({}, optional={"title": titles, "places": faulty}),
        off=st.sampled_from([0] * 8 + [-1, 1]),
    )
    def patch(self, list_id: ShortlistId, by: str, change: dict[str, Any], off: int) -> None:
        now = self.model[list_id]
        after = {"title": now.title, "places": now.entries, **change}
        said = {name: value for name, value in change.items() if name == "title"}
        if "places" in change:
            said["entries"] = self.drafts(change["places"])
        is_change = (after["title"], after["places"]) != (now.title, now.entries)
        expected = None
        if by == "other":
            expected = "shortlist_not_found"
        elif off:
            expected = "stale_version"
        elif now.state != "open":
            expected = "shortlist_closed"
        elif is_change and after["places"] in ([0, 0], [SHOWN]):
            expected = "not_in_run"
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                list_id,
                msgspec.convert(said, schemas.ShortlistPatch),
                principal=self.who[by],
                revision=now.revision + off,
            )
        )
        assert outcome == expected
        if expected is None and is_change:
            now.title, now.entries = after["title"], after["places"]
            now.revision += 1
            now.told.append("shortlist.revised")
        self.agrees(list_id)

    @rule(
        list_id=lists,
        by=st.sampled_from(["owner", "owner", "other"]),
        name=st.sampled_from([*STEPS]),
    )
    def move(self, list_id: ShortlistId, by: str, name: str) -> None:
        now = self.model[list_id]
        sources, target, kind = STEPS[name]
        expected = None
        if by == "other":
            expected = "shortlist_not_found"
        elif now.state not in sources:
            expected = "illegal_transition"
        elif name == "freeze" and not now.entries:
            expected = "transition_hindered"
        outcome = self.outcome(
            lambda session: service.take_step(
                session, list_id, TransitionRequest(transition=name), self.who[by]
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(kind)
        self.agrees(list_id)

    def outcome(self, work: Callable[[Session], Awaitable[Shortlist]]) -> str | None:
        """The slug of the failure; None where there is none."""
        try:
            self.run(work)
        except MatchmakerError as failure:
            self.met[failure.slug] += 1
            return failure.slug
        self.met["done"] += 1
        return None

    def agrees(self, list_id: ShortlistId) -> None:
        now = self.model[list_id]

        async def look(session: Session) -> tuple[Shortlist | None, list[queries.FoundEntry]]:
            entries = await queries.entries_of(session, [list_id])
            return await queries.find_shortlist(session, list_id), entries[list_id]

        found, entries = self.run(look)
        assert found is not None
        assert (found.title, found.state.value, found.revision) == (
            now.title,
            now.state,
            now.revision,
        )
        assert [entry.offering_id for entry in entries] == [self.shown[n] for n in now.entries]
        assert [entry.rank for entry in entries] == [n + 1 for n in now.entries]

    def teardown(self) -> None:
        for list_id, now in self.model.items():
            told = self.run(
                lambda session, id_=list_id: events.after(session, 0, 1000, subject_id=id_)  # type: ignore[misc]
            )
            assert [each.event.kind for each in told] == now.told


OUTCOMES = {
    "done",
    "illegal_transition",
    "match_run_not_found",
    "not_in_run",
    "shortlist_closed",
    "shortlist_not_found",
    "stale_version",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_shortlists_live_as_the_model_says(server: Server, settings: Settings) -> None:
    with transactions(server, settings) as run:
        ShortlistLife.run, ShortlistLife.met = run, Counter()
        run_state_machine_as_test(ShortlistLife, settings=length())
    assert ShortlistLife.met.keys() == OUTCOMES


def test_control_a_shortlist_that_strangers_change_is_noticed(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybodys(session: Session, shortlist_id: ShortlistId, _: Principal) -> Shortlist:
        found = await queries.find_shortlist(session, shortlist_id)
        assert found is not None
        return found

    monkeypatch.setattr(service, "find", anybodys)
    once = hypothesis.settings(
        length(), phases=[Phase.generate], database=None, report_multiple_bugs=False
    )
    with transactions(server, settings) as run:
        ShortlistLife.run, ShortlistLife.met = run, Counter()
        with pytest.raises(AssertionError):
            run_state_machine_as_test(ShortlistLife, settings=once)
