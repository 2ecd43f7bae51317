"""The life of profiles against a model: a list of what was stated, in plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from tests.objects import organisations
from tests.profiles import AMOUNTS, GOALS, SCENES, VALUES, checker
from tests.stateful import Life, Transactions, live, live_once

from matchmaker.core import events, wire
from matchmaker.core.db import Session
from matchmaker.core.events import CLI
from matchmaker.core.patching import merged
from matchmaker.enterprise import service
from matchmaker.enterprise.declaration import ProfileFacts, ProfilePatch
from matchmaker.identity.models import OrganisationId

Facts = dict[str, Any]
MONEY = ("revenue", "assets", "yearly_budget")
WHOLE = {"must"}
"""What a merge patch replaces instead of merging into it."""

PARTS = st.fixed_dictionaries(
    {},
    optional={"amount": st.none() | st.integers(0, 9), "currency": st.sampled_from(["CNY", None])},
)
PATCHED: dict[str, st.SearchStrategy[Any]] = {
    **VALUES,
    **dict.fromkeys(MONEY, PARTS | AMOUNTS.map(msgspec.to_builtins)),
    "goals": st.dictionaries(st.sampled_from(GOALS), st.sampled_from([None, 0.4, 1.0])),
    "scenes": st.dictionaries(st.sampled_from(SCENES), st.none() | st.integers(0, 4)),
}


def some(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Facts]:
    """A few of the facts at a time: to draw all of them takes longer than to store them."""
    named = [st.tuples(st.just(name), each) for name, each in values.items()]
    return st.lists(st.one_of(named), max_size=5, unique_by=lambda pair: pair[0]).map(dict)


PATCHES = some({name: st.none() | values for name, values in PATCHED.items()})
"""Merge patches of every fact, some of which leave half an amount."""
FACTS = some(VALUES).map(lambda facts: ProfileFacts(**facts))
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
    amounts = (facts.get(name) for name in MONEY)
    return all(each is None or each.keys() == {"amount", "currency"} for each in amounts)


def takes_a_part(patch: Facts) -> bool:
    """Whether it says null of half an amount: no profile is whole after that."""
    return any(None in (patch.get(name) or {}).values() for name in MONEY)


class ProfileLife(Life):
    """One firm; ``versions`` is all that it should have stated, first to last."""

    @initialize()
    def begin(self) -> None:
        self.versions: list[Facts] = []

        async def firm(session: Session) -> list[UUID]:
            return await organisations(await session.connection())

        (self.firm,) = map(OrganisationId, self.run(firm))

    def put(self, facts: ProfileFacts, expected: int | None) -> str | None:
        return self.outcome(
            lambda session: service.state_profile(
                session, checker(), self.firm, facts, expected=expected, by=CLI
            )
        )

    def patch(self, patch: Facts, expected: int) -> str | None:
        """How the patch ends, read as a request's body is."""

        async def work(session: Session) -> None:
            change: ProfilePatch = wire.decode(msgspec.json.encode(patch), ProfilePatch)
            await service.patch_profile(
                session, checker(), self.firm, change, expected=expected, by=CLI
            )

        return self.outcome(work)

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
        if other == self.number:
            return
        expected = "stale_version" if self.versions else "profile_not_found"
        if takes_a_part(patch):
            expected = "invalid_content"
        assert self.patch(patch, other) == expected

    @invariant()
    def the_current_version_is_the_last_one_stated(self) -> None:
        if not hasattr(self, "firm"):
            return
        stored = self.run.rows(
            "select revision, number, facts"
            " from mm.profile join mm.profile_version on profile_version.id = current_version_id"
            " where profile.organisation_id = $1",
            self.firm,
        )
        number = self.number
        assert stored == ([] if number is None else [(number, number, self.versions[-1])])

    def teardown(self) -> None:
        if not hasattr(self, "firm"):
            return
        if not self.versions:
            work = lambda session: service.get_facts(session, self.firm)  # noqa: E731
            assert self.outcome(work) == "profile_not_found"
            return
        self.run(self.check_all)

    async def check_all(self, session: Session) -> None:
        current = await service.get_facts(session, self.firm)
        assert (current.number, known(current.facts)) == (len(self.versions), self.versions[-1])
        found = await service.list_versions(session, self.firm, after=None, limit=100)
        told = await events.after(session, 0, 1000, subject_id=self.firm)
        assert [known(version.facts) for version in found] == self.versions
        assert [version.number for version in found] == list(range(1, len(found) + 1))
        assert [one.event.data["version"] for one in told] == [one.number for one in found]
        for number in range(1, len(self.versions)):
            assert await service.changes_between(session, self.firm, since=number, until=number + 1)


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


OUTCOMES = {
    "done",
    "invalid_content",
    "profile_not_found",
    "stale_version",
    "unusable_input",
    "version_required",
}
"""Everything that may come of what the machine does."""


def test_profiles_live_as_the_model_says(run: Transactions) -> None:
    assert live(ProfileLife, run).keys() == OUTCOMES


@pytest.mark.parametrize(
    ("name", "fault"), [("_says_the_same", each_is_new), ("merged", null_is_absent)]
)
def test_control_a_fault_is_found(
    run: Transactions, monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., object]
) -> None:
    monkeypatch.setattr(service, name, fault)
    with pytest.raises(AssertionError):
        live_once(ProfileLife, run)
