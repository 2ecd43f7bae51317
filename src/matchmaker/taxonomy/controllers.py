"""The taxonomy over HTTP: open to everyone, without a database."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from matchmaker.core import access
from matchmaker.core.language import Language
from matchmaker.core.problems import problems
from matchmaker.core.wire import Money
from matchmaker.taxonomy import scale, schemas, service, wording
from matchmaker.taxonomy.errors import (
    CodeNotFound,
    QuestionnaireNotFound,
    SchemeNotFound,
    UnknownCode,
)
from matchmaker.taxonomy.registry import Taxonomy

Released = NamedDependency[SkipValidation[Taxonomy]]
Parent = Annotated[
    str | None,
    QueryParameter(max_length=64, description="Only the codes right below this one"),
]
Typed = Annotated[str, QueryParameter(min_length=1, max_length=100, description="What was typed")]
InScheme = Annotated[
    str | None, QueryParameter(max_length=64, description="Only codes of this scheme")
]
Limit = Annotated[int, QueryParameter(ge=1, le=50, description="How many at most, 1 to 50")]


class TaxonomyController(Controller):
    """Released tables of codes."""

    path = "/taxonomy"
    tags = ("Taxonomy",)
    opt = access.public()

    @get(operation_id="getTaxonomy", responses=problems())
    async def overview(
        self, taxonomy: Released, language: NamedDependency[Language]
    ) -> schemas.TaxonomyOverview:
        """List every table with its edition, validity and origin, and the version of all."""
        return wording.overview(taxonomy, language)

    @get("/suggest", operation_id="suggestCodes", responses=problems(SchemeNotFound))
    async def suggest(
        self,
        taxonomy: Released,
        language: NamedDependency[Language],
        *,
        q: Typed,
        scheme: InScheme = None,
        limit: Limit = 10,
    ) -> schemas.Suggestions:
        """Find codes by code, name or synonym, typed in Chinese or English."""
        found = service.suggestions(taxonomy, q, scheme=scheme, limit=limit)
        return wording.suggestions(taxonomy, found, language)

    @get("/{scheme:str}", operation_id="getScheme", responses=problems(SchemeNotFound))
    async def scheme(
        self,
        scheme: FromPath[str],
        taxonomy: Released,
        language: NamedDependency[Language],
        parent: Parent = None,
    ) -> schemas.SchemeDetail:
        """Read a table: all its codes in their order, or those right below one code."""
        return wording.scheme_detail(taxonomy.scheme(scheme), language, parent=parent)

    @get(
        "/{scheme:str}/{code:str}",
        operation_id="getCode",
        responses=problems(SchemeNotFound, CodeNotFound),
    )
    async def code(
        self,
        scheme: FromPath[str],
        code: FromPath[str],
        taxonomy: Released,
        language: NamedDependency[Language],
    ) -> schemas.CodeDetail:
        """Read one code with what stands above and below it and its counterparts in other schemes.

        An industry may be spelt without its letter (3311), a region with 2 or 4 digits (2102).
        """
        entry = service.find_entry(taxonomy, scheme, code)
        return wording.code_detail(taxonomy, taxonomy.scheme(scheme), entry, language)


class ScaleController(Controller):
    """The size of an enterprise."""

    path = "/scale"
    tags = ("Taxonomy",)
    opt = access.public()

    @post(operation_id="computeScale", status_code=200, responses=problems(UnknownCode))
    async def compute(
        self,
        data: JSONBody[schemas.ScaleFigures],
        taxonomy: Released,
        language: NamedDependency[Language],
    ) -> schemas.ScaleResult:
        """Tell a firm's size by a named scheme and what it rests on; nothing is stored.

        A missing figure is never guessed: the answer says whether it could change the result.
        """
        figures = scale.Figures(
            employees=data.employees,
            revenue=amount(data.revenue),
            assets=amount(data.assets),
            industry=data.industry,
        )
        found = service.scale_of(taxonomy, figures, data.scheme)
        return wording.scale_result(taxonomy, found, language)


class QuestionnaireController(Controller):
    """Published self-assessments."""

    path = "/questionnaires"
    tags = ("Taxonomy",)
    opt = access.public()

    @get(operation_id="listQuestionnaires", responses=problems())
    async def list(
        self, taxonomy: Released, language: NamedDependency[Language]
    ) -> schemas.Questionnaires:
        """List the published self-assessments with their editions."""
        return schemas.Questionnaires(items=wording.questionnaires(taxonomy, language))

    @get(
        "/{scheme:str}", operation_id="getQuestionnaire", responses=problems(QuestionnaireNotFound)
    )
    async def read(
        self,
        scheme: FromPath[str],
        taxonomy: Released,
        language: NamedDependency[Language],
    ) -> schemas.QuestionnaireDetail:
        """Read a questionnaire: questions with points, scenes and the rule of levels."""
        return wording.questionnaire(taxonomy, taxonomy.questionnaire(scheme), language)


CONTROLLERS = (TaxonomyController, ScaleController, QuestionnaireController)


def amount(money: Money | None) -> scale.Amount | None:
    """Money of the wire as the rule reads it."""
    return None if money is None else scale.Amount(amount=money.amount, currency=money.currency)
