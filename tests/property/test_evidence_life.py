"""The life of evidence against a model that knows nothing of how it is kept."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, precondition, rule
from sqlalchemy import text
from tests.factories import taxonomy
from tests.objects import offering, organisations
from tests.stateful import Life, Transactions, live, live_once, principal

from matchmaker.catalog.evidence import queries, service
from matchmaker.catalog.evidence.declaration import Claim
from matchmaker.catalog.evidence.models import EvidenceId, EvidenceType
from matchmaker.catalog.evidence.schemas import EvidencePatch
from matchmaker.catalog.models import OfferingId
from matchmaker.core.db import Session
from matchmaker.core.transitions import TransitionRequest
from matchmaker.identity.access import actors_of
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

CHECKER = Checker(taxonomy(), FieldCatalogue(taxonomy()))
CERTIFICATE = min(taxonomy().scheme("certification_kind").entries)
DAY = dt.date(2030, 1, 1)
NOBODY = OrganisationId(UUID(int=0))
R = OrganisationRole

EDITABLE = {"claimed", "refused", "expired"}
STEPS = {
    "submit": (EDITABLE, "in_verification", {"provider"}, "submitted"),
    "withdraw": ({"in_verification"}, "claimed", {"provider"}, "withdrawn"),
    "verify": ({"in_verification"}, "verified", {"agency", "operator"}, "verified"),
    "refuse": ({"in_verification"}, "refused", {"agency", "operator"}, "refused"),
    "revoke": ({"verified"}, "refused", {"agency", "operator"}, "revoked"),
    "expire": ({"claimed", "in_verification", "verified"}, "expired", {"clock"}, "expired"),
}
REASONED = {"refuse", "revoke"}
SUBMITTED = {"submit": "provider"}
PARTS = ["provider", "provider", "agency", "operator", "other"]

days = st.sampled_from([None, None, 1, 2, 4, 6]).map(
    lambda days: days and (DAY + dt.timedelta(days)).isoformat()
)
types = st.sampled_from(["case", "case", "certificate"])
optional = {
    "valid_until": days,
    "metric": st.sampled_from([{"en": "Hours"}, None]),
    "before": st.sampled_from([None, None, 7.5]),
    "certificate": st.sampled_from([None, CERTIFICATE, CERTIFICATE, "magic"]),
}
claims = st.fixed_dictionaries({"claim": st.sampled_from([{"en": "A"}])}, optional=optional)
changes = st.fixed_dictionaries(
    {}, optional={**optional, "claim": st.sampled_from([{"en": "B"}, {"zh": "乙"}])}
)


@dataclass
class Modelled:
    """What a piece of evidence should be."""

    type: str
    is_of_offering: bool
    terms: dict[str, Any]
    state: str = "claimed"
    revision: int = 1
    verified_by: OrganisationId | None = None
    told: list[str] = field(default_factory=lambda: ["evidence.claimed"])

    def is_past(self, today: dt.date) -> bool:
        last = self.terms.get("valid_until")
        return last is not None and last < today.isoformat()


def stated(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def patched(terms: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The terms after a merge patch, by RFC 7386."""
    found = {**copy.deepcopy(terms), **change}
    if "claim" in change:
        found["claim"] = {**terms["claim"], **change["claim"]}
    return stated(found)


def is_unusable(type_: str, terms: dict[str, Any]) -> bool:
    certificate = terms.get("certificate")
    is_misplaced = certificate is not None and type_ != "certificate"
    return is_misplaced or certificate == "magic" or ("before" in terms and "metric" not in terms)


