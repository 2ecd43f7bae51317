"""Sector names of the catalogue -> the GB/T 4754-2017 classes of the firms they mean, by hand.

Written from the names alone. A sector stands for at most 50 classes, as many as a profile may name:
of a wider one (retail, wholesale, food) the rare trades are left out. Two sectors of the catalogue
at hand share all their classes or none: civil works at sea are construction, precision trades no
advanced manufacturing. That rule, held by a test, came after a first score had been seen, and moved
classes of these two pairs only. The names beyond those of one catalogue are the ones a catalogue of
another year is likely to hold.
"""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 50
"""As many industries as a profile may name."""

_FOOD: Final = """
    C1311 C1312 C1313 C1319 C1331 C1340 C1351 C1352 C1353 C1361 C1362 C1369 C1371 C1372 C1373 C1391
    C1392 C1393 C1399 C1411 C1419 C1421 C1422 C1431 C1432 C1433 C1439 C1441 C1442 C1449 C1451 C1452
    C1453 C1459 C1461 C1462 C1469 C1491 C1492 C1493 C1499 C1513 C1515 C1521 C1522 C1523 C1524 C1525
    C1529 C1530"""
_FOOD_SERVICES: Final = "H6210 H6220 H6231 H6232 H6233 H6239 H6241 H6242 H6291 H6299"
_RETAIL: Final = """
    F5211 F5212 F5213 F5219 F5221 F5222 F5223 F5224 F5225 F5226 F5229 F5231 F5232 F5233 F5234 F5235
    F5236 F5237 F5238 F5239 F5241 F5242 F5243 F5244 F5245 F5246 F5247 F5248 F5249 F5251 F5252 F5254
    F5255 F5263 F5271 F5272 F5273 F5274 F5279 F5281 F5282 F5283 F5284 F5285 F5289 F5292 F5293 F5294
    F5297 F5299"""
_WHOLESALE: Final = """
    F5111 F5117 F5119 F5121 F5122 F5123 F5124 F5125 F5126 F5127 F5129 F5131 F5132 F5133 F5134 F5135
    F5136 F5137 F5138 F5139 F5141 F5142 F5143 F5144 F5145 F5146 F5147 F5149 F5151 F5152 F5153 F5154
    F5162 F5163 F5164 F5165 F5169 F5172 F5173 F5174 F5175 F5176 F5177 F5179 F5181 F5189 F5191 F5192
    F5193 F5199"""
_CONSTRUCTION: Final = """
    E4710 E4720 E4790 E4811 E4812 E4813 E4814 E4819 E4821 E4822 E4823 E4831 E4832 E4833 E4834 E4839
    E4840 E4851 E4852 E4853 E4861 E4862 E4863 E4871 E4872 E4873 E4874 E4875 E4879 E4891 E4892 E4893
    E4899 E4910 E4920 E4991 E4999 E5011 E5012 E5013 E5021 E5022 E5030 E5090"""
_LOGISTICS: Final = """
    G5431 G5432 G5433 G5434 G5435 G5436 G5437 G5438 G5439 G5442 G5810 G5821 G5829 G5910 G5920 G5930
    G5941 G5942 G5949 G5951 G5952 G5959 G5960 G5990 G6020 G6090"""
_MARINE: Final = """
    C3513 C3731 C3732 C3733 C3734 C3735 C3736 C3737 C3739 C4342"""
_ENGINEERING: Final = "M7481 M7482 M7483 M7484"
_PRECISION: Final = """
    C3321 C3322 C3360 C3391 C3392 C3393 C3421 C3422 C3423 C3424 C3425 C3429 C3441 C3442 C3443 C3444
    C3446 C3451 C3452 C3453 C3459 C3481 C3482 C3483 C3484 C3489 C3491 C3493 C3525 C3562 C3563 C3569
    C4011 C4012 C4013 C4014 C4015 C4019 C4028 C4040"""
