"""Composition root: the only module that knows every room."""

from __future__ import annotations

import datetime as dt
import functools
import multiprocessing
import os
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from litestar import Litestar, Router
from litestar.di import Provide

from matchmaker.catalog.admissions.controllers import AdmissionController, PoolAdmissionController
from matchmaker.catalog.components.controllers import OfferingComponentController, SystemController
from matchmaker.catalog.controllers import OfferingController, ProviderController
from matchmaker.catalog.coverage.controllers import CoverageController
from matchmaker.catalog.evidence.controllers import EvidenceController
from matchmaker.catalog.history.controllers import (
    OfferingVersionController,
    OwnOfferingController,
)
from matchmaker.catalog.life.controllers import OfferingLifeController
from matchmaker.catalog.pools.controllers import PoolController
from matchmaker.catalog.supply.controllers import SupplyCardController
from matchmaker.core import (
    access,
    children,
    db,
    etags,
    http,
    limits,
    log,
    once,
    openapi,
    problems,
    provided,
    shipped,
)
from matchmaker.core.cursors import Cursors
from matchmaker.core.docs import DocsController
from matchmaker.core.health import Check, HealthController, database_checks
from matchmaker.core.limits.addresses import Addresses, networks
from matchmaker.core.sealing import Sealer
from matchmaker.core.secret import secret
from matchmaker.core.settings import SettingsInvalid, from_environment
from matchmaker.core.signing import Signer
from matchmaker.demand import controllers as demand
from matchmaker.demand.joining.controllers import NeedMemberController
from matchmaker.demand.reading.controllers import NeedReadingController
from matchmaker.enterprise.assessments.controllers import AssessmentController
from matchmaker.enterprise.controllers import ProfileController
from matchmaker.enterprise.participations.controllers import ParticipationController
from matchmaker.enterprise.reach.controllers import JurisdictionController
from matchmaker.enterprise.recognitions.controllers import RecognitionController
from matchmaker.exchange import controllers as exchange
from matchmaker.fast.turning import turn_on
from matchmaker.feed import controllers as feed
from matchmaker.feed.events.audit import Chain
from matchmaker.identity import controllers as identity
from matchmaker.identity.authentication import (
    Authentication,
    provide_principal,
    provide_visitor,
)
from matchmaker.identity.oauth.controllers import AuthorizationServerController as BesideTokens
from matchmaker.identity.oauth.tokens import AccessTokens
from matchmaker.identity.oidc.opening import opening
from matchmaker.identity.sessions.passwords import Passwords
from matchmaker.identity.sessions.service import SECOND_FACTORS, Desk
from matchmaker.matching.archive import Archive
from matchmaker.matching.batches.controllers import BatchController
from matchmaker.matching.cohorts.controllers import CohortController
from matchmaker.matching.controllers import (
    MatchController,
    MatchRunController,
    NeedMatchController,
    ReceiptKeyController,
)
from matchmaker.matching.curations.controllers import CurationController
from matchmaker.matching.experiments.controllers import ExperimentController
from matchmaker.matching.feedback.controllers import FeedbackController, JudgementController
from matchmaker.matching.learned.controllers import ModelController
from matchmaker.matching.library import Library
from matchmaker.matching.reversing.controllers import ReverseController
from matchmaker.matching.shortlists.controllers import ShortlistController
from matchmaker.pathway.controllers import PathwayController
from matchmaker.policy.guides.controllers import GuideController
from matchmaker.policy.programmes.controllers import JoiningController, ProgrammeController
from matchmaker.released import Released
from matchmaker.rules import form
from matchmaker.taxonomy import controllers as taxonomy
from matchmaker.working import shared, webhook_means

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from litestar.di import Provide as Provided
    from litestar.types import ControllerRouterHandler
    from sqlalchemy.ext.asyncio import AsyncEngine

    from matchmaker.core.settings import Settings

T = TypeVar("T")

