from __future__ import annotations

from matchmaker.catalog.machine import IMPORTABLE, OFFERING, OfferingState


def test_a_retired_offering_never_comes_back() -> None:
    assert OFFERING.steps_from(OfferingState.RETIRED) == ()


def test_an_import_leaves_suspended_and_retired_offerings_alone() -> None:
    assert set(OfferingState) - set(IMPORTABLE) == {OfferingState.SUSPENDED, OfferingState.RETIRED}