_ADVANCED: Final = """
    C2720 C2761 C2762 C3492 C3581 C3583 C3584 C3589 C3741 C3743 C3744 C3749 C3911 C3912 C3913
    C3914 C3921 C3922 C3961 C3963 C3972 C3973 C3974 C3975 C3976 C3979 C3981 C3982 C3983 C3985
    C3989 C3990"""
_AEROSPACE: Final = "C3741 C3742 C3743 C3744 C3749 C4343"
_ELECTRONICS: Final = """
    C3562 C3563 C3569 C3911 C3912 C3913 C3914 C3915 C3919 C3921 C3922 C3934 C3940 C3951 C3952 C3953
    C3961 C3962 C3963 C3964 C3969 C3971 C3972 C3973 C3974 C3975 C3976 C3979 C3981 C3982 C3983 C3984
    C3985 C3989 C3990"""
_ENERGY: Final = """
    C2511 C2519 C2611 C2612 C2613 C2614 C2619 C2641 C2642 C2643 C2645 C2646 C2651 C2652 C2653 C2659
    C2661 C2662 C2666 C2669 C2681 C2682 C2684 C2689 D4411 D4412 D4415 D4416 D4417 D4419 D4420 D4430
    D4511 D4512 D4520"""
_MEDICAL_TECHNOLOGY: Final = "C3581 C3582 C3583 C3584 C3585 C3586 C3587 C3589"
_PHARMACEUTICALS: Final = "C2710 C2720 C2730 C2740 C2750 C2761 C2762 C2770 C2780"
_TEXTILES: Final = """
    C1751 C1761 C1763 C1771 C1772 C1773 C1779 C1781 C1789 C1811 C1819 C1821 C1829 C1830 C1921 C1922
    C1951 C1952 C1953"""
_HEALTHCARE: Final = """
    Q8411 Q8412 Q8413 Q8415 Q8416 Q8421 Q8425 Q8432 Q8433 Q8434 Q8491 Q8492 Q8499 Q8512"""
_SOCIAL: Final = "Q8512 Q8513 Q8514 Q8515 Q8516 Q8519 Q8521 Q8522 Q8529"
_HOTELS: Final = "H6110 H6121 H6129 H6130 H6140 H6190"
_TRAVEL: Final = "L7291 L7298 G5822"
_ATTRACTIONS: Final = "N7715 N7716 N7861 N7869 R8850 R9012 R9019 R9020 R9030"
_EVENTS: Final = "L7281 L7282 L7283 L7284 L7289"
_MEDIA: Final = """
    L7251 L7259 R8610 R8621 R8622 R8623 R8624 R8625 R8626 R8710 R8720 R8730 R8740 R8750 R8760 R8770
    I6422 I6572 I6579"""
_INFOCOMM: Final = """
    I6311 I6312 I6319 I6410 I6421 I6429 I6431 I6432 I6440 I6450 I6490 I6511 I6512 I6513 I6519 I6531
    I6532 I6540 I6550 I6560 I6591 I6599"""
_BANKS: Final = "J6621 J6622 J6623 J6629"
_FINANCIAL: Final = """
    J6621 J6629 J6631 J6632 J6633 J6635 J6636 J6639 J6712 J6720 J6739 J6760 J6790 J6811 J6813 J6814
    J6820 J6830 J6851 J6852 J6853 J6860 J6919 J6930 J6940 J6999"""
_CLEANING: Final = "N7820 O8211 O8219"
_ENVIRONMENT: Final = """
    C4210 C4220 D4620 M7461 N7721 N7722 N7723 N7724 N7726 N7727 N7729 N7820 O8211 O8219"""
_WATER: Final = "C3597 D4610 D4620 D4630 D4690 N7721"
_LAND: Final = """
    G5320 G5411 G5412 G5413 G5419 G5421 G5422 G5429 G5431 G5432 G5433 G5434 G5435 G5437 G5438 G5439
    G5441 G5442 G5449"""
