"""A match on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec

from matchmaker.core.signing import Signature
from matchmaker.core.wire import Code, Described, Money
from matchmaker.demand.declaration import NeedFacts
from matchmaker.demand.models import NeedId
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.models import RunId
from matchmaker.ranking.exploring import SEEDS

MOST_SHOWN = 50


Pools: TypeAlias = Annotated[list[Code], msgspec.Meta(max_length=20)]
Shown: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MOST_SHOWN)]
OfferingName: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern="^[^\\x00-\\x08\\x0b-\\x1f]*$")
]

Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
VersionName: TypeAlias = Annotated[str, msgspec.Meta(max_length=64, pattern="^[A-Za-z0-9._+-]*$")]
ModelName: TypeAlias = Annotated[str, msgspec.Meta(max_length=160, pattern="^[A-Za-z0-9._+:-]*$")]
"""Of one model, or of two whose orders were merged."""
_INSTANT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z$"
_CALLER = "^(anonymous|organisation:[0-9a-f-]{36}(;pools:[A-Za-z0-9._,-]+)?)$"


class MatchInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a match is asked: its digest is taken of this, whoever stated it and where."""

    profile: ProfileFacts | None = None
    need: NeedFacts
    pools: Pools | None = None
    limit: Shown = 10


class MatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile and a need, inline or by id; what is missing is unknown, never guessed.

    ``profile_id`` is the id of a firm, and means its profile as it stands. Whoever may read all of
    a stored thing may match it.
    """

    profile: ProfileFacts | None = None
    profile_id: OrganisationId | None = None
    need: NeedFacts | None = None
    need_id: NeedId | None = None
    pools: Pools | None = None
    limit: Shown = 10
    persist: bool = False

    json_schema: ClassVar[Described] = {
        "oneOf": [
            {
                "required": [given],
                "properties": {given: {"not": {"type": "null"}}, other: {"type": "null"}},
            }
            for given, other in (("need", "need_id"), ("need_id", "need"))
        ],
        "not": {
            "required": ["profile", "profile_id"],
            "properties": {"profile": {"type": "object"}, "profile_id": {"type": "string"}},
        },
    }

    def __post_init__(self) -> None:
        """Refuse a request that says two things, or nothing, of what is needed."""
        if (self.need is None) == (self.need_id is None):
            raise ValueError("exactly one of need and need_id")
        if self.profile is not None and self.profile_id is not None:
            raise ValueError("at most one of profile and profile_id")


class ExplainRequest(MatchRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A match and one offering of it."""

    offering_id: OfferingName


class NeedMatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many offerings a match of a stored need shows, and in which pools it looks."""

    pools: Pools | None = None
    limit: Shown = 10


class NamedProvider(msgspec.Struct, frozen=True, kw_only=True):
    """Whose offering it is."""

    id: str
    name: str


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one feature, or a pair of them, adds to the base: the score is its own explanation."""

    feature: str
    label: str
    value: Annotated[
        float, msgspec.Meta(ge=0, le=1, description="Sub-score; of a pair the lesser one")
    ]
    adds: float
    phrase: str


class CurationAdd(msgspec.Struct, frozen=True, kw_only=True):
    """What a curation added: thousandths of hi - lo kept and cut, and the score of them."""

    rule: str
    version: int
    thousandths: int
    cut: int
    adds: float


