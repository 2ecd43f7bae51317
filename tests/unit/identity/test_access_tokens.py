"""Access tokens: whose they are taken to be, for how long, and over the change of keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from matchmaker.core import jose
from matchmaker.identity.access import Scope
from matchmaker.identity.oauth import tokens
from matchmaker.identity.oauth.tokens import LIFETIME, PERIOD, AccessTokens, Presented

ISSUER = "https://matchmaker.example"
OURS = AccessTokens(b"s" * 32, ISSUER)
FIRM = UUID(int=7)
SCOPES = frozenset({Scope.NEEDS_READ, Scope.MATCH_RUN})
START = 700 * PERIOD
"""A moment at which the key changes."""
NOW = START + PERIOD // 2


def issued(by: AccessTokens = OURS, *, now: int = NOW) -> str:
    return by.issue("abcdefgh", FIRM, SCOPES, now=now, until=now + LIFETIME)


def forged(key: Any, algorithm: str, *, type_: str = tokens.TYPE, **changed: object) -> str:  # noqa: ANN401
    claims = jose.unverified(issued())[1]
    return jwt.encode(
        {"alg": algorithm, "typ": type_, "kid": OURS._key(NOW // PERIOD).thumbprint()},
        {**claims, **changed},
        key,
        algorithms=[algorithm],
        registry=jose._Allowed(algorithms=[algorithm]),
    )


def test_a_token_says_what_it_is_good_for() -> None:
    assert OURS.read(issued(), now=NOW) == Presented("abcdefgh", SCOPES)


def test_it_has_the_form_of_rfc_9068() -> None:
    header, claims = jose.unverified(issued())
    assert (header["typ"], header["alg"]) == ("at+jwt", "Ed25519")
    assert claims["iss"] == claims["aud"] == ISSUER
    assert claims["sub"] == claims["client_id"] == "abcdefgh"
    assert (claims["org"], claims["scope"]) == (str(FIRM), "match:run needs:read")
    assert claims["exp"] - claims["iat"] == 600
    assert len(issued()) < tokens.LONGEST / 4


def test_whoever_has_the_published_keys_can_check_it() -> None:
    found = KeySet.import_key_set({"keys": OURS.public_keys(now=NOW)})
    assert jwt.decode(issued(), found, algorithms=["Ed25519"]).claims["sub"] == "abcdefgh"
    assert all("d" not in key for key in OURS.public_keys(now=NOW))


def test_it_is_taken_for_ten_minutes() -> None:
    assert OURS.read(issued(), now=NOW + LIFETIME + jose.LEEWAY - 1)
    assert OURS.read(issued(), now=NOW + LIFETIME + jose.LEEWAY) is None
    assert OURS.read(issued(), now=NOW - jose.LEEWAY)
    assert OURS.read(issued(), now=NOW - jose.LEEWAY - 1) is None


class TestChangeOfKeys:
    def test_two_keys_are_published_and_a_new_one_comes_by_itself(self) -> None:
        before, after = (
            [key["kid"] for key in OURS.public_keys(now=NOW + shift)] for shift in (0, PERIOD)
        )
        assert len(before) == len(after) == 2
        assert before[1] == after[0], "it was published before it signed anything"

    def test_the_old_key_verifies_until_its_last_token_is_over(self) -> None:
        last = issued(now=START - 1)
        for seconds in (0, LIFETIME, LIFETIME + jose.LEEWAY - 2):
            assert OURS.read(last, now=START + seconds)
            assert len(OURS.public_keys(now=START + seconds)) == 3
        assert len(OURS.public_keys(now=START + LIFETIME + jose.LEEWAY + 1)) == 2

    def test_an_old_key_signs_for_nobody_later(self) -> None:
        """Whoever comes by it has nothing, though the token says that it was made now."""
        old = OURS._key(NOW // PERIOD - 1)
        assert OURS.read(forged(old, "Ed25519"), now=NOW) is None

    def test_a_worker_whose_clock_is_ahead_is_believed(self) -> None:
        assert OURS.read(issued(now=START + 5), now=START - 5)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(AccessTokens(b"t" * 32, ISSUER), id="another secret"),
        pytest.param(AccessTokens(b"s" * 32, "https://other.example"), id="another issuer"),
    ],
)
def test_what_others_issue_is_not_taken(foreign: AccessTokens) -> None:
    assert foreign.read(issued(foreign), now=NOW)
    assert OURS.read(issued(foreign), now=NOW) is None


def test_it_is_for_us_and_says_that_it_is_a_token() -> None:
    key = OURS._key(NOW // PERIOD)
    assert OURS.read(forged(key, "Ed25519"), now=NOW)
    assert OURS.read(forged(key, "Ed25519", aud="https://other.example"), now=NOW) is None
    assert OURS.read(forged(key, "Ed25519", aud=[ISSUER, "x"]), now=NOW) is None
    assert OURS.read(forged(key, "Ed25519", type_="JWT"), now=NOW) is None
    assert OURS.read(forged(key, "Ed25519", exp="never"), now=NOW) is None
    assert OURS.read(forged(key, "Ed25519", iat=None), now=NOW) is None


def test_no_other_algorithm_is_taken() -> None:
    """Not none, and not an HMAC whose key is our public one."""
    public = OURS._key(NOW // PERIOD).as_dict(private=False)["x"]
    for key in (OctKey.import_key(str(public)), OctKey.import_key(b"s" * 32)):
        assert OURS.read(forged(key, "HS256"), now=NOW) is None
    head, body, _ = forged(OKPKey.generate_key("Ed25519"), "Ed25519").split(".")
    assert OURS.read(f"{head}.{body}.", now=NOW) is None
    unsigned = forged(OctKey.import_key("x" * 32), "none")
    assert OURS.read(unsigned, now=NOW) is None


@pytest.mark.parametrize("junk", ["", "..", "a.b.c", "é.é.é", "e30.e30.e30", "x" * 5000])
def test_junk_is_none(junk: str) -> None:
    assert OURS.read(junk, now=NOW) is None