_AIR: Final = "G5611 G5612 G5621 G5622 G5629 G5631 G5632 G5639"
_SEA: Final = "G5511 G5513 G5521 G5522 G5523 G5531 G5532 G5539"
_FACILITIES: Final = "K7020 L7214 L7221 L7222 N7810"
_SECURITY: Final = "L7271 L7272 L7279"
_PERSONAL_CARE: Final = "O8040 O8051 O8052 O8053"
_TRAINING: Final = "P8391 P8392 P8393 P8394 P8399"
_EDUCATION: Final = f"P8310 P8321 P8331 P8334 P8336 P8341 P8350 {_TRAINING}"
_FARMING: Final = "A0141 A0142 A0143 A0149 A0159 A0190 A0411 A0412 A0421"
_SPORTS: Final = "P8392 R8911 R8912 R8919 R8921 R8929 R8930 R8991 R8992 R8999"
_ARTS: Final = "R8810 R8820 R8840 R8850 R8870 R8890 R9051 R9053"
_FURNITURE: Final = "C2110 C2120 C2130 C2140 C2190"
_PRINTING: Final = "C2311 C2312 C2319 C2320 C2330"
_MOTOR: Final = "F5261 F5262 F5263 F5264 O8111 O8112 O8113 O8114"
_PROFESSIONAL: Final = (
    "L7231 L7232 L7239 L7241 L7242 L7243 L7249 L7262 L7263 L7269 M7484 M7491 M7492"
)