CONTROLLERS: tuple[ControllerRouterHandler, ...] = (
    *taxonomy.CONTROLLERS,
    *identity.CONTROLLERS,
    OfferingController,
    CoverageController,
    ProviderController,
    EvidenceController,
    OfferingComponentController,
    SystemController,
    PoolController,
    PoolAdmissionController,
    AdmissionController,
    OfferingLifeController,
    OfferingVersionController,
    OwnOfferingController,
    SupplyCardController,
    ProfileController,
    JurisdictionController,
    AssessmentController,
    RecognitionController,
    ParticipationController,
    *demand.CONTROLLERS,
    NeedReadingController,
    NeedMemberController,
    GuideController,
    ProgrammeController,
    JoiningController,
    MatchController,
    NeedMatchController,
    MatchRunController,
    ReceiptKeyController,
    ShortlistController,
    CurationController,
    ExperimentController,
    CohortController,
    BatchController,
    ReverseController,
    FeedbackController,
    JudgementController,
    ModelController,
    PathwayController,
    *feed.CONTROLLERS,
    *exchange.CONTROLLERS,
)
"""Every controller of the API, room by room; all are served under /v1."""


def served() -> Litestar:
    """The API as the server starts it in each worker, by the settings of its environment."""
    if starter := multiprocessing.parent_process():
        # One of several workers: a killed server must not leave them listening without it.
        children.end_with_parent(starter.pid or 0)
    settings = from_environment(os.environ)
    if settings.database_url is None:
        raise SettingsInvalid(
            "DATABASE_URL is not set; `matchmaker serve` starts a database itself"
        )
    log.configure(settings)
    turn_on(settings.kernel_folder)
    engine = db.create_engine(settings.database_url, settings)
    released = Released(shipped.folder("seeds"))
    app = installed(settings, engine, released, counted=limited(settings, engine, released.limits))
    app.on_shutdown.append(engine.dispose)
    return app


def limited(
    settings: Settings, engine: AsyncEngine, published: Mapping[str, limits.Policy]
) -> limits.Limits | None:
    """What counts requests, as the settings say; None where nothing does."""
    wanted = limits.policies(settings.limits, published)
    if wanted is None:
        return None
    ledger = limits.Ledger(provided.state(engine).write)
    return limits.Limits(wanted, ledger, Addresses(networks(settings.trusted_proxies)))


def installed(
    settings: Settings,
    engine: AsyncEngine,
    released: Released,
    *,
    counted: limits.Limits | None = None,
) -> Litestar:
    """The whole API on ``engine`` with what was released; the caller disposes the engine."""
    matcher = replace(
        released.matcher(settings.index_folder),
        exploration=settings.exploration,
        is_trying=settings.experiments,
    )
    seen_too, chain, need_reader = shared(), Chain(), released.need_reader
    library = Library(matcher, Archive(settings.index_folder))

    async def has_index() -> bool:
        return matcher.holder.current() is not None

    return create_app(
        settings,
        engine,
        dependencies={
            "taxonomy": Provide(lambda: released.taxonomy, sync_to_thread=False),
            "checker": Provide(lambda: released.checker, sync_to_thread=False),
            "assessing": Provide(lambda: released.assessing, sync_to_thread=False),
            "general": Provide(lambda: released.general, sync_to_thread=False),
            "wayfinder": Provide(lambda: released.wayfinder, sync_to_thread=False),
            "declarations": Provide(lambda: released.declarations, sync_to_thread=False),
            "reach_policy": Provide(lambda: released.reach, sync_to_thread=False),
            "matcher": Provide(lambda: matcher, sync_to_thread=False),
            "library": Provide(lambda: library, sync_to_thread=False),
            "webhook_means": Provide(
                _kept(settings, functools.partial(webhook_means, released, settings)),
                sync_to_thread=False,
            ),
            "need_reader": Provide(lambda: need_reader, sync_to_thread=False),
            "experiment_rules": Provide(lambda: released.experiment_rules, sync_to_thread=False),
            "model_words": Provide(lambda: released.model_words, sync_to_thread=False),
            "chain": Provide(lambda: chain, sync_to_thread=False),
            "shared": Provide(lambda: seen_too, sync_to_thread=False),
        },
        checks={"index": has_index},
        counted=counted,
    )


