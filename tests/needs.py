"""Needs for tests: what a caller says, and callers of their own."""

from __future__ import annotations

from typing import Any

CALL = {
    "sought": "A coating that lasts 2,000 hours in salt spray",
    "acceptance_metric": "2,000 h by ISO 9227",
    "data_on_offer": "Three years of test logs",
    "deadline": "2099-06-30",
}


def draft(**stated: object) -> dict[str, Any]:
    """A need that may be opened, seen by its own firms alone."""
    return {
        "kind": "solution",
        "title": {"zh": "焊缝检验", "en": "Inspect welds"},
        "text": "Two people look at every weld",
        "scenes": ["quality"],
        "scenarios": ["im24", "im28"],
        "categories": ["machine_vision_qc"],
        "budget": {"amount": 20_000_000, "currency": "CNY"},
        "ready_by": "2099-03-01",
        "region": "210200",
        "must": {"field": "offering.deployment", "op": "in", "value": ["on_premises"]},
        **stated,
    }
