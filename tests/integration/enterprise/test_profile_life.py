"""The life of a profile against a model: a list of what was stated, in plain dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import hypothesis
import msgspec
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from tests.identities import holder
from tests.profiles import AMOUNTS, FACTS, GOALS, SCENES, VALUES, checker

from matchmaker.core import db, events
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.errors import MatchmakerError
from matchmaker.core.events import CLI
from matchmaker.core.patching import merged
from matchmaker.core.postgres import Server
from matchmaker.core.settings import Settings
from matchmaker.enterprise import service
from matchmaker.enterprise.declaration import ProfileFacts, ProfilePatch
from matchmaker.identity.models import OrganisationId

T = TypeVar("T")
Facts = dict[str, Any]
WHOLE = {"must"}
"""What a merge patch replaces instead of merging into it."""

PARTS = st.fixed_dictionaries(
    {},
    optional={"amount": st.none() | st.integers(0, 9), "currency": st.sampled_from(["CNY", None])},
)
PATCHED: dict[str, st.SearchStrategy[Any]] = {
    **VALUES,
    **dict.fromkeys(
        ("revenue", "assets", "yearly_budget"), PARTS | AMOUNTS.map(msgspec.to_builtins)
    ),
    "goals": st.dictionaries(st.sampled_from(GOALS), st.sampled_from([None, 0.4, 1.0])),
    "scenes": st.dictionaries(st.sampled_from(SCENES), st.none() | st.integers(0, 4)),
}
PATCHES = st.fixed_dictionaries(
    {}, optional={name: st.none() | values for name, values in PATCHED.items()}
)
"""Merge patches of every fact, some of which leave half an amount."""
BROKEN = FACTS.map(lambda facts: msgspec.structs.replace(facts, systems=["alchemy"]))


def known(facts: ProfileFacts) -> Facts:
    return {name: value for name, value in msgspec.to_builtins(facts).items() if value is not None}


def patched(facts: Facts, patch: Facts) -> Facts:
    """RFC 7386, written once more."""
    found = dict(facts)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and name not in WHOLE:
            found[name] = patched(found.get(name, {}), value)
        else:
            found[name] = value
    return found


def is_whole(facts: Facts) -> bool:
    """Whether every amount has both of its parts."""
    amounts = (facts.get(name) for name in ("revenue", "assets", "yearly_budget"))
    return all(each is None or each.keys() == {"amount", "currency"} for each in amounts)


class Life(RuleBasedStateMachine):
    """One firm; ``versions`` is all that it should have stated, first to last."""

    run: Callable[[Awaitable[Any]], Any]
    engine: AsyncEngine

    @initialize()
    def begin(self) -> None:
        self.versions: list[Facts] = []
        self.firm: OrganisationId = self.run(holder(self.engine)).organisation_id

    def ends(self, work: Callable[[Session], Awaitable[object]]) -> str | None:
        """How ``work`` ends in a transaction of its own: the problem, None where it is done."""

        async def done() -> None:
            async with AsyncSession(self.engine) as made, made.begin():
                await work(Session(ReadSession(made)))

        try:
            self.run(done())
        except MatchmakerError as problem:
            return problem.slug
        return None

    def put(self, facts: ProfileFacts, expected: int | None) -> str | None:
        return self.ends(
            lambda session: service.state_profile(
                session, checker(), self.firm, facts, expected=expected, by=CLI
            )
        )

    def patch(self, patch: Facts, expected: int) -> str | None:
        change = msgspec.convert(patch, ProfilePatch)
        return self.ends(
            lambda session: service.patch_profile(
                session, checker(), self.firm, change, expected=expected, by=CLI
            )
        )

    def keep(self, facts: Facts) -> None:
        """Let the model state ``facts``: what it says already is no new version."""
        if not self.versions or self.versions[-1] != facts:
            self.versions.append(facts)

    @property
    def number(self) -> int | None:
        return len(self.versions) or None

    @rule(facts=FACTS)
    def state(self, facts: ProfileFacts) -> None:
        assert self.put(facts, self.number) is None
        self.keep(known(facts))

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def state_again(self, data: st.DataObject) -> None:
        facts = data.draw(st.sampled_from(self.versions))
        assert self.put(msgspec.convert(facts, ProfileFacts), self.number) is None
        self.keep(facts)

    @precondition(lambda self: self.versions)
    @rule(patch=PATCHES)
    def change(self, patch: Facts) -> None:
        after = patched(self.versions[-1], patch)
        ended = self.patch(patch, len(self.versions))
        if is_whole(after):
            assert ended is None
            self.keep(after)
        else:
            assert ended == "invalid_content"

    @rule(facts=BROKEN)
    def state_what_there_is_not(self, facts: ProfileFacts) -> None:
        assert self.put(facts, self.number) == "unusable_input"

    @rule(facts=FACTS, other=st.integers(1, 40))
    def state_on_another_version(self, facts: ProfileFacts, other: int) -> None:
        if other != self.number:
            assert self.put(facts, other) == "stale_version"

    @precondition(lambda self: self.versions)
    @rule(facts=FACTS)
    def state_without_a_version(self, facts: ProfileFacts) -> None:
        assert self.put(facts, None) == "version_required"

    @rule(patch=PATCHES, other=st.integers(1, 40))
    def change_another_version(self, patch: Facts, other: int) -> None:
        if other != self.number:
            expected = "stale_version" if self.versions else "profile_not_found"
            assert self.patch(patch, other) == expected

    @invariant()
    def the_current_version_is_the_last_one_stated(self) -> None:
        if self.versions:
            self.run(self._check_current())
        else:
            work = lambda session: service.get_facts(session, self.firm)  # noqa: E731
            assert self.ends(work) == "profile_not_found"

    async def _check_current(self) -> None:
        async with AsyncSession(self.engine) as made:
            found = await service.get_facts(ReadSession(made), self.firm)
        assert (found.number, known(found.facts)) == (len(self.versions), self.versions[-1])

    def teardown(self) -> None:
        if self.versions:
            self.run(self._check_all())

    async def _check_all(self) -> None:
        async with AsyncSession(self.engine) as made:
            session = ReadSession(made)
            found = await service.list_versions(session, self.firm, after=None, limit=100)
            told = await events.after(session, 0, subject_id=self.firm)
            assert [known(version.facts) for version in found] == self.versions
            assert [version.number for version in found] == list(range(1, len(found) + 1))
            assert [one.event.data["version"] for one in told] == [one.number for one in found]
            for number in range(1, len(self.versions)):
                assert await service.changes_between(
                    session, self.firm, since=number, until=number + 1
                )


@pytest.fixture
def life(server: Server, settings: Settings) -> Iterator[type[Life]]:
    """The machine on the migrated database, in an event loop of its own."""
    with asyncio.Runner() as runner:

        async def open_engine() -> AsyncEngine:
            return db.create_engine(server.url("mm_app"), settings)

        engine = runner.run(open_engine())

        async def awaited(work: Awaitable[T]) -> T:
            return await work

        class OnDatabase(Life):
            pass

        OnDatabase.engine = engine
        OnDatabase.run = staticmethod(lambda work: runner.run(awaited(work)))
        yield OnDatabase
        runner.run(engine.dispose())


def test_a_profile_lives_as_the_model_does(life: type[Life], pace: hypothesis.settings) -> None:
    run_state_machine_as_test(life, settings=pace)


def each_is_new(_: object, __: object) -> bool:
    """The fault: every statement makes a version."""
    return False


def null_is_absent(current: ProfileFacts, patch: ProfilePatch) -> ProfileFacts:
    """The fault: a patch that reads null as left out."""
    changes = {name: value for name, value in patch_of(patch).items() if value is not None}
    return merged(current, msgspec.convert(changes, ProfilePatch))


def patch_of(patch: ProfilePatch) -> Facts:
    found: Facts = msgspec.to_builtins(patch)
    return found


@pytest.mark.parametrize(
    ("name", "fault"), [("_says_the_same", each_is_new), ("merged", null_is_absent)]
)
def test_control_a_fault_is_found(
    life: type[Life],
    pace: hypothesis.settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: Callable[..., object],
) -> None:
    monkeypatch.setattr(service, name, fault)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(life, settings=hypothesis.settings(pace, phases=[Phase.generate]))


@pytest.fixture
def pace() -> hypothesis.settings:
    """50 lives of 30 steps, 500 of 50 in a soak."""
    soak = hypothesis.settings().max_examples > 100
    return hypothesis.settings(
        max_examples=500 if soak else 50,
        stateful_step_count=50 if soak else 30,
        deadline=None,
        database=None,
    )
