"""`matchmaker assess` and `matchmaker path` on the demo pool, in both languages and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.factories import SEEDS

from matchmaker.cli import commands

HAN = re.compile("[\u3400-\u9fff]")
FIRM = json.loads((SEEDS / "demo/smes.jsonl").read_text().splitlines()[0])
LINE = json.loads((SEEDS / "demo/assessments.jsonl").read_text().splitlines()[0])
ANSWERS = {name: value for name, value in LINE.items() if name != "firm"}


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MATCHMAKER_DATA", str(tmp_path))
    return CliRunner()


def ask(runner: CliRunner, command: str, body: object, *options: str) -> Result:
    return runner.invoke(commands, [command, "-", *options], input=json.dumps(body))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_assess_tells_level_and_stage(called: CliRunner, language: str) -> None:
    found = ask(called, "assess", ANSWERS, "--language", language)
    assert found.exit_code == 0, found.output
    names = {"en": ("Level 1 (initial)", "Tool-assisted"), "zh": ("一级（初始级）", "工具辅助")}
    assert all(name in found.output for name in names[language])
    assert bool(HAN.search(found.output)) == (language == "zh")


def test_assess_as_json_is_what_the_api_answers(called: CliRunner) -> None:
    found = ask(called, "assess", ANSWERS, "--json")
    told = json.loads(found.output)
    assert told["result"]["level"]["code"] == "1"
    assert told["open"]["questions"] == []


def test_assess_of_few_answers_says_what_to_ask_next(called: CliRunner) -> None:
    said = {"scheme": "cn_miit_sme_2024", "answers": {"f5": "none"}}
    found = ask(called, "assess", said, "--json")
    told = json.loads(found.output)
    assert told["result"] is None
    assert told["open"]["asked_in_all"] == 31
    assert len(told["open"]["questions"]) == 30


def test_a_firm_of_the_demo_stands_for_a_file(called: CliRunner) -> None:
    of_file = ask(called, "assess", ANSWERS, "--json")
    of_firm = called.invoke(commands, ["assess", "--firm", LINE["firm"], "--json"])
    assert (of_firm.exit_code, of_firm.output) == (0, of_file.output)


def test_one_of_file_and_firm_is_given_and_the_firm_is_there(called: CliRunner) -> None:
    for command in ("assess", "path"):
        for given in ([], ["-", "--firm", LINE["firm"]]):
            assert called.invoke(commands, [command, *given], input="{}").exit_code == 2
        found = called.invoke(commands, [command, "--firm", "nobody"])
        assert found.exit_code == 1
        assert "nobody" in found.output


def test_what_cannot_be_read_is_one_failure_with_its_places(called: CliRunner) -> None:
    found = ask(called, "assess", {"scheme": "siri", "value": "9"})
    assert found.exit_code == 1
    assert "#/value" in found.output
    assert ask(called, "assess", {"scheme": "siri", "colour": 1}).exit_code == 1


def test_without_an_index_path_says_how_to_get_one(called: CliRunner) -> None:
    found = ask(called, "path", {"profile": {}})
    assert found.exit_code == 1
    assert "make seed" in found.output
