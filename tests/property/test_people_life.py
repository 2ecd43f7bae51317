"""The life of an organisation's keys, members and consents against a model of plain days."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    initialize,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import text, true
from tests.objects import organisations
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.core.clock import utc_now
from matchmaker.core.db import Session
from matchmaker.core.machine import Actor
from matchmaker.identity import queries, schemas
from matchmaker.identity.access import Principal, Scope, scopes_of
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.issuing import service as issuing
from matchmaker.identity.keys import Token
from matchmaker.identity.models import (
    ApiKeyId,
    ConsentId,
    ConsentPurpose,
    MemberId,
    OrganisationId,
    OrganisationRole,
)
from matchmaker.identity.people import service as people
from matchmaker.identity.principals import caller

R = OrganisationRole
WHOLE: Final = scopes_of({R.SME})
LITTLE: Final = frozenset({Scope.KEYS_MANAGE, Scope.MATCH_RUN})
"""What the firm's other key is good for."""
OWN: Final = {"self", "little"}
LASTS: Final = 2.25
"""Days until that other key ends: no key that is made with it outlives it."""
PASSED: Final = -1

parts = st.sampled_from(["self", "self", "self", "little", "operator", "stranger"])
makers = st.sampled_from(["self", "self", "little", "little", "little", "operator", "stranger"])
lasting = st.sampled_from([None, None, 1, 3, 6, PASSED])
"""Days, and half a day, until a key expires; it may have expired already."""
wanted = st.sampled_from([None, None, ["match:run"], ["match:run", "needs:read"], ["pools:write"]])
offs = st.sampled_from([0, 0, 1])
emails = st.sampled_from(["a@x.cn", "A@x.cn", "b@x.cn", "c@x.cn"])
roles = st.sampled_from(["owner", "viewer"])
changes = st.fixed_dictionaries({}, optional={"name": st.sampled_from(["A", "B"]), "role": roles})
purposes = st.sampled_from([purpose.value for purpose in ConsentPurpose])


@dataclass
class Key:
    """What a key should be; days are counted from the beginning of the life."""

    name: str
    scopes: frozenset[Scope]
    ends: float | None
    token: Token
    replaced_by: ApiKeyId | None = None
    is_revoked: bool = False
    told: list[str] = field(default_factory=list)

    def is_live(self, today: int) -> bool:
        return not self.is_revoked and (self.ends is None or self.ends > today)


@dataclass
class Person:
    """What a member should be; None once it is forgotten."""

    said: tuple[str, str, str] | None
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["member.added"])


@dataclass
class Agreed:
    """What a consent should be."""

    purpose: str
    is_withdrawn: bool = False
    told: list[str] = field(default_factory=lambda: ["consent.granted"])


