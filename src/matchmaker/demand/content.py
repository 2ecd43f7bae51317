"""What a version of a need holds: as it is stored, as it was stated, as a match reads it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from matchmaker.demand.declaration import NeedFacts, NeedTerms, StatedNeed

if TYPE_CHECKING:
    from matchmaker.demand.models import Need, NeedVersion
    from matchmaker.taxonomy.registry import Taxonomy

_SCENARIO = "im_scenario"
_APART = ("title", "open_call")
_canonical = msgspec.json.Encoder(order="sorted")


class Content(NamedTuple):
    """The columns of a version; facts that nobody stated are absent."""

    title: dict[str, Any] | None
    facts: dict[str, Any]
    open_call: dict[str, Any] | None
    content_hash: bytes


def stored(need: StatedNeed) -> Content:
    """What ``need`` is stored as; equal statements have equal hashes."""
    whole = cast("dict[str, Any]", msgspec.to_builtins(need))
    parts = {name: whole[name] for name in StatedNeed.__struct_fields__ if whole[name] is not None}
    title, open_call = (parts.pop(name, None) for name in _APART)
    digest = hashlib.sha256(_canonical.encode((title, parts, open_call))).digest()
    return Content(title, parts, open_call, digest)


def whole(version: NeedVersion) -> dict[str, Any]:
    """What ``version`` says, as JSON."""
    return {**version.facts, "title": version.title, "open_call": version.open_call}


def stated(version: NeedVersion) -> StatedNeed:
    """What the owner stated in ``version``."""
    return msgspec.convert(whole(version), StatedNeed)


def terms(need: Need, version: NeedVersion) -> NeedTerms:
    """All of ``need`` that its owner may change, as it stands with ``version``."""
    now = {
        "visibility": need.visibility.value,
        "pools": need.pools or None,
        "expires_on": need.expires_on,
    }
    return msgspec.convert({**whole(version), **now}, NeedTerms)


def scenes(need: StatedNeed, taxonomy: Taxonomy) -> list[str] | None:
    """The scenes of ``need``: those it names, then those its scenarios stand for."""
    known = taxonomy.scheme(_SCENARIO).entries
    # A scenario that a later release has dropped stands for nothing.
    mapped = [str(known[code].extra["scene"]) for code in need.scenarios or () if code in known]
    if need.scenes is None and not mapped:
        return None
    return list(dict.fromkeys([*(need.scenes or ()), *mapped]))


def facts(need: StatedNeed, taxonomy: Taxonomy) -> NeedFacts:
    """The facts of ``need`` as a match reads them, scenarios told as scenes."""
    found = {name: getattr(need, name) for name in NeedFacts.__struct_fields__}
    return NeedFacts(**{**found, "scenes": scenes(need, taxonomy)})
