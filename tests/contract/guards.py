"""The guards of the product: where each stands, what it is without effect, the test it turns red.

Those whose test needs no server are tried with every run, all of them in `make soak`.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import true

from matchmaker.core.limits.settling import Standing
from matchmaker.core.machine import Actor
from matchmaker.identity.access import Principal, scopes_of
from matchmaker.identity.models import OrganisationId, OrganisationRole

IDENTITY: Final = "tests/integration/identity"
CONTRACT: Final = "tests/contract"
UNIT: Final = "tests/unit"


class Guard(NamedTuple):
    """One guard."""

    name: str
    module: str
    attribute: str
    """Below the module, dotted."""
    without: Any
    """What it is replaced by: it lets everything pass."""
    test: str
    """By the start of its id; of several cases at least one must turn red."""

    def place(self) -> tuple[Any, str]:
        """What holds the guard, and under which name."""
        found: Any = importlib.import_module(self.module)
        *path, last = self.attribute.split(".")
        for name in path:
            found = getattr(found, name)
        return found, last


def nothing(*_: object, **__: object) -> None:
    """Let it pass."""


async def later_nothing(*_: object, **__: object) -> None:
    """Let it pass."""


async def yes(*_: object, **__: object) -> bool:
    """Let it pass."""
    return True


async def no_revision(*_: object, **__: object) -> int:
    """Whatever the caller has seen: it is the first."""
    return 1


def full_deputy(principal: Principal, owner: OrganisationId, _: object) -> Principal:
    """The adviser, with every right of the firm."""
    roles = frozenset({OrganisationRole.SME})
    return replace(
        principal,
        organisation_id=owner,
        roles=roles,
        scopes=scopes_of(roles),
        adviser=principal.organisation_id,
    )


class Unread:
    """A signature that nobody looked at."""

    @staticmethod
    def headers() -> dict[str, str]:
        return {"kid": ""}


def unread(*_: object, **__: object) -> type[Unread]:
    """Let it pass."""
    return Unread


async def within(*_: object, **__: object) -> Standing:
    """As if nobody had ever asked."""
    return Standing(is_within=True, remaining=99, reset=0.0, wait=0.0)


def any_step(machine: Any, _: object, name: str, **__: object) -> Any:  # noqa: ANN401
    """The step, whoever takes it from wherever."""
    return machine.step(name)


class Comparing:
    """A comparison that finds everything equal."""

    @staticmethod
    def compare_digest(*_: object) -> bool:
        return True

    @staticmethod
    def digest(*_: object) -> bytes:
        return bytes(32)


async def any_claim(*_: object) -> None:
    """Nobody was here before."""


def always(*_: object, **__: object) -> bool:
    """Let it pass."""
    return True


def everybody(*_: object) -> frozenset[Actor]:
    """Whoever asks: it is theirs."""
    return frozenset({Actor.OWNER})


def no_condition(*_: object, **__: object) -> Any:  # noqa: ANN401
    """A condition that always holds."""
    return true()


def no_conditions(*_: object, **__: object) -> tuple[Any, ...]:
    """Conditions that always hold."""
    return (true(),)


_M: Final = "matchmaker."
GUARDS: Final = (
    Guard(
        "the secret of a key",
        f"{_M}identity.authentication",
        "hmac",
        Comparing,
        f"{IDENTITY}/test_authentication.py::TestWrongCredentials::test_they_all_get_one_answer",
    ),
    Guard(
        "scope and role of an operation",
        f"{_M}identity.authentication",
        "_check",
        nothing,
        f"{IDENTITY}/test_authentication.py::TestWhoPasses::test_a_missing_scope_is_named",
    ),
    Guard(
        "an organisation that is suspended",
        f"{_M}identity.authentication",
        "_check_active",
        nothing,
        f"{IDENTITY}/test_authentication.py::TestWhoPasses"
        "::test_nobody_acts_for_an_inactive_organisation",
    ),
    Guard(
        "revocation",
        f"{_M}identity.remembering",
        "CACHE_SECONDS",
        60.0,
        f"{IDENTITY}/test_authentication.py::TestRevocation::test_it_acts_in_time["
        "update mm.api_key",
    ),
    Guard(
        "expiry of a key",
        f"{_M}identity.issuing.queries",
        "_live",
        no_conditions,
        f"{IDENTITY}/test_issuing.py::TestMaking::test_it_ends_when_it_was_said_to",
    ),
    Guard(
        "the networks of a key",
        f"{_M}identity.authentication",
        "is_allowed_from",
        always,
        f"{IDENTITY}/test_issuing.py::TestNetworks::test_it_is_taken_from_there_alone",
    ),
    Guard(
        "no key gives more than it has",
        f"{_M}identity.issuing.service",
        "_refuse_more",
        nothing,
        f"{IDENTITY}/test_issuing.py::TestMaking::test_nobody_gives_more_than_they_have",
    ),
    Guard(
        "no role gives more than it has",
        f"{_M}identity.people.service",
        "_refuse_more",
        nothing,
        f"{IDENTITY}/test_sessions.py::TestRoles::test_nobody_gives_a_role_that_allows_more",
    ),
    Guard(
        "the owner of people",
        f"{_M}identity.people.service",
        "require_own",
        nothing,
        f"{IDENTITY}/test_people.py::TestMembers::test_not_even_an_operator_sees_anothers_people",
    ),
    Guard(
        "argon2id",
        f"{_M}identity.sessions.passwords",
        "Passwords.fits",
        yes,
        f"{IDENTITY}/test_sessions.py::TestLoggingIn::test_whoever_is_refused_does_not_learn_why",
    ),
    Guard(
        "TOTP",
        f"{_M}identity.sessions.service",
        "takes",
        yes,
        f"{IDENTITY}/test_sessions.py::TestSecondFactor::test_it_is_asked_for_from_then_on",
    ),
    Guard(
        "the end of a session",
        f"{_M}identity.sessions.queries",
        "_open",
        no_conditions,
        f"{IDENTITY}/test_sessions.py::TestSession::test_it_ends_however_busy_it_is",
    ),
    Guard(
        "CSRF: header, Origin, Sec-Fetch-Site",
        f"{_M}core.origin",
        "check",
        nothing,
        f"{IDENTITY}/test_sessions.py::TestOtherSites::test_they_change_nothing",
    ),
    Guard(
        "row-level security is told who acts",
        f"{_M}core.db",
        "ACTING",
        "mm.nothing",
        "tests/integration/core/test_walls.py::TestActing::test_each_sees_its_own",
    ),
    Guard(
        "content type",
        f"{_M}core.http",
        "_check_body",
        nothing,
        f"{CONTRACT}/test_http_edges.py::test_a_refused_request_gets_a_problem[no media type",
    ),
    Guard(
        "query parameters",
        f"{_M}core.http",
        "_check_query",
        nothing,
        f"{CONTRACT}/test_http_edges.py::test_a_refused_request_gets_a_problem"
        "[unknown query parameter",
    ),
    Guard(
        "control characters",
        f"{_M}core.wire",
        "_refuse_control_characters",
        nothing,
        f"{UNIT}/core/test_wire.py::",
    ),
    Guard(
        "If-Match",
        f"{_M}core.etags",
        "provide_known_revision",
        no_revision,
        f"{CONTRACT}/test_needs_api.py::TestRevise::test_it_starts_from_what_the_caller_has_seen",
    ),
    Guard(
        "the state a step starts from",
        f"{_M}core.transitions",
        "checked",
        any_step,
        f"{CONTRACT}/test_needs_api.py::TestTransitions"
        "::test_a_step_from_elsewhere_says_where_it_stands",
    ),
    Guard(
        "whose a need is",
        f"{_M}demand.service",
        "sees_whole",
        always,
        f"{CONTRACT}/test_needs_api.py::TestRead::test_a_need_of_somebody_else_is_like_none",
    ),
    Guard(
        "whose a profile is",
        f"{_M}enterprise.service",
        "check_owner",
        nothing,
        f"{CONTRACT}/test_profile_api.py::TestReaders::test_nor_can_anybody_else_state_it",
    ),
    Guard(
        "whose a receipt is",
        f"{_M}matching.replays",
        "require_own",
        later_nothing,
        f"{CONTRACT}/test_match_replays.py::test_a_receipt_is_for_its_caller",
    ),
    Guard(
        "the claim of an Idempotency-Key",
        f"{_M}core.once.layer",
        "_claim",
        any_claim,
        f"{CONTRACT}/test_once.py::test_what_comes_at_the_same_time_is_done_once",
    ),
    Guard(
        "limits",
        f"{_M}core.limits.settling",
        "Ledger.charge",
        within,
        "tests/integration/core/test_limits.py"
        "::test_an_answer_says_what_is_left_and_a_refusal_when_to_come_again",
    ),
    Guard(
        "the consent that names a firm to an agency",
        f"{_M}enterprise.reach.queries",
        "_allowed",
        no_condition,
        f"{CONTRACT}/test_reach.py::test_it_ends_with_the_consent[one wall",
    ),
    Guard(
        "who looks for experts",
        f"{_M}identity.experts.service",
        "actors_of",
        everybody,
        f"{CONTRACT}/test_experts.py::test_nobody_else_does[one wall",
    ),
    Guard(
        "the delegation of an adviser",
        f"{_M}identity.authentication",
        "deputy",
        full_deputy,
        f"{CONTRACT}/test_delegations.py::test_it_may_do_what_was_named_and_no_more",
    ),
    Guard(
        "the note that a firm's data was seen",
        f"{_M}identity.sightings.service",
        "record",
        later_nothing,
        f"{CONTRACT}/test_sightings.py::test_whoever_shares_a_need_is_told_of",
    ),
    Guard(
        "the signature of a cursor",
        f"{_M}core.cursors",
        "hmac",
        Comparing,
        f"{UNIT}/core/test_cursors.py::test_every_changed_octet_is_noticed",
    ),
    Guard(
        "the signature of a receipt",
        "joserfc.jws",
        "deserialize_compact",
        unread,
        f"{UNIT}/core/test_signing.py::test_another_key_and_another_text_fail",
    ),
    Guard(
        "SSRF: what is inside",
        f"{_M}core.outbound.target",
        "is_public",
        always,
        f"{UNIT}/feed/test_target.py::test_nothing_is_sent_elsewhere",
    ),
)
