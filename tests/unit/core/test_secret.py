from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matchmaker.core.secret import secret
from matchmaker.core.settings import Settings


def test_every_worker_finds_the_same_secret_whoever_comes_first(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "new"))
    with ThreadPoolExecutor(8) as workers:
        found = set(workers.map(lambda _: secret(settings), range(32)))
    assert len(found) == 1
    assert len(found.pop()) >= 32
    kept = list((tmp_path / "new").iterdir())
    assert [path.name for path in kept] == ["secret"]
    assert kept[0].stat().st_mode & 0o077 == 0


def test_a_setting_comes_first(tmp_path: Path) -> None:
    assert secret(Settings(data=str(tmp_path), secret="s" * 32)) == b"s" * 32
    assert not list(tmp_path.iterdir())