def create_app(
    settings: Settings,
    engine: AsyncEngine,
    *,
    controllers: Sequence[ControllerRouterHandler] = CONTROLLERS,
    dependencies: Mapping[str, Provided] | None = None,
    state: Mapping[str, object] | None = None,
    checks: Mapping[str, Check] | None = None,
    counted: limits.Limits | None = None,
) -> Litestar:
    """The API on ``engine``; the caller owns and disposes the engine.

    ``dependencies`` and ``state`` add to what handlers may ask for by name, ``checks`` to /readyz;
    without ``counted`` callers may ask as often as they like.

    Raises:
        AccessNotDeclared: an operation does not say who may call it.
        OnceNotDeclared: one that creates does not say that it takes an Idempotency-Key.
    """
    guard, handled = http.Guard(), _with_limits(controllers, settings)
    app_state = provided.state(engine)
    access_tokens = _kept(settings, functools.partial(AccessTokens, issuer=settings.issuer))
    authentication = Authentication(
        app_state.read, app_state.write, tokens_=access_tokens, idle=settings.session_idle
    )
    app_state.update({**(state or {}), "checks": {**database_checks(engine), **(checks or {})}})
    app = Litestar(
        [HealthController, DocsController, BesideTokens, Router("/v1", route_handlers=handled)],
        state=app_state,
        dependencies={
            **_dependencies(settings, engine, counted),
            "access_tokens": Provide(access_tokens, sync_to_thread=False),
            **(dependencies or {}),
        },
        middleware=[guard, authentication, *filter(None, [counted]), once.Once(app_state.write)],
        on_shutdown=[authentication.drain, *([counted.ledger.drain] if counted else ())],
        request_class=http.StrictRequest,
        request_max_body_size=settings.body_limit,
        exception_handlers=problems.handlers(),
        openapi_config=openapi.config(),
        opt={openapi.SCHEMAS: {form.NAME: form.SCHEMA}},
        logging_config=None,
    )
    access.check(app)
    once.check(app)
    guard.learn(app)
    app.asgi_handler = http.Edge(app.asgi_handler, body_deadline=settings.body_deadline)
    return app


def _dependencies(
    settings: Settings, engine: AsyncEngine, counted: limits.Limits | None
) -> dict[str, Provided]:
    """What handlers of every installation may ask for by name."""
    return {
        "session": Provide(provided.provide_session),
        "read_session": Provide(provided.provide_read_session),
        "language": Provide(provided.provide_language),
        "expected_revision": Provide(etags.provide_expected_revision),
        "known_revision": Provide(etags.provide_known_revision),
        "seen_revision": Provide(etags.provide_seen_revision),
        "cursors": Provide(_kept(settings, Cursors), sync_to_thread=False),
        "signer": Provide(_kept(settings, Signer), sync_to_thread=False),
        "door": Provide(_kept(settings, opening(settings)), sync_to_thread=False),
        "desk": Provide(_desk(settings, engine, counted), sync_to_thread=False),
        "principal": Provide(provide_principal),
        "visitor": Provide(provide_visitor),
    }


def _with_limits(
    controllers: Sequence[ControllerRouterHandler], settings: Settings
) -> list[ControllerRouterHandler]:
    """``controllers``, where files and long lists are handed in with a limit of its own."""
    large = (exchange.ImportController, BatchController)
    files = [each for each in controllers if each in large]
    rest = [each for each in controllers if each not in large]
    limit = settings.import_limit
    return [*rest, Router("/", route_handlers=files, request_max_body_size=limit)]


def _desk(
    settings: Settings, engine: AsyncEngine, counted: limits.Limits | None
) -> Callable[[], Desk]:
    """Gives what logins are checked with: one for the process, for they take turns."""
    passwords, reading = Passwords(), db.reading(engine, acting=db.INSTALLATION)
    sealer = _kept(settings, functools.partial(Sealer, purpose=SECOND_FACTORS))
    lifetime = dt.timedelta(seconds=settings.session_lifetime)
    return lambda: Desk(passwords, sealer(), reading, lifetime, counted)


def _kept(settings: Settings, made_of: Callable[[bytes], T]) -> Callable[[], T]:
    """Gives what is made of the secret, once it is asked for: only then there has to be one."""

    @functools.cache
    def provide() -> T:
        return made_of(secret(settings))

    return provide