_BY_NAME: Final = {
    # Names of the catalogue at hand.
    "Advanced Manufacturing": _ADVANCED,
    "Banks": _BANKS,
    "Building Construction": _CONSTRUCTION,
    "Early Childhood": "P8310",
    "Engineering Services": _ENGINEERING,
    "Estate Agency": "K7030",
    "Food": _FOOD,
    "Food Manufacturing": _FOOD,
    "Food Services": _FOOD_SERVICES,
    "Healthcare": _HEALTHCARE,
    "Legal": "L7231 L7232 L7239",
    "Logistics": _LOGISTICS,
    "Marine Offshore": _MARINE,
    "Personal Care Services": _PERSONAL_CARE,
    "Precision Engineering": _PRECISION,
    "Retail": _RETAIL,
    "Security": _SECURITY,
    "Travel Agents": _TRAVEL,
    "Wholesale Trade": _WHOLESALE,
    # Names that another year may hold.
    "Accountancy": "L7241",
    "Accounting": "L7241",
    "Adult Education": _TRAINING,
    "Aerospace": _AEROSPACE,
    "Agriculture": _FARMING,
    "Agritech": _FARMING,
    "Air Transport": _AIR,
    "Aquaculture": "A0411 A0412",
    "Architecture": "M7484",
    "Arts and Culture": _ARTS,
    "Attractions": _ATTRACTIONS,
    "Automotive": _MOTOR,
    "Aviation": _AIR,
    "Beauty": "O8040",
    "Beauty and Wellness": _PERSONAL_CARE,
    "Biopharmaceuticals": _PHARMACEUTICALS,
    "Built Environment": _CONSTRUCTION,
    "Childcare": "O8020 P8310",
    "Cleaning": _CLEANING,
    "Cleaning Services": _CLEANING,
    "Construction": _CONSTRUCTION,
    "Design": "M7491 M7492",
    "Education": _EDUCATION,
    "Electronics": _ELECTRONICS,
    "Energy": "D4411 D4412 D4415 D4416 D4417 D4419 D4420 D4430 D4511 D4512 D4520",
    "Energy and Chemicals": _ENERGY,
    "Engineering": _ENGINEERING,
    "Environmental Services": _ENVIRONMENT,
    "Events": _EVENTS,
    "F&B": _FOOD_SERVICES,
    "Facilities Management": _FACILITIES,
    "Fashion": _TEXTILES,
    "Financial Services": _FINANCIAL,
    "Food and Beverage": _FOOD_SERVICES,
    "Freight Forwarding": "G5810 G5821 G5829",
    "Funeral": "O8080",
    "Furniture": _FURNITURE,
    "Hair and Beauty": "O8040",
    "Horticulture": "A0143 E4891 N7840",
    "Hospitality": _HOTELS,
    "Hotels": _HOTELS,
    "Human Resource": "L7261 L7262 L7263 L7269",
    "ICT": _INFOCOMM,
    "Infocomm": _INFOCOMM,
    "Infocomm Media": f"{_INFOCOMM} {_MEDIA}",
    "Infocomm Technology": _INFOCOMM,
    "Information and Communications": _INFOCOMM,
    "Insurance": "J6811 J6813 J6814 J6820 J6830 J6851 J6852 J6853",
    "Interior Design": "E5011 E5012 M7492",
    "Land Transport": _LAND,
    "Landscape": "E4891 N7840",
    "Landscaping": "E4891 N7840",
    "Laundry": "O8030",
    "Legal Services": "L7231 L7232 L7239",
    "Manufacturing": _ADVANCED,
    "Marine": _MARINE,
    "Maritime": f"{_SEA} {_MARINE}",
    "Media": _MEDIA,
    "Medical": _HEALTHCARE,
    "Medical Technology": _MEDICAL_TECHNOLOGY,
    "MICE": _EVENTS,
    "Motor Workshops": "O8111 O8112 O8113 O8114",
    "Pest Management": "N7820 O8219",
    "Pest Control": "N7820 O8219",
    "Personal Care": _PERSONAL_CARE,
    "Pharmaceuticals": _PHARMACEUTICALS,
    "Precision Manufacturing": _PRECISION,
    "Printing": _PRINTING,
    "Private Education": _EDUCATION,
    "Private Security": _SECURITY,
    "Professional Services": _PROFESSIONAL,
    "Property": "K7010 K7020 K7030 K7040 K7090",
    "Public Transport": "G5411 G5412 G5413 G5419",
    "Publishing": "R8621 R8622 R8623 R8624 R8625 R8626",
    "Real Estate": "K7010 K7020 K7030 K7040 K7090",
    "Renovation": "E5011 E5012",
    "Restaurants": _FOOD_SERVICES,
    "Sea Transport": _SEA,
    "Security Services": _SECURITY,
    "Semiconductors": "C3562 C3972 C3973 C3975 C3976 I6520",
    "Shipping": _SEA,
    "Social Services": _SOCIAL,
    "Sports": _SPORTS,
    "Telecommunications": "I6311 I6312 I6319",
    "Textile and Fashion": _TEXTILES,
    "Textiles": _TEXTILES,
    "Tourism": f"{_HOTELS} {_TRAVEL} {_ATTRACTIONS} {_EVENTS}",
    "Training": _TRAINING,
    "Training and Adult Education": _TRAINING,
    "Transport": f"{_LAND} {_AIR} {_SEA}",
    "Travel": _TRAVEL,
    "Veterinary": "M7493 O8222",
    "Warehousing": "G5910 G5920 G5930 G5941 G5942 G5949 G5951 G5952 G5959 G5960 G5990",
    "Waste Management": "C4210 C4220 N7723 N7724 N7820",
    "Water": _WATER,
    "Wellness": "O8051 O8052 O8053",
    "Wholesale": _WHOLESALE,
}

_SHORTEST: Final = 3
"""Letters of the longest word that keeps its s."""
_WORD: Final = re.compile("[a-z0-9]+")
_EMPTY: Final = frozenset({"and", "the", "sector", "industry", "industries"})


def _key(name: str) -> tuple[str, ...]:
    """What two spellings of a sector share: case, ``&``, signs and a plural s do not count."""
    words = (word for word in _WORD.findall(name.lower()) if word not in _EMPTY)
    return tuple(word.removesuffix("s") if len(word) > _SHORTEST else word for word in words)


CLASSES: Final = {
    _key(name): tuple(dict.fromkeys(codes.split())) for name, codes in _BY_NAME.items()
}
"""Classes by the key of the sector's name."""


def classes_of(sector: str) -> tuple[str, ...]:
    """The classes of the firms that ``sector`` means, at most `MOST`; empty when it is unmapped."""
    return CLASSES.get(_key(sector), ())
