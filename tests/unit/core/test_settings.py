"""Settings come from the mapping that is passed in, strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from matchmaker.core import log, settings
from matchmaker.core.settings import Settings, SettingsInvalid


def test_an_empty_environment_is_an_installation() -> None:
    assert settings.from_environment({}) == Settings()
    assert settings.from_environment({"MATCHMAKER_PORT": ""}) == Settings()
    assert Settings().data_directory == Path.cwd() / ".data"


def test_variables_are_decoded() -> None:
    found = settings.from_environment(
        {
            "DATABASE_URL": "postgresql://u:p@h/d",
            "MATCHMAKER_POOL_SIZE": "16",
            "MATCHMAKER_BODY_DEADLINE": "2.5",
            "MATCHMAKER_DATA": "/var/lib/m",
            "HOME": "/root",
        }
    )
    assert found.database_url == "postgresql://u:p@h/d"
    assert (found.pool_size, found.body_deadline) == (16, 2.5)
    assert found.data_directory == Path("/var/lib/m")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MATCHMAKER_PORT", "many", "port"),
        ("MATCHMAKER_PORT", "70000", "port"),
        ("MATCHMAKER_POOL_SIZE", "0", "pool_size"),
        ("MATCHMAKER_COLOUR", "red", "colour"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        settings.from_environment({name: value})
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_secrets_never_reach_a_log() -> None:
    event = log.redact(
        None, "", {"event": "x", "api_key": "k", "Authorization": "b", "status": 200}
    )
    assert event == {
        "event": "x",
        "api_key": "[redacted]",
        "Authorization": "[redacted]",
        "status": 200,
    }
