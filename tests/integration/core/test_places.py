from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.clusters import FAST, reachable_directory

from matchmaker.core.postgres import Embedded, EmbeddedUnavailable, places


def test_the_next_owner_has_the_same_port() -> None:
    with reachable_directory() as place:
        with Embedded(place, FAST).start() as first:
            port = first.port
        with Embedded(place, FAST).start() as second:
            assert second.port == port


def test_a_cluster_that_is_closed_off_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    home = tmp_path / "postgres"
    (home / "pgdata-18").mkdir(parents=True)
    tmp_path.chmod(0o700)
    user = places.User(os.getuid() + 1, os.getgid() + 1)

    with pytest.raises(EmbeddedUnavailable, match="search permission"):
        places.data_place(home, user)


def test_a_place_once_chosen_is_kept(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "postgres", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / places.MOVED).write_text(f"{elsewhere}\n")

    assert places.data_place(home, places.User(os.getuid(), os.getgid())) == elsewhere