class SlateMove(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the slate that displaced the offering: new place minus old."""

    step: str
    moved: int


class MatchedProgramme(msgspec.Struct, frozen=True, kw_only=True):
    """A programme of public support that bears on the offering."""

    id: str
    answer: Literal["yes", "no", "unknown"]
    net_price: Money | None = None


class MatchedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One offering on the package that fits best; score = base + contributions + curation adds."""

    rank: int | None
    offering_id: str
    version: int
    package: str
    package_title: str
    title: str
    provider: NamedProvider
    score: float
    fit: int | None
    base: float
    contributions: list[Contribution]
    curation: list[CurationAdd]
    price: Money | None
    price_3_years: Money | None
    alternatives: list[str]
    slate: list[SlateMove]
    reasons: list[str]
    cautions: list[str]
    unconfirmed: list[str]
    programmes: list[MatchedProgramme]


class AskedQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A missing fact: how many offerings it decides, and its share of the score."""

    field: str
    question: str
    decides: int | None
    share: float | None


class MatchFunnel(msgspec.Struct, frozen=True, kw_only=True):
    """Closed books: considered = the sum of excluded + scored."""

    considered: int
    excluded: dict[str, int]
    scored: int
    shown: int


class IndexPosition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The position the index stands at."""

    base: Position
    delta: Position


class UsedVersions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that shaped the answer beside its input."""

    index: IndexPosition
    text: VersionName
    model: ModelName
    curation: int
    taxonomy: VersionName
    glossary: VersionName
    rules: int
    engine: VersionName


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replay needs beside the input, and the digest it must reproduce."""

    as_of: Annotated[str, msgspec.Meta(pattern=_INSTANT)]
    seed: Annotated[
        Annotated[int, msgspec.Meta(ge=0, lt=SEEDS)] | None,
        msgspec.Meta(
            description="Of what was drawn: places swapped, turns of two models; null without"
        ),
    ]
    caller: Annotated[str, msgspec.Meta(max_length=2000, pattern=_CALLER)]
    versions: UsedVersions
    digest: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


class MissedFloor(msgspec.Struct, frozen=True, kw_only=True):
    """A floor of a curation that is not met, and what shows that it cannot be.

    ``met`` is the lesser of ``eligible``, its offerings that stand in the first places or may be
    moved there, and ``room``, the places that are theirs or may become so.
    """

    rule: str
    asked: int
    met: int
    eligible: int
    room: int


class MatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The ranked offerings with their explanation; ``run_id`` is null when nothing was stored."""

    run_id: str | None
    items: list[MatchedItem]
    questions: list[AskedQuestion]
    funnel: MatchFunnel
    rules: Annotated[
        dict[str, str], msgspec.Meta(description="Every rule named in the answer, as a sentence")
    ]
    unmatched_terms: list[str]
    missed_floors: list[MissedFloor] = []
    as_of: str
    versions: UsedVersions
    receipt: Receipt
    timings_ms: dict[str, float]


class ExcludedBy(msgspec.Struct, frozen=True, kw_only=True):
    """The rule after which no package of the offering was left.

    ``proof`` has the facts that each package met.
    """

    rule: str
    sentence: str
    proof: dict[str, str]


Standing: TypeAlias = Literal["shown", "below_cut", "excluded"]


class SuggestedChange(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would be otherwise: a rule of the need or profile, an amount, weeks, a date.

    Amounts are minor units; ``after`` is null where a rule is left out.
    """

    field: str
    before: int | str | dict[str, Any] | None
    after: int | str | dict[str, Any] | None
    sentence: str


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that, all together, bring the offering to ``rank``; re-run before it was told.

    No part of them does, nor any of a number that is one step smaller.
    """

    by: Literal["firm", "provider"]
    changes: list[SuggestedChange]
    rank: int


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where one considered offering stands.

    Shown, below the cut with its score, or excluded by a rule.
    """

    standing: Standing
    offering_id: str
    title: str
    provider: NamedProvider
    item: MatchedItem | None
    excluded_by: ExcludedBy | None
    funnel: MatchFunnel
    as_of: str
    versions: UsedVersions
    receipt: Annotated[Receipt, msgspec.Meta(description="That of the whole match")]
    suggestions: Annotated[
        list[Suggestion],
        msgspec.Meta(
            description="What would change it, for the firm and for the provider; only what"
            " somebody can change, and nothing where the offering is shown"
        ),
    ] = []


class ReplayRequest(MatchInput, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A match as it was asked, everything inline, and the receipt of its answer."""

    receipt: Receipt


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking again on the index of that time.

    ``reproduced`` says whether ``digest`` is that of the receipt. Only what was reproduced is
    signed: ``signature`` is of ``receipt``.
    """

    reproduced: bool
    digest: str
    receipt: Receipt
    signature: Signature | None = None


class MatchRun(msgspec.Struct, frozen=True, kw_only=True):
    """A stored match: what it was made of, and its answer as it was given.

    Versions are the numbers of those that were read; null where it was given inline.
    """

    id: RunId
    organisation_id: OrganisationId
    need_id: NeedId | None
    need_version: int | None
    profile_version: int | None
    created_at: dt.datetime
    answer: MatchAnswer


class MatchRunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A stored match in a list."""

    id: RunId
    organisation_id: OrganisationId
    need_id: NeedId | None
    as_of: str
    digest: str
    shown: int
    created_at: dt.datetime
