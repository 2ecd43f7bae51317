"""Recognitions, pathways, guides, programmes against a model that knows nothing of their keeping.

What they say stays; only where they stand changes, step by step, by whoever may.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, precondition, rule
from sqlalchemy import text
from tests.factories import SEEDS
from tests.profiles import checker, fields
from tests.stateful import Life, Transactions, live, live_once, principal
from tests.unit.pathway.test_computing import pool

from matchmaker.core.db import Session
from matchmaker.core.transitions import TransitionRequest
from matchmaker.enterprise.participations import queries as participation_queries
from matchmaker.enterprise.participations import service as participations
from matchmaker.enterprise.participations.models import ParticipationId
from matchmaker.enterprise.recognitions import queries as recognition_queries
from matchmaker.enterprise.recognitions import service as recognitions
from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
from matchmaker.enterprise.recognitions.models import RecognitionId
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationRole
from matchmaker.pathway import queries as pathway_queries
from matchmaker.pathway import released as ways
from matchmaker.pathway import service as pathways
from matchmaker.pathway.declaration import PathwayRequest
from matchmaker.pathway.models import PathwayId
from matchmaker.policy.guides import queries as guide_queries
from matchmaker.policy.guides import released
from matchmaker.policy.guides import service as guides
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.policy.guides.models import GuideId
from matchmaker.policy.issuing import Reader
from matchmaker.policy.programmes import queries as programme_queries
from matchmaker.policy.programmes import service as programmes
from matchmaker.policy.programmes.declaration import ProgrammeTerms
from matchmaker.policy.programmes.models import ProgrammeId

R = OrganisationRole
GENERAL = released.load(SEEDS, checker())
WAYFINDER = ways.load(SEEDS, fields(), GENERAL)
GRANTED = RecognitionDraft(scheme="cn_smart_factory", level="basic", issuer="City")
LIVES = 12
"""Fewer than of other things: their machines have three steps or four."""


class Edge(NamedTuple):
    """One step as the product page has it: out of which states, to where, by whom, told how."""

    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    kind: str


@dataclass
class Modelled:
    """What a thing should be."""

    code: str
    state: str
    told: list[str]
    revision: int = 1

    def move(self, target: str, kind: str) -> None:
        self.state = target
        self.revision += 1
        self.told.append(kind)


class SteppedLife(Life):
    """An owner, a stranger and an operator, and the steps they take."""

    noun: ClassVar[str]
    begins: ClassVar[tuple[str, str]]
    """The first state, and the event that tells of it."""
    edges: ClassVar[Mapping[str, Edge]]
    owner: ClassVar[OrganisationRole] = R.SME
    things = Bundle("things")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[UUID, Modelled] = {}
        self.name = uuid4().hex
        """Of this life alone: things of others are no editions of its own."""
        own, stranger = self.people[:2]
        self.who = {
            "owner": replace(principal(own, self.owner), key_id=None),
            "other": principal(stranger, self.owner),
            "operator": principal(stranger, R.OPERATOR),
        }

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        """A new thing of the owner."""
        raise NotImplementedError

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        """The step taken by the service."""
        raise NotImplementedError

    def is_hidden(self, now: Modelled, by: str) -> bool:
        """Whether the caller does not even learn that it is there."""
        return by == "other" or (by == "operator" and not self.is_overseen(now))

    def is_overseen(self, now: Modelled) -> bool:
        """Whether operators see it."""
        return now.state != ""

    def replaced(self, now: Modelled, name: str) -> list[Modelled]:
        """What the step takes the place of."""
        _ = now, name
        return []

    @initialize(target=things)
    def begin(self) -> UUID:
        return self.made("a", None)

    @precondition(lambda self: len(self.model) < 4)
    @rule(target=things, code=st.sampled_from(["a", "b"]), before=things)
    def another(self, code: str, before: UUID) -> UUID:
        return self.made(code, before)

    def made(self, code: str, before: UUID | None) -> UUID:
        made: list[UUID] = []

        async def work(session: Session) -> None:
            made.append(await self.make(session, code, before))

        assert self.outcome(work) is None
        state, kind = self.begins
        self.model[made[0]] = Modelled(code, state, [kind])
        self.has_replaced(before)
        self.agrees()
        return made[0]

    def has_replaced(self, before: UUID | None) -> None:
        """What a new thing does to the one it was made from."""

    @rule(
        id_=things,
        by=st.sampled_from(["owner"] * 3 + ["operator", "other"]),
        name=st.data(),
        seen=st.sampled_from([None, None, "now", "before"]),
    )
    def move(self, id_: UUID, by: str, name: Any, seen: str | None) -> None:  # noqa: ANN401
        now = self.model[id_]
        step = name.draw(st.sampled_from([*self.edges]))
        edge = self.edges[step]
        revision = {None: None, "now": now.revision, "before": now.revision + 7}[seen]
        expected = None
        if self.is_hidden(now, by):
            expected = f"{self.noun}_not_found"
        elif seen == "before":
            expected = "stale_version"
        elif by not in edge.by:
            expected = "not_your_transition"
        elif now.state not in edge.sources:
            expected = "illegal_transition"
        asked = TransitionRequest(transition=step)
        found = self.outcome(lambda s: self.take(s, id_, asked, self.who[by], revision))
        assert found == expected
        if expected is None:
            for each in self.replaced(now, step):
                each.move("superseded", f"{self.noun}.superseded")
            now.move(edge.target, edge.kind)
        self.agrees()

    def agrees(self) -> None:
        said = f"select id, state, revision from mm.{self.noun} where id = any($1)"  # noqa: S608
        stored = self.run.rows(said, list(self.model))
        found = {id_: (state, revision) for id_, state, revision in stored}
        assert found == {id_: (now.state, now.revision) for id_, now in self.model.items()}

    def teardown(self) -> None:
        for id_, now in self.model.items():
            assert self.told(id_) == now.told


class RecognitionLife(SteppedLife):
    """Claimed by a firm, verified by an operator, ended by the firm."""

    noun = "recognition"
    begins = ("claimed", "recognition.claimed")
    edges: ClassVar[Mapping[str, Edge]] = {
        "verify": Edge(("claimed",), "verified", ("operator",), "recognition.verified"),
        "end": Edge(("claimed", "verified"), "expired", ("owner",), "recognition.ended"),
        "expire": Edge(("claimed", "verified"), "expired", (), "recognition.expired"),
    }

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        _ = code, before
        return (await recognitions.create(session, checker(), GRANTED, self.who["owner"])).id

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        await recognitions.take_step(session, RecognitionId(id_), asked, principal=by, seen=seen)


class PathwayLife(SteppedLife):
    """Computed, and computed anew in the place of one before, by the firm alone."""

    noun = "pathway"
    begins = ("draft", "pathway.computed")
    edges: ClassVar[Mapping[str, Edge]] = {
        "adopt": Edge(("draft",), "adopted", ("owner",), "pathway.adopted"),
        "start": Edge(("adopted",), "in_progress", ("owner",), "pathway.started"),
        "complete": Edge(("in_progress",), "completed", ("owner",), "pathway.completed"),
        "supersede": Edge(
            ("draft", "adopted", "in_progress"), "superseded", ("owner",), "pathway.superseded"
        ),
    }

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        _ = code
        asked = msgspec.convert({"target": 1, "previous_id": before}, PathwayRequest)
        owner = self.who["owner"]
        made = await pathways.create(session, WAYFINDER, asked, index=pool(), principal=owner)
        return made.id

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        await pathways.take_step(session, PathwayId(id_), asked, principal=by, seen=seen)

    def is_overseen(self, now: Modelled) -> bool:
        _ = now
        return False

    def has_replaced(self, before: UUID | None) -> None:
        if before is not None and self.model[before].state not in {"completed", "superseded"}:
            self.model[before].move("superseded", "pathway.superseded")


class LifeInACity(SteppedLife):
    """Of something that an agency enters for the city of its jurisdiction."""

    owner = R.AGENCY

    @classmethod
    def settle(cls) -> None:
        said = text(
            "update mm.organisation set roles = array['agency'],"
            ' jurisdiction = \'{"regions": ["330200"], "clusters": []}\' where id = :id'
        )
        cls.run(lambda session: session.execute(said, {"id": cls.people[0]}))


class GuideLife(LifeInACity):
    """Entered by an agency for its city, one edition of a code at a time."""

    noun = "guide"
    begins = ("draft", "guide.drafted")
    edges: ClassVar[Mapping[str, Edge]] = {
        "publish": Edge(("draft",), "published", ("owner",), "guide.published"),
        "supersede": Edge(
            ("draft", "published"), "superseded", ("owner", "operator"), "guide.superseded"
        ),
    }

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        _ = before
        whose = {"issuer": {"zh": "某局"}, "source": {"zh": "网站"}, "region": "330200"}
        said = {"code": f"{self.name}-{code}", "edition": "1", "scenes": ["quality"], **whose}
        terms = msgspec.convert(said, GuideTerms)
        return (await guides.create(session, checker(), terms, self.who["owner"])).id

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        await guides.take_step(session, GENERAL, GuideId(id_), asked, principal=by, seen=seen)

    def is_hidden(self, now: Modelled, by: str) -> bool:
        return by == "other" and now.state == "draft"

    def replaced(self, now: Modelled, name: str) -> list[Modelled]:
        return [
            each
            for each in self.model.values()
            if name == "publish" and each.code == now.code and each.state == "published"
        ]


class ProgrammeLife(LifeInACity):
    """Entered by an agency for its city; a draft that is dropped was never published."""

    noun = "programme"
    begins = ("draft", "programme.drafted")
    edges: ClassVar[Mapping[str, Edge]] = {
        "publish": Edge(("draft",), "published", ("owner",), "programme.published"),
        "archive": Edge(
            ("draft", "published"), "archived", ("owner", "operator"), "programme.archived"
        ),
    }

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        _ = before
        whose = {"issuers": [{"zh": "某局"}], "source": {"zh": "网站"}, "regions": ["330200"]}
        said = {"name": {"en": f"{self.name}-{code}"}, "level": "prefecture", **whose}
        terms = msgspec.convert(said, ProgrammeTerms)
        made = await programmes.create(session, checker(), terms, self.who["owner"])
        return made.programme.id

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        await programmes.take_step(session, ProgrammeId(id_), asked, principal=by, seen=seen)

    def is_hidden(self, now: Modelled, by: str) -> bool:
        return by == "other" and "programme.published" not in now.told


class ParticipationLife(SteppedLife):
    """In a programme that is published for it, once each; over with the programme."""

    noun = "participation"
    begins = ("joined", "participation.joined")
    edges: ClassVar[Mapping[str, Edge]] = {
        "leave": Edge(("joined",), "left", ("owner",), "participation.left"),
        "end": Edge(("joined",), "ended", (), "participation.ended"),
    }

    @classmethod
    def settle(cls) -> None:
        said = text("update mm.organisation set roles = array['operator'] where id = :id")
        cls.run(lambda session: session.execute(said, {"id": cls.people[2]}))

    async def make(self, session: Session, code: str, before: UUID | None) -> UUID:
        _ = code, before
        whose: dict[str, Any] = {"issuers": [{"zh": "某部"}], "source": {"zh": "网站"}}
        said = {"name": {"en": self.name}, "level": "nation", **whose}
        operator = principal(self.people[2], R.OPERATOR)
        terms = msgspec.convert(said, ProgrammeTerms)
        made = await programmes.create(session, checker(), terms, operator)
        id_, publish = made.programme.id, TransitionRequest(transition="publish")
        await programmes.take_step(session, id_, publish, principal=operator)
        today = dt.date(2026, 1, 1)
        return (await programmes.join(session, id_, self.who["owner"], today=today)).id

    async def take(
        self, session: Session, id_: UUID, asked: TransitionRequest, by: Principal, seen: int | None
    ) -> None:
        await participations.take_step(
            session, ParticipationId(id_), asked, principal=by, seen=seen
        )


ALL = ("done", "illegal_transition", "not_your_transition", "stale_version")
LIFE_OF = {
    life.noun: life
    for life in (RecognitionLife, PathwayLife, GuideLife, ProgrammeLife, ParticipationLife)
}


@pytest.mark.parametrize("noun", LIFE_OF)
def test_it_lives_as_the_model_says(run: Transactions, noun: str) -> None:
    met = live(LIFE_OF[noun], run, lives=LIVES)
    # Every step of a pathway is its firm's, and nobody else sees one.
    own = [slug for slug in ALL if noun != "pathway" or slug != "not_your_transition"]
    assert met.keys() == {*own, f"{noun}_not_found"}


@pytest.mark.parametrize(
    ("noun", "queries", "find"),
    [
        ("recognition", recognition_queries, "find_recognition"),
        ("pathway", pathway_queries, "find_pathway"),
        ("guide", guide_queries, "find_guide"),
        ("programme", programme_queries, "find_programme"),
        ("participation", participation_queries, "find_participation"),
    ],
)
def test_control_one_that_strangers_move_is_noticed(
    run: Transactions,
    monkeypatch: pytest.MonkeyPatch,
    noun: str,
    queries: ModuleType,
    find: str,
) -> None:
    """Whoever asks is taken for the owner of what is found."""
    service: Any = {
        "recognition": recognitions,
        "pathway": pathways,
        "guide": guides,
        "programme": programmes,
        "participation": participations,
    }[noun]
    found_by = getattr(queries, find)

    async def anybodys(session: Session, *asked: Any) -> Any:  # noqa: ANN401
        id_ = next(each for each in asked if isinstance(each, UUID))
        if noun in {"guide", "programme"}:
            found = await found_by(session, id_, Reader(sees_all=True))
            return service._stored(found) if noun == "guide" else found
        return await found_by(session, id_)

    monkeypatch.setattr(service, "find", anybodys)
    with pytest.raises(AssertionError):
        live_once(LIFE_OF[noun], run)
