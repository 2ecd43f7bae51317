"""The life of components against a model: two bills, in plain dictionaries."""

from __future__ import annotations

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

from matchmaker.catalog.components import queries, service
from matchmaker.catalog.components.declaration import ComponentFacts
from matchmaker.catalog.components.models import Component, ComponentId
from matchmaker.catalog.components.queries import Bill
from matchmaker.catalog.components.schemas import ComponentPatch
from matchmaker.catalog.models import OfferingId
from matchmaker.core import patching
from matchmaker.core.db import ReadSession, Session
from matchmaker.identity.access import Principal
from matchmaker.identity.models import OrganisationId, OrganisationRole
from matchmaker.taxonomy.checking import Checker
from matchmaker.taxonomy.fields import FieldCatalogue

CHECKER = Checker(taxonomy(), FieldCatalogue(taxonomy()))
LAYERS = sorted(taxonomy().scheme("tech_layer").entries)[:2]
R = OrganisationRole
OF_OFFERING, OF_FIRM = "offering", "firm"

bills = st.sampled_from([OF_OFFERING, OF_OFFERING, OF_FIRM])
callers = st.sampled_from([*["owner"] * 5, "other", "operator"])
optional = {
    "vendor": st.sampled_from(["V", "W", None]),
    "origin": st.sampled_from(["CN", "DE", None]),
    "substitutes": st.sampled_from([[], ["X"], ["X", "Y"]]),
}
sound = st.fixed_dictionaries(
    {"layer": st.sampled_from(LAYERS), "name": st.sampled_from(["A", "B"])}, optional=optional
)
changes = st.fixed_dictionaries(
    {},
    optional={
        **optional,
        "layer": st.sampled_from([*LAYERS, "magic"]),
        "name": st.sampled_from(["A", "B", "C"]),
    },
)
UNKNOWN: dict[str, Any] = {"vendor": None, "origin": None, "substitutes": []}
"""What is not stated; an unknown origin stays unknown."""


@dataclass
class Modelled:
    """What a component should be; None once it is removed."""

    bill: str
    facts: dict[str, Any] | None
    revision: int = 1
    told: list[str] = field(default_factory=lambda: ["component.added"])


