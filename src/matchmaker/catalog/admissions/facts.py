"""The facts of one offering as the rules of pools read them; what is not known stays unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.catalog.declaration import OfferingDocument
from matchmaker.catalog.facts import declared_facts

if TYPE_CHECKING:
    from matchmaker.catalog.admissions.queries import Candidate
    from matchmaker.catalog.evidence.queries import Verified
    from matchmaker.rules import Fact

_VERIFIED = "verified"


def facts_of(candidate: Candidate, verified: Verified) -> dict[str, Fact]:
    """By full field name every fact that is known.

    Cases are counted once any is stated: nobody having said anything is not the same as none.
    """
    document = msgspec.convert(candidate.document, OfferingDocument)
    declared = declared_facts(document, kind=candidate.kind, visibility=candidate.visibility)
    listed = document.cases or ()
    stated = len(listed) + verified.cases_stated
    found: dict[str, Fact] = {f"offering.{name}": fact for name, fact in declared.items()}
    found |= {
        "provider.kind": candidate.provider_kind,
        "provider.region": candidate.region,
        "evidence.certificates": verified.certificates or None,
        "evidence.cases": sum(case.state == _VERIFIED for case in listed) + verified.cases
        if stated
        else None,
    }
    return {name: fact for name, fact in found.items() if fact is not None}
