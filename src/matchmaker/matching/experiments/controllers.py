"""Experiments over HTTP: operators compare two models on stored matches."""

from __future__ import annotations

from typing import Final

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from matchmaker.core import etags, transitions
from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession, Session
from matchmaker.core.language import Language
from matchmaker.core.once import creates
from matchmaker.core.problems import problems
from matchmaker.core.transitions import TransitionRequest, Transitions
from matchmaker.core.wire import InvalidContent, Page
from matchmaker.identity.access import Principal, Scope, needs
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.experiments import queries, schemas, service
from matchmaker.matching.experiments.errors import ExperimentNotFound
from matchmaker.matching.experiments.machine import EXPERIMENT
from matchmaker.matching.experiments.models import Experiment, ExperimentId
from matchmaker.matching.experiments.results import results_of
from matchmaker.matching.experiments.rules import Rules
from matchmaker.matching.learned.errors import ModelNotFound
from matchmaker.matching.learned.service import actors
from matchmaker.matching.matcher import Matcher

Installed = NamedDependency[SkipValidation[Matcher]]
_READ: Final = needs(Scope.MODELS_READ, roles=(OrganisationRole.OPERATOR,))
_WRITE: Final = needs(Scope.MODELS_WRITE, roles=(OrganisationRole.OPERATOR,))


class ExperimentController(Controller):
    """Two models compared on stored matches."""

    path = "/experiments"
    tags = ("Match",)

    @post(
        operation_id="createExperiment",
        opt={**_WRITE, **creates()},
        status_code=201,
        responses=problems(ModelNotFound, InvalidContent),
        response_headers=etags.HEADERS,
    )
    async def create(
        self,
        *,
        data: JSONBody[schemas.ExperimentDraft],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
        experiment_rules: NamedDependency[SkipValidation[Rules]],
    ) -> Response[schemas.Experiment]:
        """Draft an experiment; it has no effect until it is started.

        Interleaving merges what both models would show into one list, in turns that a seed of the
        receipt draws; A/B shows every firm what one of them ranks, always the same. How sure the
        comparison has to be is fixed with the draft.
        """
        made = await service.create(session, data, experiment_rules, principal)
        return etags.tagged(to_wire(made), made.revision, status_code=201)

    @get(operation_id="listExperiments", opt=_READ, responses=problems(CursorInvalid))
    async def list(
        self,
        *,
        read_session: NamedDependency[ReadSession],
        cursors: NamedDependency[SkipValidation[Cursors]],
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Experiment]:
        """List the experiments, in the order in which they were drafted."""
        listing = Listing("experiments", None, None)
        after = cursors.read(cursor, listing)
        found = await queries.list_experiments(read_session, after=after, limit=limit + 1)
        shown, page = cursors.page(found, limit, listing, lambda each: each.id)
        return Page(items=[to_wire(each) for each in shown], page=page)

    @get(
        "/{experiment_id:uuid}",
        operation_id="getExperiment",
        opt=_READ,
        responses=problems(ExperimentNotFound),
        response_headers=etags.HEADERS,
    )
    async def read(
        self, *, experiment_id: FromPath[ExperimentId], read_session: NamedDependency[ReadSession]
    ) -> Response[schemas.Experiment]:
        """Read the experiment and what it has shown so far.

        What verified firms did counts, each firm once, also what they do after the end. Which model
        is better is said of an experiment that has ended, of enough firms, and at its level.
        """
        found = await service.find(read_session, experiment_id)
        counts = await queries.counts(read_session, experiment_id)
        return etags.tagged(to_wire(found, results_of(found, counts)), found.revision)

    @get(
        "/{experiment_id:uuid}/transitions",
        operation_id="listExperimentTransitions",
        opt=_READ,
        responses=problems(ExperimentNotFound),
        response_headers=etags.HEADERS,
    )
    async def overview(
        self,
        *,
        experiment_id: FromPath[ExperimentId],
        principal: NamedDependency[Principal],
        read_session: NamedDependency[ReadSession],
        matcher: Installed,
        language: NamedDependency[Language],
    ) -> Response[Transitions]:
        """Say what can be done with the experiment now, and what stands against the rest."""
        found = await service.find(read_session, experiment_id)
        return await _transitions(
            read_session, found, principal, matcher=matcher, language=language
        )

    @post(
        "/{experiment_id:uuid}/transitions",
        operation_id="moveExperiment",
        status_code=200,
        opt={**_WRITE, **transitions.taking(EXPERIMENT)},
        responses=problems(ExperimentNotFound, *transitions.PROBLEMS),
        response_headers=etags.HEADERS,
    )
    async def move(
        self,
        *,
        experiment_id: FromPath[ExperimentId],
        data: JSONBody[TransitionRequest],
        principal: NamedDependency[Principal],
        session: NamedDependency[Session],
        matcher: Installed,
        language: NamedDependency[Language],
        seen_revision: NamedDependency[int | None],
    ) -> Response[Transitions]:
        """Start the experiment, or end it; one runs at a time.

        It ends by itself when one of its models is retired, and when another model ranks.
        """
        moved = await service.take_step(
            session, experiment_id, data, principal, matcher=matcher, seen=seen_revision
        )
        return await _transitions(session, moved, principal, matcher=matcher, language=language)


async def _transitions(
    session: ReadSession,
    experiment: Experiment,
    principal: Principal,
    *,
    matcher: Matcher,
    language: Language,
) -> Response[Transitions]:
    told = transitions.overview(
        EXPERIMENT,
        experiment.state,
        experiment.revision,
        actors=actors(principal),
        hindrances=await service.hindrances(session, experiment, matcher),
        language=language,
    )
    return etags.tagged(told, experiment.revision)


def to_wire(experiment: Experiment, results: schemas.Results | None = None) -> schemas.Experiment:
    """An experiment with what it has shown."""
    return schemas.Experiment(
        id=experiment.id,
        name=experiment.name,
        design=experiment.design,
        a_id=experiment.a_id,
        b_id=experiment.b_id,
        measure=experiment.measure,
        level=experiment.level,
        least_firms=experiment.least_firms,
        state=experiment.state,
        note=experiment.note,
        started_at=experiment.started_at,
        ended_at=experiment.ended_at,
        results=results,
        created_at=experiment.created_at,
        changed_at=experiment.changed_at,
    )
