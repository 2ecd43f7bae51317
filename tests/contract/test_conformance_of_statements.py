"""The OpenAPI document is true of what organisations say of themselves and of what they offer.

A file of its own, for a process of its own.
"""

from __future__ import annotations

import pytest
from tests.contract.conformance import EXAMPLES, MANY, hold, operations
from tests.contract.stage import Stage

from matchmaker.released import Released


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.soak)])
def test_the_document_is_true(stage: Stage, released: Released, examples: int) -> None:
    hold(stage, released, operations(stage, stated=True), examples)