class PeopleLife(Life):
    """A firm with a key for everything and one for little, an operator, a stranger, the clock."""

    keys = Bundle("keys")
    members = Bundle("members")
    consents = Bundle("consents")

    def __init__(self) -> None:
        super().__init__()
        self.today = 0
        self.issued: dict[ApiKeyId, Key] = {}
        self.known: dict[MemberId, Person] = {}
        self.agreed: dict[ConsentId, Agreed] = {}
        self.ends = {"little": LASTS}

    @initialize(target=keys, days=st.sampled_from([0, 0, 3, 3]))
    def begin(self, days: int) -> ApiKeyId:
        """A key, some days later: by chance few lives would last so long."""
        operator, stranger, *_ = self.people

        async def make(session: Session) -> None:
            (id_,) = await organisations(await session.connection())
            self.firm = OrganisationId(id_)
            self.who = {
                "self": await acting(session, self.firm, R.SME, WHOLE),
                "little": await acting(session, self.firm, R.SME, LITTLE, lasts=LASTS),
                "operator": await acting(session, operator, R.OPERATOR, frozenset(Scope)),
                "stranger": await acting(session, stranger, R.SME, WHOLE),
            }

        self.run(make)
        (made,) = self.issue("self", None, None)
        self.time_passes(days)
        return made

    @rule(target=keys, by=makers, scopes=wanted, lasts=lasting)
    def issue_key(
        self, by: str, scopes: list[str] | None, lasts: int | None
    ) -> MultipleResults[ApiKeyId]:
        return multiple(*self.issue(by, scopes, lasts))

    def issue(self, by: str, scopes: list[str] | None, lasts: int | None) -> list[ApiKeyId]:
        """The new key; none where it is refused."""
        allowed = WHOLE & self.who[by].scopes
        good_for = allowed if scopes is None else frozenset(map(Scope, scopes))
        checks = (
            (by == "stranger", "organisation_not_found"),
            (not good_for <= allowed, "scopes_exceeded"),
            *self.untimely(by, lasts),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        name = f"key {len(self.issued)}"
        said = {"name": name, "scopes": scopes, "expires_at": moment(lasts)}

        async def work(session: Session) -> None:
            caller_ = self.who[by]
            holder = await issuing.holder_of_keys(session, self.firm, by=caller_)
            request = msgspec.convert(said, schemas.KeyRequest)
            made, token = await issuing.create(session, holder, request, by=caller_)
            made_of.append((made.id, token))

        made_of: list[tuple[ApiKeyId, Token]] = []
        assert self.outcome(work) == expected
        if expected is not None:
            return []
        ((id_, token),) = made_of
        ends = self.until(by, lasts)
        self.issued[id_] = Key(name, good_for, ends, token, told=["api_key.created"])
        self.agrees(id_)
        return [id_]

    @rule(target=keys, id_=keys, by=makers, overlap=st.integers(0, 3), lasts=lasting)
    def rotate(
        self, id_: ApiKeyId, by: str, overlap: int, lasts: int | None
    ) -> MultipleResults[ApiKeyId]:
        now = self.issued[id_]
        is_underway = any(
            key.replaced_by == id_ and key.is_live(self.today) for key in self.issued.values()
        )
        checks = (
            (by == "stranger", "key_not_found"),
            (not now.scopes <= self.who[by].scopes, "scopes_exceeded"),
            (is_underway, "rotation_underway"),
            *self.untimely(by, lasts),
            (not now.is_live(self.today) or now.replaced_by is not None, "key_not_in_force"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        request = schemas.RotationRequest(overlap_days=overlap, expires_at=moment(lasts))

        async def work(session: Session) -> None:
            made, token = await issuing.rotate(session, id_, request, by=self.who[by])
            made_of.append((made.id, token))

        made_of: list[tuple[ApiKeyId, Token]] = []
        assert self.outcome(work) == expected
        if expected is not None:
            self.agrees(id_)
            return multiple()
        ((next_id, token),) = made_of
        self.issued[next_id] = Key(now.name, now.scopes, self.until(by, lasts), token)
        now.replaced_by = next_id
        now.ends = min(self.today + overlap, now.ends if now.ends is not None else math.inf)
        now.told.append("api_key.rotated")
        self.agrees(id_)
        self.agrees(next_id)
        return multiple(next_id)

    @rule(id_=keys, by=parts)
    def revoke(self, id_: ApiKeyId, by: str) -> None:
        now = self.issued[id_]
        expected = "key_not_found" if by == "stranger" else None
        outcome = self.outcome(lambda session: issuing.revoke(session, id_, by=self.who[by]))
        assert outcome == expected
        # A second time is no second end.
        if expected is None and not now.is_revoked:
            now.is_revoked = True
            now.told.append("api_key.revoked")
        self.agrees(id_)

    @rule(id_=keys)
    def use(self, id_: ApiKeyId) -> None:
        """Whoever calls with the key is known by it, as long as it lives."""
        now = self.issued[id_]
        found = self.run(lambda s: issued.live_credential(s, now.token.public_id))
        assert (found is not None) is now.is_live(self.today)
        if found is not None:
            assert found.secret_hash == now.token.digest
            assert caller(found).organisation_id == self.firm
            assert caller(found).scopes == now.scopes

    @precondition(lambda self: len(self.known) < 4)
    @rule(target=members, by=parts, email=emails, role=roles)
    def add_member(self, by: str, email: str, role: str) -> MultipleResults[MemberId]:
        addresses = {person.said[1] for person in self.known.values() if person.said}
        checks = (
            (by not in OWN, "organisation_not_found"),
            (by == "little", "scopes_exceeded"),
            (email.lower() in addresses, "already_exists"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        draft = msgspec.convert({"name": "A", "email": email, "role": role}, schemas.MemberDraft)
        made: list[MemberId] = []

        async def work(session: Session) -> None:
            added = await people.add_member(session, self.firm, draft, by=self.who[by])
            made.append(added.id)

        assert self.outcome(work) == expected
        if expected is not None:
            return multiple()
        self.known[made[0]] = Person(("A", email.lower(), role))
        self.agrees_on_members()
        return multiple(made[0])

    @rule(id_=members, by=parts, change=changes, off=offs)
    def revise_member(self, id_: MemberId, by: str, change: dict[str, str], off: int) -> None:
        now = self.known[id_]
        expected = self.refusal(now, by, off)
        if expected is None and by == "little" and now.said is not None:
            name, _, role = now.said
            is_same = (change.get("name", name), change.get("role", role)) == (name, role)
            expected = None if is_same else "scopes_exceeded"
        patch = msgspec.convert(change, schemas.MemberPatch)
        outcome = self.outcome(
            lambda session: people.revise_member(
                session, id_, patch, revision=now.revision + off, by=self.who[by]
            )
        )
        assert outcome == expected
        if expected is None and now.said is not None:
            name, email, role = now.said
            after = (change.get("name", name), email, change.get("role", role))
            if after != now.said:
                now.said = after
                now.revision += 1
                now.told.append("member.revised")
        self.agrees_on_members()

    @rule(id_=members, by=parts, off=offs)
    def remove_member(self, id_: MemberId, by: str, off: int) -> None:
        now = self.known[id_]
        expected = self.refusal(now, by, off)
        if by == "little" and expected != "member_not_found":
            expected = "scopes_exceeded"
        outcome = self.outcome(
            lambda session: people.remove_member(
                session, id_, revision=now.revision + off, by=self.who[by]
            )
        )
        assert outcome == expected
        if expected is None:
            now.said = None
            now.told.append("member.removed")
        self.agrees_on_members()

    def refusal(self, now: Person, by: str, off: int) -> str | None:
        """The slug of what must stop a change of the member."""
        if by not in OWN or now.said is None:
            return "member_not_found"
        return "stale_version" if off else None

    @rule(target=consents, by=parts, purpose=purposes)
    def grant(self, by: str, purpose: str) -> MultipleResults[ConsentId]:
        checks = (
            (by not in OWN, "organisation_not_found"),
            (purpose in self.allowed, "already_exists"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        made: list[ConsentId] = []

        async def work(session: Session) -> None:
            asked = ConsentPurpose(purpose)
            given = await people.grant_consent(session, self.firm, asked, by=self.who[by])
            made.append(given.id)

        assert self.outcome(work) == expected
        if expected is not None:
            return multiple()
        self.agreed[made[0]] = Agreed(purpose)
        self.agrees_on_consents()
        return multiple(made[0])

    @rule(id_=consents, by=parts)
    def withdraw(self, id_: ConsentId, by: str) -> None:
        now = self.agreed[id_]
        checks = (
            (by not in OWN, "consent_not_found"),
            (now.is_withdrawn, "consent_withdrawn"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: people.withdraw_consent(session, id_, by=self.who[by])
        )
        assert outcome == expected
        if expected is None:
            now.is_withdrawn = True
            now.told.append("consent.withdrawn")
        self.agrees_on_consents()

    @property
    def allowed(self) -> set[str]:
        return {one.purpose for one in self.agreed.values() if not one.is_withdrawn}

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        """The clock of keys is the database's: they grow older instead."""
        self.today += days

        async def work(session: Session) -> None:
            await session.execute(
                text(
                    "update mm.api_key set expires_at = expires_at - make_interval(days => :days)"
                    " where id = any(:ids)"
                ),
                {"days": days, "ids": [*self.issued, self.who["little"].key_id]},
            )

        self.run(work)

    def until(self, by: str, lasts: int | None) -> float | None:
        """When a new key ends: when it is wanted to, or with the key it is made with."""
        return self.ends.get(by) if lasts is None else self.today + lasts + 0.5

    def untimely(self, by: str, lasts: int | None) -> list[tuple[bool, str]]:
        """What may be wrong with the end of a new key, in its order."""
        last = self.ends.get(by, math.inf)
        return [
            (lasts == PASSED, "invalid_content"),
            (last <= self.today, "unauthenticated"),
            ((self.until(by, lasts) or 0) > last, "expiry_exceeded"),
        ]

    def agrees(self, id_: ApiKeyId) -> None:
        now = self.issued[id_]
        ((*said, scopes, left),) = self.run.rows(
            "select name, replaced_by, revoked_at is not null, scopes,"
            " extract(epoch from expires_at - now())::float / 86400"
            " from mm.api_key where id = $1",
            id_,
        )
        assert said == [now.name, now.replaced_by, now.is_revoked]
        assert frozenset(map(Scope, scopes)) == now.scopes
        expected = None if now.ends is None else pytest.approx(now.ends - self.today, abs=0.1)
        assert left == expected

    def agrees_on_members(self) -> None:
        stored = self.run.rows(
            "select id, revision, name, email, role from mm.member where organisation_id = $1",
            self.firm,
        )
        assert set(stored) == {
            (id_, now.revision, *now.said) for id_, now in self.known.items() if now.said
        }

    def agrees_on_consents(self) -> None:
        stored = self.run.rows(
            "select id, purpose, withdrawn_at is not null from mm.consent"
            " where organisation_id = $1",
            self.firm,
        )
        assert set(stored) == {
            (id_, now.purpose, now.is_withdrawn) for id_, now in self.agreed.items()
        }

    def teardown(self) -> None:
        if not hasattr(self, "firm"):
            return
        self.run(self.check_read)
        told: dict[UUID, list[str]] = {}
        for things in (self.issued, self.known, self.agreed):
            told |= {id_: now.told for id_, now in things.items()}
        assert {id_: self.told(id_) for id_ in told} == told

    async def check_read(self, session: Session) -> None:
        """What is read of the firm and of what it allows."""
        for id_, key in self.issued.items():
            found = await issued.live_key(session, id_)
            assert (found is not None) is key.is_live(self.today)
        listed = await queries.list_members(session, self.firm, after=None, limit=100)
        there = [id_ for id_, now in self.known.items() if now.said]
        assert [member.id for member in listed] == there
        for purpose in ConsentPurpose:
            allowing = await people.consenting(session, [self.firm], purpose)
            assert (self.firm in allowing) is (purpose.value in self.allowed)


async def acting(
    session: Session,
    owner: OrganisationId,
    role: OrganisationRole,
    scopes: frozenset[Scope],
    *,
    lasts: float | None = None,
) -> Principal:
    """The organisation in the role, by a new key."""
    holder = await queries.organisation(session, owner)
    assert holder is not None
    until = None if lasts is None else utc_now() + dt.timedelta(lasts)
    # All that the row's own role allows: what is made with it is good for no more.
    good_for = tuple(sorted(scopes & WHOLE))
    request = schemas.KeyRequest(name="acting", scopes=good_for, expires_at=until)
    key, _ = await issuing.create(session, holder, request, by=None)
    return replace(principal(owner, role), key_id=key.id, scopes=scopes)


def moment(lasts: int | None) -> dt.datetime | None:
    return None if lasts is None else utc_now() + dt.timedelta(lasts + 0.5)


OUTCOMES = {
    "already_exists",
    "consent_not_found",
    "consent_withdrawn",
    "done",
    "expiry_exceeded",
    "invalid_content",
    "key_not_found",
    "key_not_in_force",
    "member_not_found",
    "organisation_not_found",
    "rotation_underway",
    "scopes_exceeded",
    "stale_version",
    "unauthenticated",
}
"""Everything that may come of what the machine does."""


def test_people_and_keys_live_as_the_model_says(run: Transactions) -> None:
    assert live(PeopleLife, run).keys() == OUTCOMES


async def _stays(*_: object, **__: object) -> bool:
    return True


until = issuing._until


async def _outlives(
    session: Session, wanted: dt.datetime | None, _: Principal | None
) -> dt.datetime | None:
    return await until(session, wanted, None)


@pytest.mark.parametrize(
    ("where", "name", "broken"),
    [
        (issued, "_live", lambda: (true(),)),
        (queries, "withdraw_consent", _stays),
        (issuing, "_refuse_more", lambda *_: None),
        (issuing, "_until", _outlives),
        (people, "actors_of", lambda *_: frozenset({Actor.OWNER})),
    ],
    ids=[
        "a key never ends",
        "a consent stays",
        "scopes are given away",
        "a key outlives its maker",
        "anybody is at home",
    ],
)
def test_control_a_broken_life_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch, where: object, name: str, broken: object
) -> None:
    monkeypatch.setattr(where, name, broken)
    with pytest.raises(AssertionError):
        live_once(PeopleLife, run)
