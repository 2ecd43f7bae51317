from __future__ import annotations

import msgspec
import pytest

from matchmaker.core.errors import StaleVersion, VersionRequired
from matchmaker.core.etags import (
    Varying,
    etag,
    provide_expected_revision,
    provide_known_revision,
    tagged,
)


async def test_an_etag_names_its_revision() -> None:
    assert await provide_expected_revision(etag(7)) == 7


class Stored(msgspec.Struct):
    name: str


class Told(Varying, frozen=True):
    name: str


async def test_what_its_revision_does_not_tell_whole_has_a_digest_too() -> None:
    assert tagged(Stored("x"), 7).headers["ETag"] == '"7"'
    one, other = (tagged(Told(name), 7).headers["ETag"] for name in ("x", "y"))
    assert one != other
    assert one == tagged(Told("x"), 7).headers["ETag"]
    assert await provide_expected_revision(one) == await provide_expected_revision(other) == 7


@pytest.mark.parametrize("given", [None, "*", " * "])
async def test_a_change_without_a_version_is_refused(given: str | None) -> None:
    with pytest.raises(VersionRequired):
        await provide_expected_revision(given)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "7",
        'W/"7"',
        '"0"',
        '"07"',
        '"-1"',
        '"7", "8"',
        '"x"',
        '"9999999999999999"',
        '"٧"',
        '"7."',
        '"7.x"',
    ],
)
async def test_what_is_no_etag_of_ours_cannot_be_current(given: str) -> None:
    with pytest.raises(StaleVersion):
        await provide_expected_revision(given)


@pytest.mark.parametrize("given", [None, "*", " * "])
async def test_whoever_makes_a_thing_knows_no_version_of_it(given: str | None) -> None:
    assert await provide_known_revision(given) is None


async def test_a_version_that_is_named_is_held_to_all_the_same() -> None:
    assert await provide_known_revision(etag(7)) == 7
    with pytest.raises(StaleVersion):
        await provide_known_revision('"x"')