class ComponentLife(Life):
    """A provider with the bill of an offering and its own systems, another one, an operator."""

    components = Bundle("components")

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[ComponentId, Modelled] = {}
        self.is_offered = True
        other, operator, *_ = self.people
        self.who = {
            "other": principal(other, R.PROVIDER),
            "operator": principal(operator, R.OPERATOR),
        }

    @initialize(target=components, bill=bills, said=sound)
    def begin(self, bill: str, said: dict[str, Any]) -> ComponentId:
        async def make(session: Session) -> tuple[UUID, UUID]:
            connection = await session.connection()
            (owner,) = await organisations(connection)
            return owner, await offering(connection, owner)

        owner, offering_id = self.run(make)
        self.offering_id = OfferingId(offering_id)
        self.firm = OrganisationId(owner)
        self.who["owner"] = principal(self.firm, R.PROVIDER)
        return self.made(bill, said)

    @precondition(lambda self: len(self.model) < 6)
    @rule(target=components, bill=bills, said=sound)
    def add(self, bill: str, said: dict[str, Any]) -> ComponentId:
        return self.made(bill, said)

    def made(self, bill: str, said: dict[str, Any]) -> ComponentId:
        found: list[ComponentId] = []

        async def work(session: Session) -> None:
            added = await self.adding(session, "owner", bill, said)
            found.append(added)

        assert self.outcome(work) is None
        self.model[found[0]] = Modelled(bill, {**UNKNOWN, **said})
        self.agrees(found[0])
        return found[0]

    @rule(by=callers, bill=bills, said=sound, layer=st.sampled_from([LAYERS[0], "magic"]))
    def add_what_cannot_be(self, by: str, bill: str, said: dict[str, Any], layer: str) -> None:
        if by == "owner" and layer != "magic":
            return
        checks = (
            (by != "owner" and bill == OF_OFFERING, "offering_not_found"),
            (by != "owner", "bill_not_found"),
            (layer == "magic", "unusable_component"),
        )
        expected = next(slug for stopped, slug in checks if stopped)
        changed = {**said, "layer": layer}
        assert self.outcome(lambda s: self.adding(s, by, bill, changed)) == expected

    async def adding(
        self, session: Session, by: str, bill: str, said: dict[str, Any]
    ) -> ComponentId:
        caller = self.who[by]
        made = await service.add(
            session,
            caller,
            await self.bill(session, caller, bill),
            msgspec.convert(said, ComponentFacts),
            checker=CHECKER,
        )
        return made.id

    async def bill(self, session: ReadSession, caller: Principal, bill: str) -> Bill:
        """The bill as a caller comes to it who means to change it."""
        if bill == OF_FIRM:
            return service.own_systems(self.firm, caller)
        return await service.own_offering_bill(session, self.offering_id, caller)

    @rule(
        id_=components,
        by=callers,
        change=changes,
        off=st.sampled_from([0] * 6 + [1]),
        is_elsewhere=st.sampled_from([False] * 6 + [True]),
    )
    def revise(
        self, id_: ComponentId, by: str, change: dict[str, Any], off: int, *, is_elsewhere: bool
    ) -> None:
        now = self.model[id_]
        after = {**(now.facts or {}), **change}
        is_change = after != now.facts
        expected = self.refusal(now, by, off, is_elsewhere=is_elsewhere)
        if expected is None and is_change and after["layer"] == "magic":
            expected = "unusable_component"

        async def work(session: Session) -> None:
            found = await self.found(session, id_, by, is_elsewhere=is_elsewhere)
            await service.revise(
                session,
                self.who[by],
                found,
                msgspec.convert(change, ComponentPatch),
                revision=now.revision + off,
                checker=CHECKER,
            )

        assert self.outcome(work) == expected
        if expected is None and is_change:
            now.facts = after
            now.revision += 1
            now.told.append("component.revised")
        self.agrees(id_)

    @rule(
        id_=components,
        by=callers,
        off=st.sampled_from([0, 0, 1]),
        is_elsewhere=st.sampled_from([False, False, True]),
    )
    def remove(self, id_: ComponentId, by: str, off: int, *, is_elsewhere: bool) -> None:
        now = self.model[id_]
        expected = self.refusal(now, by, off, is_elsewhere=is_elsewhere)

        async def work(session: Session) -> None:
            found = await self.found(session, id_, by, is_elsewhere=is_elsewhere)
            await service.remove(session, self.who[by], found, revision=now.revision + off)

        assert self.outcome(work) == expected
        if expected is None:
            now.facts = None
            now.told.append("component.removed")
        self.agrees(id_)

    async def found(
        self, session: ReadSession, id_: ComponentId, by: str, *, is_elsewhere: bool
    ) -> Component:
        """The component as its caller comes to it, by the right bill or by the other one."""
        bill = await self.bill(session, self.who[by], self.place(id_, is_elsewhere=is_elsewhere))
        return await service.find(session, bill, id_)

    def place(self, id_: ComponentId, *, is_elsewhere: bool) -> str:
        is_of_offering = (self.model[id_].bill == OF_OFFERING) is not is_elsewhere
        return OF_OFFERING if is_of_offering else OF_FIRM

    def refusal(self, now: Modelled, by: str, off: int, *, is_elsewhere: bool) -> str | None:
        """The slug of what must stop a change of the component."""
        by_offering = (now.bill == OF_OFFERING) is not is_elsewhere
        checks = (
            (by != "owner" and by_offering, "offering_not_found"),
            (by != "owner", "bill_not_found"),
            (is_elsewhere or now.facts is None, "component_not_found"),
            (bool(off), "stale_version"),
        )
        return next((slug for stopped, slug in checks if stopped), None)

    @rule(by=st.sampled_from(["owner", "other", "other", "operator", None]))
    def read(self, by: str | None) -> None:
        """Who sees the offering sees its bill, and nobody else's systems."""
        visitor = None if by is None else self.who[by]
        seen: list[ComponentId] = []

        async def work(session: Session) -> None:
            bill = await service.offering_bill(session, self.offering_id, visitor)
            listed = await queries.list_components(session, bill, after=None, limit=100)
            seen.extend(each.id for each in listed)

        may = self.is_offered or by in {"owner", "operator"}
        assert self.outcome(work) == (None if may else "offering_not_found")
        assert seen == (self.there(OF_OFFERING) if may else [])

    @rule()
    def pause_or_resume(self) -> None:
        self.is_offered = not self.is_offered
        state = "published" if self.is_offered else "paused"

        async def work(session: Session) -> None:
            await session.execute(
                text("update mm.offering set state = :state where id = :id"),
                {"state": state, "id": self.offering_id},
            )

        self.run(work)

    def there(self, bill: str) -> list[ComponentId]:
        """What stands in the bill, in the order it was added."""
        return [
            id_ for id_, now in self.model.items() if now.bill == bill and now.facts is not None
        ]

    def agrees(self, id_: ComponentId) -> None:
        now = self.model[id_]
        stored = self.run.rows(
            "select organisation_id, offering_id, revision,"
            " layer, name, vendor, origin, substitutes from mm.component where id = $1",
            id_,
        )
        if now.facts is None:
            assert stored == []
            return
        names = ("layer", "name", "vendor", "origin", "substitutes")
        of = self.offering_id if now.bill == OF_OFFERING else None
        facts = [now.facts[name] for name in names]
        assert list(map(list, stored)) == [[self.firm, of, now.revision, *facts]]

    def teardown(self) -> None:
        if not self.model:
            return
        for bill in (OF_OFFERING, OF_FIRM):
            said = self.run(lambda session, bill=bill: self.listed(session, bill))  # type: ignore[misc]
            assert said == [self.model[id_].facts for id_ in self.there(bill)]
        for id_, now in self.model.items():
            assert self.told(id_) == now.told

    async def listed(self, session: Session, bill: str) -> list[dict[str, Any]]:
        """What the whole bill says."""
        found = await queries.list_components(
            session, await self.bill(session, self.who["owner"], bill), after=None, limit=100
        )
        return [msgspec.json.decode(msgspec.json.encode(service.facts_of(one))) for one in found]


OUTCOMES = {
    "bill_not_found",
    "component_not_found",
    "done",
    "offering_not_found",
    "stale_version",
    "unusable_component",
}
"""Everything that may come of what the machine does."""


def test_components_live_as_the_model_says(run: Transactions) -> None:
    assert live(ComponentLife, run).keys() == OUTCOMES


def test_control_a_component_of_another_bill_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anywhere(
        session: ReadSession, _: Bill, component_id: ComponentId
    ) -> Component | None:
        return await session.get(Component, component_id, populate_existing=True)

    monkeypatch.setattr(queries, "find", anywhere)
    with pytest.raises(AssertionError):
        live_once(ComponentLife, run)


def test_control_an_origin_that_is_not_forgotten_is_noticed(
    run: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault: null is read as left out."""
    merged = patching.merged

    def kept(current: ComponentFacts, patch: msgspec.Struct) -> ComponentFacts:
        found = msgspec.to_builtins(patch)
        said = {name: value for name, value in found.items() if value is not None}
        return merged(current, msgspec.convert(said, ComponentPatch))

    monkeypatch.setattr(patching, "merged", kept)
    with pytest.raises(AssertionError):
        live_once(ComponentLife, run)
