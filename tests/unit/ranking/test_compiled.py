"""Kernels are used where numba is and nobody turned them off; nothing else loads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from matchmaker.core.settings import from_environment
from matchmaker.fast import turning
from matchmaker.ranking.compiled import SWITCH


def test_without_numba_numpy_does_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(turning, "find_spec", lambda _: None)
    assert not turning.turn_on(tmp_path / "kernels")
    assert SWITCH.kernels is None
    assert not (tmp_path / "kernels").exists()


def test_off_is_off_wherever_numba_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "find_spec", lambda _: pytest.fail("numba was looked for"))
    assert not turning.turn_on(from_environment({"MATCHMAKER_KERNELS": "off"}).kernel_folder)


def test_where_nothing_can_be_kept_numpy_does_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(turning, "find_spec", lambda _: object())
    (tmp_path / "file").touch()
    with capture_logs() as logs:
        assert not turning.turn_on(tmp_path / "file" / "kernels")
    assert [line["event"] for line in logs] == ["kernels.not_kept"]
    assert SWITCH.kernels is None


def test_they_are_kept_below_the_data_directory(tmp_path: Path) -> None:
    settings = from_environment({"MATCHMAKER_DATA": str(tmp_path)})
    assert settings.kernel_folder == tmp_path / "kernels"
