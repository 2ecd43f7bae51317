"""How guides and programmes are asked for over HTTP, and who may enter them."""

from __future__ import annotations

from typing import Annotated, Final

from litestar.params import QueryParameter

from matchmaker.identity.access import Scope, needs
from matchmaker.identity.models import OrganisationRole

OfIndustry = Annotated[
    str | None, QueryParameter(name="industry", description="Only those for firms of this industry")
]
InRegion = Annotated[
    str | None, QueryParameter(name="region", description="Only those for firms of this place")
]
WRITE: Final = needs(Scope.POLICY_WRITE, roles=(OrganisationRole.AGENCY, OrganisationRole.OPERATOR))
