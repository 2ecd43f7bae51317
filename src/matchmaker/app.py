"""Composition root: the only module that knows every room."""

from __future__ import annotations

import datetime as dt
import functools
import multiprocessing
import os
from itertools import chain as joined
from typing import TYPE_CHECKING, TypeVar

from litestar import Litestar, Router
from litestar.di import Provide

from matchmaker.catalog.admissions import jobs as admission_jobs
from matchmaker.catalog.admissions.controllers import AdmissionController, PoolAdmissionController
from matchmaker.catalog.admissions.queries import admissions_to_pools_of
from matchmaker.catalog.components.controllers import OfferingComponentController, SystemController
from matchmaker.catalog.controllers import OfferingController, ProviderController
from matchmaker.catalog.evidence import jobs as evidence_jobs
from matchmaker.catalog.evidence.controllers import EvidenceController
from matchmaker.catalog.history.controllers import (
    OfferingVersionController,
    OwnOfferingController,
)
from matchmaker.catalog.life import jobs as catalog_jobs
from matchmaker.catalog.life.controllers import OfferingLifeController
from matchmaker.catalog.life.facts import Declarations
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
from matchmaker.core.clock import utc_now
from matchmaker.core.cursors import Cursors
from matchmaker.core.docs import DocsController
from matchmaker.core.health import Check, HealthController, database_checks
from matchmaker.core.jobs import Cron, housekeeping
from matchmaker.core.limits import jobs as limit_jobs
from matchmaker.core.limits.addresses import Addresses, networks
from matchmaker.core.once import jobs as once_jobs
from matchmaker.core.sealing import Sealer
from matchmaker.core.secret import secret
from matchmaker.core.settings import SettingsInvalid, from_environment
from matchmaker.core.signing import Signer
from matchmaker.demand import controllers as demand
from matchmaker.demand import jobs as demand_jobs
from matchmaker.demand import reading
from matchmaker.demand.joining.controllers import NeedMemberController
from matchmaker.demand.queries import needs_shared_with
from matchmaker.demand.reading.controllers import NeedReadingController
from matchmaker.enterprise.assessments import jobs as assessment_jobs
from matchmaker.enterprise.assessments import policy as assessment_policy
from matchmaker.enterprise.assessments.controllers import AssessmentController
from matchmaker.enterprise.assessments.reading import Reader as AssessmentReader
from matchmaker.enterprise.controllers import ProfileController
from matchmaker.enterprise.reach import jobs as reach_jobs
from matchmaker.enterprise.reach import policy as reach_policy
from matchmaker.enterprise.reach.controllers import JurisdictionController
from matchmaker.exchange import controllers as exchange
from matchmaker.exchange import jobs as exchange_jobs
from matchmaker.exchange.kinds import Means
from matchmaker.feed import controllers as feed
from matchmaker.feed.events.audit import Chain
from matchmaker.feed.webhooks import policy
from matchmaker.feed.webhooks.sending import Sender
from matchmaker.feed.webhooks.working import jobs as webhook_jobs
from matchmaker.feed.webhooks.working.delivering import SECRETS
from matchmaker.feed.webhooks.working.delivering import Means as WebhookMeans
from matchmaker.identity import controllers as identity
from matchmaker.identity.authentication import (
    Authentication,
    provide_principal,
    provide_visitor,
)
from matchmaker.identity.oauth import jobs as oauth_jobs
from matchmaker.identity.oauth.controllers import AuthorizationServerController
from matchmaker.identity.oauth.tokens import AccessTokens
from matchmaker.identity.sessions import jobs as session_jobs
from matchmaker.identity.sessions.passwords import Passwords
from matchmaker.identity.sessions.service import SECOND_FACTORS, Desk
from matchmaker.identity.sightings import jobs as sighting_jobs
from matchmaker.matching import editions, phrases
from matchmaker.matching.archive import Archive
from matchmaker.matching.controllers import (
    MatchController,
    MatchRunController,
    NeedMatchController,
    ReceiptKeyController,
)
from matchmaker.matching.index import IndexHolder, IndexVersions
from matchmaker.matching.library import Library
from matchmaker.matching.matcher import Matcher
from matchmaker.matching.registry import PHRASES
from matchmaker.matching.shortlists.controllers import ShortlistController
from matchmaker.rules import form
from matchmaker.taxonomy import controllers as taxonomy
from matchmaker.taxonomy.checking import Checker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from litestar.di import Provide as Provided
    from litestar.types import ControllerRouterHandler
    from sqlalchemy.ext.asyncio import AsyncEngine

    from matchmaker.core.jobs import Handler
    from matchmaker.core.settings import Settings
    from matchmaker.feed.sharing import Shared