class EvidenceLife(Life):
    """What a provider claims, who looks at it, and the clock."""

    claimed = Bundle("claimed")

    def __init__(self) -> None:
        super().__init__()
        self.today = DAY
        self.model: dict[EvidenceId, Modelled] = {}
        self.is_offered = True
        agency, operator, other, *_ = self.people
        self.who = {
            "agency": principal(agency, R.AGENCY),
            "operator": principal(operator, R.OPERATOR),
            "other": principal(other, R.PROVIDER),
        }

    @initialize(
        target=claimed,
        said=st.fixed_dictionaries({"valid_until": days}),
        steps=st.sampled_from([{}, SUBMITTED, {**SUBMITTED, "verify": "agency"}]),
    )
    def begin(self, said: dict[str, Any], steps: dict[str, str]) -> EvidenceId:
        """A provider with an offering and a case of it that is on its way."""

        async def make(session: Session) -> tuple[UUID, UUID]:
            connection = await session.connection()
            (provider,) = await organisations(connection)
            return provider, await offering(connection, provider)

        provider, offering_id = self.run(make)
        self.offering_id = OfferingId(offering_id)
        # In the part of an agency, too: it would verify what is its own.
        self.who["provider"] = principal(OrganisationId(provider), R.PROVIDER, R.AGENCY)
        made = self.made("case", {"claim": {"en": "A"}, **said}, is_of_offering=True)
        for step, by in steps.items():
            self.take(made, step, by, None)
        return made

    @precondition(lambda self: len(self.model) < 4)
    @rule(target=claimed, type_=types, valid_until=days, is_of_offering=st.booleans())
    def claim(self, type_: str, valid_until: str | None, *, is_of_offering: bool) -> EvidenceId:
        said = {"claim": {"en": "A"}, "valid_until": valid_until}
        if type_ == "certificate":
            said["certificate"] = CERTIFICATE
        return self.made(type_, said, is_of_offering=is_of_offering)

    def made(self, type_: str, said: dict[str, Any], *, is_of_offering: bool) -> EvidenceId:
        found: list[EvidenceId] = []

        async def work(session: Session) -> None:
            made = await service.claim(
                session,
                self.who["provider"],
                type_=EvidenceType(type_),
                offering_id=self.offering_id if is_of_offering else None,
                stated=msgspec.convert(said, Claim),
                checker=CHECKER,
            )
            found.append(made.id)

        assert self.outcome(work) is None
        self.model[found[0]] = Modelled(type_, is_of_offering, stated(said))
        self.agrees(found[0])
        return found[0]

    @rule(by=st.sampled_from(["provider", "provider", "other"]), type_=types, said=claims)
    def claim_what_cannot_be(self, by: str, type_: str, said: dict[str, Any]) -> None:
        if by == "provider" and not is_unusable(type_, stated(said)):
            return
        outcome = self.outcome(
            lambda session: service.claim(
                session,
                self.who[by],
                type_=EvidenceType(type_),
                offering_id=self.offering_id,
                stated=msgspec.convert(said, Claim),
                checker=CHECKER,
            )
        )
        assert outcome == ("offering_not_found" if by == "other" else "unusable_claim")

    @rule(
        id_=claimed,
        by=st.sampled_from([*["provider"] * 6, "agency", "other"]),
        change=changes,
        off=st.sampled_from([0] * 6 + [1]),
    )
    def revise(self, id_: EvidenceId, by: str, change: dict[str, Any], off: int) -> None:
        now = self.model[id_]
        after = patched(now.terms, change)
        checks = (
            (by != "provider", "evidence_not_found"),
            (bool(off), "stale_version"),
            (now.state not in EDITABLE, "evidence_not_editable"),
            (after != now.terms and is_unusable(now.type, after), "unusable_claim"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.revise(
                session,
                self.who[by],
                id_,
                msgspec.convert(change, EvidencePatch),
                revision=now.revision + off,
                checker=CHECKER,
            )
        )
        assert outcome == expected
        if expected is None and after != now.terms:
            now.terms = after
            now.revision += 1
            now.told.append("evidence.revised")
        self.agrees(id_)

    @rule(
        id_=claimed,
        step=st.sampled_from([*STEPS, "verify"]),
        by=st.sampled_from(PARTS),
        note=st.sampled_from([None, " ", "because"]),
        seen=st.sampled_from([None, None, None, 0, 1]),
    )
    def take(
        self, id_: EvidenceId, step: str, by: str, note: str | None, seen: int | None = None
    ) -> None:
        now = self.model[id_]
        sources, target, parts, verb = STEPS[step]
        checks = (
            (not self.sees(now, by), "evidence_not_found"),
            (bool(seen), "stale_version"),
            (by not in parts, "not_your_transition"),
            (now.state not in sources, "illegal_transition"),
            (step in {"submit", "verify"} and now.is_past(self.today), "transition_hindered"),
            (step in REASONED and not (note or "").strip(), "note_required"),
        )
        expected = next((slug for stopped, slug in checks if stopped), None)
        outcome = self.outcome(
            lambda session: service.take_step(
                session,
                self.who[by],
                id_,
                TransitionRequest(transition=step, note=note),
                today=self.today,
                revision=None if seen is None else now.revision + seen,
            )
        )
        assert outcome == expected
        if expected is None:
            now.state = target
            now.revision += 1
            now.told.append(f"evidence.{verb}")
            if target == "verified":
                now.verified_by = self.who[by].organisation_id
        self.agrees(id_)

    @rule(id_=claimed, nth=st.integers(0, 5), note=st.sampled_from(["because", None]))
    def advance(self, id_: EvidenceId, nth: int, note: str | None) -> None:
        """A step out of where it stands by who may take it: by chance few would get far."""
        state = self.model[id_].state
        ways = [
            (name, by)
            for name, (sources, _, parts, _) in STEPS.items()
            for by in sorted(parts - {"clock"})
            if state in sources
        ]
        if ways:
            name, by = ways[nth % len(ways)]
            self.take(id_, name, by, note)

    @rule(id_=claimed, by=st.sampled_from([*PARTS, None]))
    def read(self, id_: EvidenceId, by: str | None) -> None:
        visitor = None if by is None else self.who[by]
        outcome = self.outcome(lambda session: service.find(session, id_, visitor))
        assert outcome == (None if self.sees(self.model[id_], by) else "evidence_not_found")

    def sees(self, now: Modelled, by: str | None) -> bool:
        if by in {"provider", "agency", "operator"}:
            return True
        return now.state == "verified" and (self.is_offered or not now.is_of_offering)

    @rule()
    def pause_or_resume(self) -> None:
        """The offering is taken back or shown again, and what was verified of it goes along."""
        self.is_offered = not self.is_offered
        state = "published" if self.is_offered else "paused"

        async def work(session: Session) -> None:
            await session.execute(
                text("update mm.offering set state = :state where id = :id"),
                {"state": state, "id": self.offering_id},
            )

        self.run(work)

    @rule(days=st.integers(1, 3))
    def time_passes(self, days: int) -> None:
        self.today += dt.timedelta(days)
        due = [
            (id_, now)
            for id_, now in self.model.items()
            if now.state in STEPS["expire"][0] and now.is_past(self.today)
        ]
        assert self.run(lambda session: service.expire_due(session, self.today)) == len(due)
        for id_, now in due:
            now.state = "expired"
            now.revision += 1
            now.told.append("evidence.expired")
            self.met["expired"] += 1
            self.agrees(id_)

    def agrees(self, id_: EvidenceId) -> None:
        now = self.model[id_]
        (row,) = self.run.rows(
            "select type, offering_id is not null, state, revision, verified_by,"
            " claim, metric, before, certificate, valid_until from mm.evidence where id = $1",
            id_,
        )
        *stands, claim, metric, before, certificate, last = row
        assert stands == [now.type, now.is_of_offering, now.state, now.revision, now.verified_by]
        valid_until = last and last.isoformat()
        said = {"metric": metric, "before": before, "certificate": certificate}
        assert stated({"claim": claim, **said, "valid_until": valid_until}) == now.terms

    def teardown(self) -> None:
        if not self.model:
            return
        found = self.run(
            lambda session: queries.verified_of(
                session,
                self.offering_id,
                self.who["provider"].organisation_id,
                today=self.today,
            )
        )
        # The clock looks at every claim there is: the next life starts without these.
        self.run(self.forget)
        holding = [
            now
            for now in self.model.values()
            if now.state == "verified" and not now.is_past(self.today)
        ]
        cases = [now for now in self.model.values() if now.type == "case" and now.is_of_offering]
        assert found.cases_stated == len(cases)
        assert found.cases == sum(now in holding for now in cases)
        certificates = {now.terms.get("certificate") for now in holding if now.type != "case"}
        assert found.certificates == certificates - {None}
        for id_, now in self.model.items():
            assert self.told(id_) == now.told

    async def forget(self, session: Session) -> None:
        await session.execute(
            text("update mm.evidence set valid_until = null where id = any(:ids)"),
            {"ids": list(self.model)},
        )


OUTCOMES = {
    "done",
    "evidence_not_editable",
    "evidence_not_found",
    "expired",
    "illegal_transition",
    "not_your_transition",
    "note_required",
    "offering_not_found",
    "stale_version",
    "transition_hindered",
    "unusable_claim",
}
"""Everything that may come of what the machine does."""


def test_evidence_lives_as_the_model_says(run: Transactions) -> None:
    assert live(EvidenceLife, run).keys() == OUTCOMES


def test_control_one_who_verifies_its_own_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall of four eyes removed: whoever is an agency acts as one on its own claims, too."""
    monkeypatch.setattr(
        service,
        "actors_of",
        lambda by, _: actors_of(by, NOBODY) | actors_of(by, by.organisation_id),
    )
    with pytest.raises(AssertionError):
        live_once(EvidenceLife, run)


def test_control_a_claim_that_never_expires_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object, **__: object) -> list[object]:
        return []

    monkeypatch.setattr(queries, "expire", nothing)
    with pytest.raises(AssertionError):
        live_once(EvidenceLife, run)
