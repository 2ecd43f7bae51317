"""Codes on the wire, by the scheme they are of: the format of each is the name of its scheme.

A scheme grows with a release, so the contract names it instead of listing its codes; every code is
held against the scheme when it is used.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from matchmaker.core.wire import END, Code

SceneCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "sme_scene"})]
ScenarioCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "im_scenario"})]
StandardCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "cn_im_standard_2024"})]
CategoryCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "solution_category"})]
DeploymentCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "deployment"})]
GoalCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "goal"})]
ChainRoleCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "chain_role"})]
ProviderKindCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "provider_kind"})]
IndustryCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "gbt_4754_2017"})]
PlaceCode = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[0-9]{{6}}{END}",
        description="GB/T 2260 code",
        extra_json_schema={"format": "gbt_2260"},
    ),
]
CertificateCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "certification_kind"})]
LayerCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "tech_layer"})]
LanguageCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "language"})]
InterfaceCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "interface"})]
DeliveryCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "delivery_form"})]
RegionCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "gbt_2260"})]
ScaleName = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "scale"})]
StageName = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "stage"})]
SkillCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "skill"})]
PartCode = Annotated[Code, msgspec.Meta(extra_json_schema={"format": "price_part"})]