T = TypeVar("T")

CONTROLLERS: tuple[ControllerRouterHandler, ...] = (
    *taxonomy.CONTROLLERS,
    *identity.CONTROLLERS,
    OfferingController,
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
    *demand.CONTROLLERS,
    NeedReadingController,
    NeedMemberController,
    MatchController,
    NeedMatchController,
    MatchRunController,
    ReceiptKeyController,
    ShortlistController,
    *feed.CONTROLLERS,
    *exchange.CONTROLLERS,
)
"""Every controller of the API, room by room; all are served under /v1."""

BESIDE: tuple[ControllerRouterHandler, ...] = (
    HealthController,
    DocsController,
    AuthorizationServerController,
)
"""Those beside /v1."""

INDEX = "index"
"""The folder of published indexes below the data directory."""


class Released:
    """Everything released with the code that requests are answered with, loaded once."""

    def __init__(self, seeds: Path) -> None:
        """Load the taxonomy, the model and the words of ``seeds``."""
        loaded = editions.load(seeds)
        self.taxonomy, self.words, self.parts = loaded.taxonomy, loaded.words, loaded.parts
        self.model, self.reader = loaded.model, loaded.reader
        self.checker = Checker(self.taxonomy, self.reader.fields)
        self.declarations = Declarations.of(self.taxonomy, self.words.tokenizer, self.words.version)
        self.book = phrases.load(seeds / PHRASES)
        self.webhooks = policy.load(seeds)
        phrases_of = {
            each.id: [*joined(*each.phrases.values())] for each in self.words.tokenizer.concepts
        }
        self.need_reader = reading.load(seeds, self.taxonomy, phrases_of)
        self.reach = reach_policy.load(seeds)
        self.sightings = sighting_jobs.load(seeds)
        self.assessing = AssessmentReader(self.checker, assessment_policy.load(seeds))

    @property
    def edition(self) -> editions.Edition:
        """What shapes an index beside the offerings."""
        return editions.Edition(self.taxonomy, self.words, self.model, self.reader, self.parts)

    def matcher(self, index_folder: Path) -> Matcher:
        """A matcher on the index published below ``index_folder``."""
        holder = IndexHolder(index_folder, self.has_built)
        return Matcher(holder, self.model, self.reader, self.book, utc_now)

    def has_built(self, index: IndexVersions) -> bool:
        """Whether an index was built with this release."""
        return index.edition == self.edition.names

    def means(self) -> Means:
        """What imports are held against."""
        return Means(
            checker=self.checker,
            tokenizer=self.words.tokenizer,
            text_version=self.words.version,
        )


def handlers(released: Released, engine: AsyncEngine) -> Mapping[str, Handler]:
    """What a worker does, by the kind of the job; ``engine`` is for reading beside a job's work."""
    return {
        **housekeeping.HANDLERS,
        **once_jobs.HANDLERS,
        **limit_jobs.HANDLERS,
        **session_jobs.HANDLERS,
        **oauth_jobs.HANDLERS,
        **sighting_jobs.handlers(released.sightings),
        **catalog_jobs.HANDLERS,
        **evidence_jobs.HANDLERS,
        **admission_jobs.handlers(released.checker.fields),
        **reach_jobs.handlers(released.taxonomy, released.reach),
        **assessment_jobs.handlers(released.assessing.policy),
        **demand_jobs.HANDLERS,
        **exchange_jobs.handlers(released.means(), db.reading(engine)),
        **webhook_jobs.handlers(released.webhooks),
    }


def senders(settings: Settings, released: Released, engine: AsyncEngine) -> Mapping[str, Handler]:
    """What waits for others' servers, and so is done by a worker of its own."""
    means = webhook_means(released, settings, secret(settings))
    return webhook_jobs.senders(means, db.reading(engine))


