"""The life of offerings, and what of them is live, against a model that knows no table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from uuid import uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    precondition,
    rule,
)
from sqlalchemy import text
from tests.factories import jsonl, taxonomy, tokenizer
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.catalog import queries as catalog
from matchmaker.catalog.importing import import_file
from matchmaker.catalog.importing.report import ImportReport
from matchmaker.catalog.life import queries, service, steps
from matchmaker.catalog.life.applying import By
from matchmaker.catalog.life.facts import Declarations, facts_of, vouched_of
from matchmaker.catalog.life.schemas import NewOffering, OfferingPatch
from matchmaker.catalog.models import OfferingId, VersionId
from matchmaker.core import events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.machine import Actor
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity import organisations as identity
from matchmaker.identity.models import OrganisationId, OrganisationRole, new_organisation_id

DECLARATIONS = Declarations.of(taxonomy(), tokenizer(), "1")
DAY = dt.date(2030, 1, 1)
YEARS = dt.timedelta(days=10_000)
LAST = (DAY + dt.timedelta(6)).isoformat()
PACKAGE = {"code": "one", "title": {"en": "One"}}
REGISTER = {"accepted": 1, "projects": 2}
LIVING = {"published", "paused"}
OPEN = {"draft", "in_review", "changes_requested"}
SEEN = {"published", "paused", "expired"}
STEPS = {
    "submit": ({"draft", "changes_requested"}, "in_review", {"owner"}),
    "withdraw": ({"in_review"}, "draft", {"owner"}),
    "request_changes": ({"in_review"}, "changes_requested", {"operator"}),
    "publish": ({"in_review"}, "published", {"operator"}),
    "pause": ({"published"}, "paused", {"owner", "operator"}),
    "resume": ({"paused"}, "published", {"owner", "operator"}),
    "expire": (LIVING, "expired", {"clock"}),
    "renew": ({"expired"}, "in_review", {"owner"}),
    "suspend": ({"in_review", *SEEN}, "suspended", {"operator"}),
    "reinstate": ({"suspended"}, "published", {"operator"}),
    "retire": ({"draft", "changes_requested", *SEEN}, "retired", {"owner", "operator"}),
}
CHANGES = {
    "submit": ({"draft", "changes_requested"}, "in_review", {"owner"}),
    "withdraw": ({"in_review"}, "draft", {"owner"}),
    "request_changes": ({"in_review"}, "changes_requested", {"operator"}),
    "accept": ({"in_review"}, "accepted", {"operator"}),
    "discard": ({"draft", "changes_requested"}, "discarded", {"owner"}),
}

SELECT = """
    select state, change_state, revision, published.number,
        latest.number, latest.title, latest.valid_to, latest.document,
        array(select code from mm.offering_package where version_id = latest.id order by position)
    from mm.offering
    join mm.offering_version latest
        on latest.id = coalesce(draft_version_id, published_version_id)
    left join mm.offering_version published on published.id = published_version_id
    where offering.id = $1
