"""The life of shortlists against a model that knows nothing of how they are kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    precondition,
    rule,
)
from sqlalchemy import insert
from tests.objects import offerings
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering
from matchmaker.core.db import Session
from matchmaker.core.ids import uuid7
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.access import Principal
from matchmaker.identity.models import (
    OrganisationId,
    OrganisationRole,
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


async def a_run(session: Session, owner: OrganisationId) -> tuple[UUID, list[UUID]]:
    """A stored run of the firm, and the offerings it showed."""
    connection = await session.connection()
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
    return run_id, shown


async def queries_of_versions(session: Session, shown: list[UUID]) -> dict[UUID, UUID]:
    """The published version of each offering."""
    rows = await session.execute(
        Offering.__table__.select().where(Offering.__table__.c.id.in_(shown))
    )
    return {row.id: row.published_version_id for row in rows}


class ShortlistLife(Life):
    """A firm and a stranger, and what they do to shortlists of one run."""

    lists = Bundle("lists")
    run_id: ClassVar[UUID]
    shown: ClassVar[list[UUID]]

    @classmethod
    def settle(cls) -> None:
        cls.run_id, cls.shown = cls.run(lambda session: a_run(session, cls.people[0]))

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[ShortlistId, Modelled] = {}
        self.who = {
            "owner": principal(self.people[0], OrganisationRole.SME),
            "other": principal(self.people[1], OrganisationRole.SME),
        }

    @initialize(target=lists, title=titles, places=picks)
    def begin(self, title: str | None, places: list[int]) -> ShortlistId:
        return self.made(title, places)

    def drafts(self, places: list[int]) -> list[dict[str, Any]]:
        ids = [*self.shown, ABSENT]
        return [{"offering_id": str(ids[place])} for place in places]

    @precondition(lambda self: len(self.model) < 3)
    @rule(target=lists, title=titles, places=picks)
    def create(self, title: str | None, places: list[int]) -> ShortlistId:
        return self.made(title, places)

    def made(self, title: str | None, places: list[int]) -> ShortlistId:
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

    def agrees(self, list_id: ShortlistId) -> None:
        now = self.model[list_id]

        (stored,) = self.run.rows(
            "select title, state, revision, array("
            "select offering_id from mm.shortlist_entry where shortlist_id = shortlist.id"
            " order by position) from mm.shortlist where id = $1",
            list_id,
        )
        shown = [self.shown[n] for n in now.entries]
        assert stored == (now.title, now.state, now.revision, shown)

    def teardown(self) -> None:
        for list_id, now in self.model.items():
            found = self.run(lambda session, id_=list_id: queries.entries_of(session, [id_]))  # type: ignore[misc]
            assert [(entry.offering_id, entry.rank) for entry in found[list_id]] == [
                (self.shown[n], n + 1) for n in now.entries
            ]
            assert self.told(list_id) == now.told


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


def test_shortlists_live_as_the_model_says(run: Transactions) -> None:
    assert live(ShortlistLife, run).keys() == OUTCOMES


def test_control_a_shortlist_that_strangers_change_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybodys(session: Session, shortlist_id: ShortlistId, _: Principal) -> Shortlist:
        found = await queries.find_shortlist(session, shortlist_id)
        assert found is not None
        return found

    monkeypatch.setattr(service, "find", anybodys)
    with pytest.raises(AssertionError):
        live_once(ShortlistLife, run)
