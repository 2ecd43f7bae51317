"""What a provider claims: the shape of a piece of evidence, and whether it holds together."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import msgspec

from matchmaker.catalog.evidence.models import EvidenceType
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import Line, Text
from matchmaker.taxonomy.coded import CertificateCode, IndustryCode, SceneCode
from matchmaker.taxonomy.registry import INDUSTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.taxonomy.checking import Checker

Figure = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
Scenes = Annotated[tuple[SceneCode, ...], msgspec.Meta(max_length=16)]


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is claimed, measured and shown; what is left out is unknown."""

    claim: Text
    metric: Annotated[Text, msgspec.Meta(description="What was measured, in words")] | None = None
    unit: Line | None = None
    before: Figure | None = None
    after: Figure | None = None
    issuer: Line | None = None
    certificate: (
        Annotated[
            CertificateCode,
            msgspec.Meta(description="Code of `certification_kind`; certificates only"),
        ]
        | None
    ) = None
    number: Line | None = None
    valid_until: dt.date | None = None
    scenes: Annotated[Scenes, msgspec.Meta(description="Codes of `sme_scene`")] = ()
    industry: Annotated[IndustryCode, msgspec.Meta(description="GB/T 4754-2017")] | None = None


def claim_faults(
    checker: Checker, type_: EvidenceType, claim: Claim, at: str
) -> Iterator[FieldFault]:
    """Every unknown code, and what contradicts the type."""
    yield from checker.codes(claim.scenes, "sme_scene", f"{at}/scenes")
    yield from checker.code(claim.industry, INDUSTRY, f"{at}/industry")
    yield from checker.code(claim.certificate, "certification_kind", f"{at}/certificate")
    if claim.certificate is not None and type_ is not EvidenceType.CERTIFICATE:
        said = Bilingual(zh="只有资质证书才有此项", en="only a certificate has one")
        yield FieldFault(f"{at}/certificate", "other_type", said)
    if claim.metric is None and (claim.before is not None or claim.after is not None):
        said = Bilingual(zh="请说明测量的是什么", en="say what was measured")
        yield FieldFault(f"{at}/metric", "missing", said)