"""

titles = st.sampled_from(["a", "b", "c"])
days = st.sampled_from([None, None, 1, 2, 4, 6, 9]).map(
    lambda days: days and (DAY + dt.timedelta(days)).isoformat()
)
packages = st.sampled_from([(), ("one",), ("one",), ("one",)])
actors = st.sampled_from(["owner", "owner", "operator", "operator", "stranger"])


@dataclass(frozen=True)
class Said:
    """What a version says, as far as this test varies it."""

    title: str
    valid_to: str | None
    packages: tuple[str, ...]
    in_register: bool = False


@dataclass
class Modelled:
    """What an offering should be."""

    owner: OrganisationId
    versions: list[Said]
    state: str = "draft"
    change: str | None = None
    published: int | None = None
    draft: int | None = 1
    revision: int = 1

    @property
    def latest(self) -> int:
        found = self.draft or self.published
        assert found is not None
        return found

    def said(self, number: int) -> Said:
        return self.versions[number - 1]

    def write(self, said: Said) -> int:
        self.versions.append(said)
        return len(self.versions)

    def settle(self) -> None:
        """A draft is a change exactly while something is published beside it."""
        is_change = self.state in LIVING and self.draft is not None
        if is_change and self.change not in OPEN:
            self.change = "draft"
        if not is_change and self.change in OPEN:
            self.change = None


@dataclass
class History:
    """What was live right after each event."""

    at: dict[int, set[tuple[OfferingId, int]]] = field(default_factory=dict)
    shown: dict[int, set[tuple[OfferingId, int]]] = field(default_factory=dict)
    """Of that what verified providers offer: what an index of the position holds."""


OPERATOR = principal(new_organisation_id(), OrganisationRole.OPERATOR)


def past(said: Said, today: dt.date) -> bool:
    return said.valid_to is not None and said.valid_to < today.isoformat()


def by(part: str) -> By:
    acting = frozenset[Actor]() if part == "stranger" else frozenset({Actor(part)})
    return By(lambda _: acting, events.CLI)


class OfferingLife(Life):
    """Two providers, an operator, its files and the clock."""

    offerings = Bundle("offerings")
    names: ClassVar[dict[OrganisationId, str]]
    """Of both providers what the operator's files call them."""

    @classmethod
    def settle(cls) -> None:
        cls.names = {}
        for _ in range(2):
            name = f"p-{uuid4().hex[:12]}"
            line = {"type": "provider", "external_id": name, "name": {"en": "P"}}
            assert cls.run(lambda session, line=line: load(session, line)).is_written  # type: ignore[misc]
            cls.names[cls.run(lambda session, name=name: organisation(session, name))] = name  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__()
        self.today = DAY
        self.model: dict[OfferingId, Modelled] = {}
        self.named: dict[tuple[OrganisationId, str], OfferingId] = {}
        self.verified = dict.fromkeys(self.names, True)
        self.history = History()

    @initialize(target=offerings, nth=st.integers(0, 1), title=titles, valid_to=days, held=packages)
    def begin(
        self, nth: int, title: str, valid_to: str | None, held: tuple[str, ...]
    ) -> OfferingId:
        self.position = self.run(events.head)
        self.history.at[self.position] = set()
        return self.made(nth, Said(title, valid_to, held))

    @precondition(lambda self: len(self.model) < 4)
    @rule(target=offerings, nth=st.integers(0, 1), title=titles, valid_to=days, held=packages)
    def create(
        self, nth: int, title: str, valid_to: str | None, held: tuple[str, ...]
    ) -> OfferingId:
        return self.made(nth, Said(title, valid_to, held))

    def made(self, nth: int, said: Said) -> OfferingId:
        owner = list(self.verified)[nth]
        stated = {"kind": "solution", **facts(said)}
        made = self.run(
            lambda session: service.create(
                session,
                msgspec.convert(stated, NewOffering),
                owner,
                by=by("owner"),
                declarations=DECLARATIONS,
                today=self.today,
            )
        )
        id_ = made.stored.offering_id
        self.model[id_] = Modelled(owner, [said])
        self.named[owner, made.stored.external_id] = id_
        self.happened(1)
        self.agrees(id_)
        return id_

    @rule(
        id_=offerings,
        part=st.sampled_from(["owner", "owner", "owner", "operator", "stranger"]),
        change=st.fixed_dictionaries(
            {}, optional={"title": titles, "valid_to": days, "packages": packages}
        ),
        off=st.sampled_from([0, 0, 0, 0, 1]),
    )
    def edit(self, id_: OfferingId, part: str, change: dict[str, Any], off: int) -> None:
        now = self.model[id_]
        before = now.said(now.latest)
        after = replace(before, **change)
        expected = None
        if part != "owner":
            expected = "offering_not_found" if part == "stranger" else "forbidden"
        elif off:
            expected = "stale_version"
        elif now.state not in {"draft", "changes_requested", *SEEN} or (
            now.state in LIVING and now.change == "in_review"
        ):
            expected = "offering_not_editable"
        stated = facts(after)
        patch = {name: stated.get(name) for name in change}
        outcome = self.outcome(
            lambda session: service.edit(
                session,
                id_,
                msgspec.convert(patch, OfferingPatch),
                revision=now.revision + off,
                by=by(part),
                declarations=DECLARATIONS,
                today=self.today,
            )
        )
        assert outcome == expected
        if expected is None and after != before:
            now.draft = now.write(after)
            now.revision += 1
            now.settle()
            self.happened(1)
        self.agrees(id_)

    @rule(id_=offerings, part=actors, step=st.sampled_from(list(STEPS)))
    def move(self, id_: OfferingId, part: str, step: str) -> None:
        now = self.model[id_]
        sources, target, parts = STEPS[step]
        expected = None
        if part == "stranger":
            expected = "offering_not_found"
        elif part not in parts:
            expected = "not_your_transition"
        elif now.state not in sources:
            expected = "illegal_transition"
        elif self.hindered(now, step):
            expected = "transition_hindered"
        outcome = self.outcome(
            lambda session: service.take_step(session, id_, step, by=by(part), today=self.today)
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            if step == "publish" or (step == "reinstate" and now.published is None):
                now.published, now.draft = now.latest, None
            now.revision += 1
            now.settle()
            self.happened(1)
        self.agrees(id_)

    def hindered(self, now: Modelled, step: str) -> bool:
        if step == "resume":
            assert now.published is not None
            return past(now.said(now.published), self.today)
        reviewed = step in {"submit", "renew", "publish"}
        return (reviewed or (step == "reinstate" and now.published is None)) and self.lacking(now)

    def lacking(self, now: Modelled) -> bool:
        said = now.said(now.latest)
        return not self.verified[now.owner] or not said.packages or past(said, self.today)

    @rule(id_=offerings, part=actors, step=st.sampled_from(list(CHANGES)))
    def move_change(self, id_: OfferingId, part: str, step: str) -> None:
        now = self.model[id_]
        sources, target, parts = CHANGES[step]
        refusals = {
            "offering_not_found": part == "stranger",
            "change_not_found": now.change is None,
            "not_your_transition": part not in parts,
            "illegal_transition": now.change not in sources,
            "transition_hindered": step in {"submit", "accept"} and self.lacking(now),
        }
        expected = next((name for name, is_met in refusals.items() if is_met), None)
        outcome = self.outcome(
            lambda session: service.take_change_step(
                session, id_, step, by=by(part), today=self.today
            )
        )
        assert outcome == expected
        if expected is None:
            now.change = target
            if target == "accepted":
                now.published = now.draft
            if target in {"accepted", "discarded"}:
                now.draft = None
            now.revision += 1
            self.happened(1)
        self.agrees(id_)

    @rule(id_=offerings, nth=st.integers(0, 5))
    def advance(self, id_: OfferingId, nth: int) -> None:
        """A step that leads on: by chance alone few offerings would be published."""
        now = self.model[id_]
        if now.state in LIVING and now.change in OPEN:
            names = [name for name, (sources, _, _) in CHANGES.items() if now.change in sources]
            name = names[nth % len(names)]
            self.move_change(id_, next(iter(CHANGES[name][2])), name)
            return
        names = [
            name
            for name, (sources, _, parts) in STEPS.items()
            if now.state in sources and "clock" not in parts
        ]
        if names:
            name = names[nth % len(names)]
            self.move(id_, min(STEPS[name][2]), name)

    @rule(id_=offerings, title=titles, valid_to=st.sampled_from([None, LAST]))
    def import_again(self, id_: OfferingId, title: str, valid_to: str | None) -> None:
        """The operator's file has its own word for an offering, whatever its owner drafts."""
        now = self.model[id_]
        said = Said(title, valid_to, ("one",), in_register=True)
        (name,) = [name for (_, name), found in self.named.items() if found == id_]
        line = {
            "type": "offering",
            "external_id": name,
            "provider": self.names[now.owner],
            "kind": "solution",
            "record": REGISTER,
            **facts(said),
        }
        report = self.run(lambda session: load(session, line))
        is_same = now.published is not None and now.said(now.published) == said
        is_kept = now.state in {"suspended", "retired"} and not is_same
        assert report.is_written is not is_kept
        self.met["kept" if is_kept else "same" if is_same else "imported"] += 1
        if not is_kept and not is_same:
            now.published, now.draft = now.write(said), None
            now.change = "discarded" if now.change in OPEN else now.change
            now.state = "published"
            now.revision += 1
            self.happened(1)
        self.agrees(id_)

    @precondition(lambda self: bool(self.history.at[self.position]))
    @rule(nth=st.integers(0, 1))
    def doubt(self, nth: int) -> None:
        """A provider loses its verification, or gets it back."""
        owner = list(self.verified)[nth]
        step = "suspend" if self.verified[owner] else "reinstate"
        self.verified[owner] = not self.verified[owner]
        self.run(lambda session: stand(session, owner, step))
        self.happened(1)

    @precondition(lambda self: bool(self.history.at[self.position]))
    @rule(days=st.integers(1, 4))
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days)
        due = sorted(
            id_
            for id_, now in self.model.items()
            if now.state in LIVING
            and now.published is not None
            and past(now.said(now.published), self.today)
        )
        self.run(lambda session: service.expire_due(session, self.today))
        for id_ in due:
            now = self.model[id_]
            now.state = "expired"
            now.revision += 1
            now.settle()
            self.met["expired"] += 1
            self.happened(1)
            self.agrees(id_)

    def happened(self, count: int) -> None:
        """So many events more, after which this is live."""
        self.position += count
        self.history.at[self.position] = {
            (id_, now.published)
            for id_, now in self.model.items()
            if now.state == "published" and now.published is not None
        }
        self.history.shown[self.position] = {
            (id_, number)
            for id_, number in self.history.at[self.position]
            if self.verified[self.model[id_].owner]
        }

    def agrees(self, id_: OfferingId) -> None:
        now = self.model[id_]
        ((*stands, number, title, valid_to, document, packages),) = self.run.rows(SELECT, id_)
        assert stands == [now.state, now.change, now.revision, now.published]
        found = Said(
            title["en"],
            valid_to and valid_to.isoformat(),
            tuple(packages),
            document.get("record") is not None,
        )
        assert (number, found) == (now.latest, now.said(now.latest))

    def teardown(self) -> None:
        if not self.history.at:
            return
        found = self.run(self.all_of_it)
        # The next life shares the database: nothing of this one may fall due in it, or be read.
        while self.run(lambda session: service.expire_due(session, DAY + YEARS)):
            pass
        self.run(end_all)
        for owner, is_verified in self.verified.items():
            if not is_verified:
                self.run(lambda session, owner=owner: stand(session, owner, "reinstate"))  # type: ignore[misc]
        assert found["head"] == self.position
        assert found["live"] == self.history.at
        assert found["said"] == {id_: now.versions for id_, now in self.model.items()}
        assert found["published"] == self.history.shown

    async def all_of_it(self, session: Session) -> dict[str, Any]:
        """What was live and what an index would hold when, and what every version says."""
        said = {id_: await history(session, id_) for id_ in self.model}
        numbers = {version_id: number for each in said.values() for version_id, number, _ in each}
        return {
            "head": await events.head(session),
            "live": {
                at: {
                    (id_, numbers[version_id])
                    for id_, version_id in await queries.live_at(session, at)
                    if id_ in self.model
                }
                for at in self.history.at
            },
            "said": {id_: [what for _, _, what in each] for id_, each in said.items()},
            "published": {
                at: {
                    (row.offering_id, row.number)
                    async for row in catalog.published_offerings(session, at)
                    if row.offering_id in self.model
                }
                for at in self.history.shown
            },
        }


