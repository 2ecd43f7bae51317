"""Stored matches of the demo's needs, and what firms say of them by a truth of ours."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.factories import SEEDS
from tests.identities import holder

from matchmaker.cli.session import Database
from matchmaker.identity.access import Principal, scopes_of
from matchmaker.identity.models import OrganisationRole, OrganisationState
from matchmaker.matching import runs, schemas
from matchmaker.matching.feedback import schemas as said
from matchmaker.matching.feedback import service as feedback
from matchmaker.matching.feedback.models import Action
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.models import RunId
from matchmaker.matching.query import Caller
from matchmaker.matching.run import MatchRun

Json = dict[str, Any]
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
WANTED = {"industry": 3.0, "weeks": 3.0}
"""What firms of these tests really go by: other things than the card, in the same directions."""


@cache
def lines(name: str) -> tuple[Json, ...]:
    """The lines of a file of the demo."""
    text = Path(SEEDS / "demo" / name).read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())


def request(number: int, *, limit: int = 10) -> schemas.MatchInput:
    """The need of this number: one of the demo's for solutions, its budget drawn anew each turn."""
    needs = [each for each in lines("needs.jsonl") if each["need"]["kind"] == "solution"]
    line, turn = needs[number % len(needs)], number // len(needs)
    profiles = {each["external_id"]: each["profile"] for each in lines("smes.jsonl")}
    need = {**line["need"], "must": None, "text": f"{line['need']['text']} {turn}"}
    if need.get("budget"):
        amount = need["budget"]["amount"] * (2 + turn % 5) // 2
        need["budget"] = {**need["budget"], "amount": amount}
    asked = {"profile": profiles[line["profile"]], "need": need, "limit": limit}
    return msgspec.convert(asked, schemas.MatchInput)


@dataclass
class Market:
    """A database with the demo pool, and who matches there."""

    running: Database
    engine: AsyncEngine
    matcher: Matcher
    shown: dict[UUID, MatchRun] = field(default_factory=dict)

    async def firm(self, state: OrganisationState = OrganisationState.VERIFIED) -> Principal:
        """A new firm."""
        made = await holder(self.engine, OrganisationRole.SME, state=state)
        roles = frozenset({OrganisationRole.SME})
        return Principal(
            organisation_id=made.organisation_id,
            roles=roles,
            state=state,
            key_id=made.key_id,
            scopes=scopes_of(roles),
        )

    async def match(
        self, firm: Principal, number: int, *, days: float = 0, limit: int = 10
    ) -> tuple[RunId, MatchRun]:
        """A stored match of the firm, so many days after the start."""
        asked = request(number, limit=limit)
        caller = Caller(str(firm.organisation_id))
        run, found = self.matcher.run(asked, caller, as_of=START + dt.timedelta(days=days))
        answers = self.matcher.told(run, found)
        async with self.running.transaction() as session:
            run_id = await runs.store(
                session, runs.Asked(asked), run, answers=answers, principal=firm
            )
        self.shown[run_id] = run
        return run_id, run

    async def say(self, firm: Principal, run_id: RunId, place: int, action: Action) -> None:
        """What the firm says of what the run showed at ``place``, from 0."""
        run = self.shown[run_id]
        offering = run.published.index.offering_ids[run.answer.items[place].offering]
        draft = said.FeedbackDraft(run_id=run_id, offering_id=UUID(offering), action=action)
        async with self.running.transaction() as session:
            await feedback.say(session, draft, firm)

    async def live(self, needs: int, *, first: int = 0, of: Mapping[str, float] = WANTED) -> None:
        """So many needs, a day apart and of a firm each: matched, and dealt with by the truth."""
        for number in range(first, first + needs):
            firm = await self.firm()
            run_id, run = await self.match(firm, number, days=number / 10)
            order = sorted(
                range(len(run.answer.items)),
                key=lambda place: -worth(run.answer.items[place].steps, of),
            )
            for place, action in zip(order, (Action.CONTRACTED, Action.CONTACTED), strict=False):
                await self.say(firm, run_id, place, action)


def worth(steps: Mapping[str, int], of: Mapping[str, float] = WANTED) -> float:
    """How good an offering with these steps really is."""
    return sum(weight * steps.get(name, 512) for name, weight in of.items())