def webhook_means(released: Released, settings: Settings, secret_: bytes) -> WebhookMeans:
    """What webhooks are checked, sealed and sent with."""
    sender = Sender(is_open=settings.webhooks_open)
    return WebhookMeans(sender=sender, sealer=Sealer(secret_, SECRETS), policy=released.webhooks)


def shared() -> Shared:
    """By subject type what others share with an organisation: it sees the events too."""
    return {
        "need": needs_shared_with,
        "admission": admissions_to_pools_of,
    }


def crons() -> Sequence[Cron]:
    """What is due again and again."""
    return (
        *housekeeping.CRONS,
        *once_jobs.CRONS,
        *limit_jobs.CRONS,
        *session_jobs.CRONS,
        *oauth_jobs.CRONS,
        *sighting_jobs.CRONS,
        *catalog_jobs.CRONS,
        *evidence_jobs.CRONS,
        *admission_jobs.CRONS,
        *reach_jobs.CRONS,
        *assessment_jobs.CRONS,
        *demand_jobs.CRONS,
        *exchange_jobs.CRONS,
        *webhook_jobs.CRONS,
    )


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
    engine = db.create_engine(settings.database_url, settings)
    released = Released(shipped.folder("seeds"))
    app = installed(settings, engine, released, counted=limited(settings, engine))
    app.on_shutdown.append(engine.dispose)
    return app


def limited(settings: Settings, engine: AsyncEngine) -> limits.Limits | None:
    """What counts requests, as the settings say; None where nothing does."""
    wanted = limits.policies(settings.limits)
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
    matcher = released.matcher(settings.data_directory / INDEX)
    seen_too, chain = shared(), Chain()
    library = Library(matcher, Archive(settings.data_directory / INDEX))

    async def has_index() -> bool:
        return matcher.holder.current() is not None

    return create_app(
        settings,
        engine,
        dependencies={
            "taxonomy": Provide(lambda: released.taxonomy, sync_to_thread=False),
            "checker": Provide(lambda: released.checker, sync_to_thread=False),
            "assessing": Provide(lambda: released.assessing, sync_to_thread=False),
            "declarations": Provide(lambda: released.declarations, sync_to_thread=False),
            "reach_policy": Provide(lambda: released.reach, sync_to_thread=False),
            "matcher": Provide(lambda: matcher, sync_to_thread=False),
            "library": Provide(lambda: library, sync_to_thread=False),
            "webhook_means": Provide(
                _kept(settings, functools.partial(webhook_means, released, settings)),
                sync_to_thread=False,
            ),
            "need_reader": Provide(lambda: released.need_reader, sync_to_thread=False),
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
        [*BESIDE, Router("/v1", route_handlers=handled)],
        state=app_state,
        dependencies={
            **_dependencies(settings, engine),
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


def _dependencies(settings: Settings, engine: AsyncEngine) -> dict[str, Provided]:
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
        "desk": Provide(_desk(settings, engine), sync_to_thread=False),
        "principal": Provide(provide_principal),
        "visitor": Provide(provide_visitor),
    }


def _with_limits(
    controllers: Sequence[ControllerRouterHandler], settings: Settings
) -> list[ControllerRouterHandler]:
    """``controllers``, where files are handed in with a limit of its own for their size."""
    files = [each for each in controllers if each is exchange.ImportController]
    rest = [each for each in controllers if each is not exchange.ImportController]
    limit = settings.import_limit
    return [*rest, Router("/", route_handlers=files, request_max_body_size=limit)]


def _desk(settings: Settings, engine: AsyncEngine) -> Callable[[], Desk]:
    """Gives what logins are checked with: one for the process, for they take turns."""
    passwords, reading = Passwords(), db.reading(engine, acting=db.INSTALLATION)
    sealer = _kept(settings, functools.partial(Sealer, purpose=SECOND_FACTORS))
    lifetime = dt.timedelta(seconds=settings.session_lifetime)
    return lambda: Desk(passwords, sealer(), reading, lifetime)


def _kept(settings: Settings, made_of: Callable[[bytes], T]) -> Callable[[], T]:
    """Gives what is made of the secret, once it is asked for: only then there has to be one."""

    @functools.cache
    def provide() -> T:
        return made_of(secret(settings))

    return provide