async def end_all(session: Session) -> None:
    await session.execute(
        text("update mm.offering_live set to_position = :next where to_position is null"),
        {"next": await events.head(session) + 1},
    )


async def load(session: Session, line: dict[str, Any]) -> ImportReport:
    return await import_file(session, jsonl(line), taxonomy(), tokenizer())


def facts(said: Said) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": {"en": said.title},
        "packages": [{**PACKAGE, "code": code} for code in said.packages],
    }
    return found if said.valid_to is None else {**found, "valid_to": said.valid_to}


def said_of(version: queries.Version) -> Said:
    found = facts_of(version)
    return Said(
        found.title.en or "",
        None if found.valid_to is None else found.valid_to.isoformat(),
        tuple(package.code for package in found.packages),
        vouched_of(version).record is not None,
    )


async def organisation(session: ReadSession, name: str) -> OrganisationId:
    found = await session.execute(
        text("select id from mm.organisation where external_id = :name"), {"name": name}
    )
    return OrganisationId(found.scalar_one())


async def stand(session: Session, owner: OrganisationId, step: str) -> None:
    asked = TransitionRequest(transition=step)
    await identity.move(session, owner, asked, by=OPERATOR)


async def history(session: ReadSession, id_: OfferingId) -> list[tuple[VersionId, int, Said]]:
    """Every version, its number and what it says, in the order of their numbers."""
    listed = await queries.versions(session, id_, after=None, limit=1000)
    assert [each.number for each in listed] == list(range(1, len(listed) + 1))
    return [
        (each.version_id, each.number, said_of(await queries.version(session, each.version_id)))
        for each in listed
    ]


OUTCOMES = {
    "done",
    "imported",
    "same",
    "kept",
    "expired",
    "change_not_found",
    "forbidden",
    "illegal_transition",
    "not_your_transition",
    "offering_not_editable",
    "offering_not_found",
    "stale_version",
    "transition_hindered",
}
"""Everything that may come of what the machine does."""


def test_offerings_live_as_the_model_says(run: Transactions) -> None:
    assert live(OfferingLife, run).keys() == OUTCOMES


def _publish_unseen(found: queries.Stored, _: object) -> queries.Stored:
    return found._replace(published_version_id=found.latest, draft_version_id=None)


async def _never_ends(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (steps, "change_stepped", _publish_unseen),
        (queries, "end_live", _never_ends),
    ],
    ids=["a change nobody accepted", "what is paused stays live"],
)
def test_control_a_broken_life_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch, where: object, name: str, broken: object
) -> None:
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(Exception, match=r"."):
        live_once(OfferingLife, run)
