"""What the demo says of the city, written in each language for itself."""

from __future__ import annotations

from typing import Final

from matchmaker.core.language import Bilingual

CITY: Final = Bilingual(zh="一座城市的两百家企业", en="Two hundred firms of a city")
ABOUT: Final = Bilingual(
    zh="{firms} 家虚构的企业提出同一需求（质量管理）。先不设上限，每家取自己的第一名；"
    "再规定每个产品至多承接 {capacity} 家。",
    en="{firms} fictional firms ask for the same thing, quality. First nobody's choice is limited: "
    "each gets its own first. Then each offering can take {capacity} firms.",
)
BEFORE: Final = Bilingual(
    zh="不设上限：{matched} 家有匹配，集中在 {offerings} 个产品上，"
    "最多的一个要承接 {most} 家；平均契合度 {fit}。",
    en="Before: {matched} are matched with {offerings} offerings, one of them with {most} firms; "
    "mean fit {fit}.",
)
AFTER: Final = Bilingual(
    zh="设上限后：{matched} 家有匹配，分散到 {offerings} 个产品，"
    "没有一个超过 {most} 家；平均契合度 {fit}。",
    en="After: {matched} are matched with {offerings} offerings, none with more than {most} firms; "
    "mean fit {fit}.",
)
LOAD: Final = Bilingual(zh="{load} 家，拥挤度 {price}", en="{load} firms, {price}")
PROOF: Final = Bilingual(
    zh="没有更好的分配：已用 {pairs} 对企业与产品逐一验证。拥挤度是再多一个名额能增加的契合度。",
    en="No allocation is better: checked over {pairs} pairs of firm and offering. The number "
    "beside the firms is what one place more would add to the sum of fit.",
)
