"""Coverage over HTTP."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from matchmaker.catalog.coverage import queries, schemas, wording
from matchmaker.core.clock import utc_now
from matchmaker.core.db import ReadSession
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.identity import access
from matchmaker.taxonomy.registry import Taxonomy

By = Annotated[wording.By, QueryParameter(description="What offerings are counted by")]


class CoverageController(Controller):
    """What the published offerings cover."""

    path = "/offerings"
    tags = ("Catalog",)
    opt = access.public()

    @get("/coverage", operation_id="countOfferings", responses=problems())
    async def coverage(
        self,
        read_session: NamedDependency[ReadSession],
        taxonomy: NamedDependency[SkipValidation[Taxonomy]],
        language: NamedDependency[Language],
        *,
        by: By,
    ) -> schemas.CoverageCount:
        """Count the offerings listed today by what they name; a code that nobody names has 0.

        By the 40 typical scenarios, or by the classes of the national standard system.
        """
        named = await queries.count_named(read_session, today=utc_now().date())
        return wording.counted(taxonomy, wording.SCHEMES[by], named, language)
