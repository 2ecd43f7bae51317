"""The server as it is run: `matchmaker serve` with two workers on a seeded data directory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clusters import reachable_directory
from tests.e2e import readme

BODY = (Path(__file__).parent / "match.json").read_bytes()
JSON = {"Content-Type": "application/json"}
PROBLEM = "application/problem+json"
PATIENCE = 120.0
"""Seconds for a start; everything after it has shorter deadlines."""
WORKERS = 2
FOREIGN = re.compile(r"(?:src|href|action)=[\"']?(?:https?:)?//")


@dataclass(frozen=True)
class Service:
    """A running server: where it answers, where its files are, its process."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def send(self, path: str, body: object, language: str = "en") -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {**JSON, "Accept-Language": language}
        return httpx.post(f"{self.url}{path}", content=content, headers=headers, timeout=10)

    def get(self, path: str, language: str = "en") -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers={"Accept-Language": language}, timeout=10)


def environment(data: Path) -> dict[str, str]:
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("MATCHMAKER_", "DATABASE"))}
    return {**outside, "MATCHMAKER_DATA": str(data), "PYTHONUTF8": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the server did not become ready")


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with reachable_directory() as data:
        command = [sys.executable, "-m", "matchmaker"]
        subprocess.run(
            [*command, "seed"],
            env=environment(data),
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.DEVNULL,
        )
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        process = subprocess.Popen(
            [*command, "serve", "--port", str(port), "--workers", str(WORKERS)],
            env=environment(data),
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_until_ready(url, process)
            yield Service(url, data, process)
        finally:
            end(process)


@pytest.fixture(scope="module")
def answer(service: Service) -> dict[str, Any]:
    return answered(service.send("/v1/match", BODY))


def answered(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith(PROBLEM)
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    return found


def body(**changes: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BODY)
    for name, value in changes.items():
        found[name] = {**found[name], **value} if isinstance(value, Mapping) else value
    return found


def test_it_lives_and_is_ready(service: Service) -> None:
    assert answered(service.get("/livez")) == {"status": "alive"}
    checks = answered(service.get("/readyz"))["checks"]
    assert checks == {"database": True, "schema": True, "index": True}


def test_the_contract_names_the_operations_it_serves(service: Service) -> None:
    contract = answered(service.get("/openapi.json"))
    assert contract["openapi"].startswith("3.1")
    assert {"/v1/match", "/v1/match/explain", "/v1/offerings", "/v1/scale"} <= set(
        contract["paths"]
    )


def test_the_docs_page_asks_no_other_host_for_anything(service: Service) -> None:
    page = service.get("/docs")
    assert page.status_code == 200
    assert "/v1/match" in page.text
    assert FOREIGN.findall(page.text) == []
    assert FOREIGN.findall('<script src="//cdn.example/x.js">'), "the control must be caught"
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_match_is_ranked_explained_and_accounted_for(service: Service, language: str) -> None:
    response = service.send("/v1/match", BODY, language)
    found = answered(response)
    assert response.headers["content-language"] == language
    assert [item["rank"] for item in found["items"]] == [1, 2, 3]
    for item in found["items"]:
        parts = [item["base"], *(part["adds"] for part in item["contributions"])]
        assert sum(round(part * 1_000_000) for part in parts) == round(item["score"] * 1_000_000)
        assert item["reasons"]
        has_han = bool(re.search("[\u4e00-\u9fff]", " ".join([item["title"], *item["reasons"]])))
        assert has_han == (language == "zh")
    funnel = found["funnel"]
    assert funnel["considered"] == sum(funnel["excluded"].values()) + funnel["scored"]
    assert found["rules"]["need.must.0"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["receipt"]["digest"])


def test_both_languages_rank_the_same(service: Service) -> None:
    ranked = [
        [
            (item["offering_id"], item["score"])
            for item in answered(service.send("/v1/match", BODY, language))["items"]
        ]
        for language in ("zh", "en")
    ]
    assert ranked[0] == ranked[1]


def test_a_shown_offering_is_explained_as_it_was_shown(
    service: Service, answer: dict[str, Any]
) -> None:
    first = answer["items"][0]
    told = answered(
        service.send("/v1/match/explain", body(offering_id=first["offering_id"])),
    )
    assert told["standing"] == "shown"
    assert told["item"] == first


def test_an_offering_below_the_cut_is_explained_with_its_score(
    service: Service, answer: dict[str, Any]
) -> None:
    last = answered(service.send("/v1/match", body(limit=4)))["items"][3]
    told = answered(service.send("/v1/match/explain", body(offering_id=last["offering_id"])))
    assert told["standing"] == "below_cut"
    assert told["item"]["score"] == last["score"] <= answer["items"][2]["score"]


def test_an_excluded_offering_is_explained_by_its_rule(service: Service) -> None:
    # Without its price limit the need lists what the limit leaves out.
    free = answered(service.send("/v1/match", body(need={"must": None}, limit=50)))["items"]
    dear = next(item for item in free if item["price"] and item["price"]["amount"] > 15_000_000)
    told = answered(service.send("/v1/match/explain", body(offering_id=dear["offering_id"])))
    assert told["standing"] == "excluded"
    assert told["item"] is None
    assert told["excluded_by"]["rule"] == "need.must.0"
    assert "150,000" in told["excluded_by"]["sentence"]
    assert told["excluded_by"]["proof"]


def test_an_unknown_offering_is_a_404(service: Service) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    found = problem(service.send("/v1/match/explain", body(offering_id=unknown)), 404)
    assert found["type"].endswith("offering_not_considered")


def test_offerings_and_providers_are_listed(service: Service) -> None:
    offerings = answered(service.get("/v1/offerings"))["items"]
    providers = answered(service.get("/v1/providers"))["items"]
    assert offerings
    assert providers


def test_the_scale_is_told_with_its_basis(service: Service) -> None:
    figures = {
        "employees": 64,
        "revenue": {"amount": 3_800_000_000, "currency": "CNY"},
        "industry": "C3312",
    }
    found = answered(service.send("/v1/scale", figures))
    assert (found["scale"], found["basis"]) == ("small", "computed")


def test_an_unknown_code_is_a_422_that_points_at_it(service: Service) -> None:
    found = problem(service.send("/v1/match", body(need={"scenes": ["quality", "qualty"]})), 422)
    assert [error["pointer"] for error in found["errors"]] == ["#/need/scenes/1"]


def test_a_malformed_rule_is_a_422_that_points_at_it(service: Service) -> None:
    rule = {"all": [{"field": "package.price", "op": "about", "value": 1}]}
    found = problem(service.send("/v1/match", body(need={"must": rule})), 422)
    assert found["errors"][0]["pointer"].startswith("#/need/must/all/0")


def test_storing_a_match_needs_an_account(service: Service) -> None:
    found = problem(service.send("/v1/match", body(persist=True), "zh"), 401)
    assert found["title"] == "保存匹配结果需要登录"


def test_a_match_while_no_index_is_published_is_a_503(service: Service) -> None:
    current = service.data / "index" / "CURRENT"
    aside = current.with_suffix(".aside")
    current.rename(aside)
    try:
        found = problem(service.send("/v1/match", BODY), 503)
        assert found["type"].endswith("index_not_ready")
        assert service.get("/readyz").json()["checks"]["index"] is False
    finally:
        aside.rename(current)
    assert service.send("/v1/match", BODY).status_code == 200


def test_every_worker_gives_the_same_answer(service: Service) -> None:
    """The bytes of all workers agree on everything but the instant, the times and the digest."""
    answers: dict[int, bytes] = {}
    with ExitStack() as held:
        for _ in range(200):
            client = held.enter_context(httpx.Client(base_url=service.url, timeout=10))
            response = client.post("/v1/match", content=BODY, headers=JSON)
            said = timeless(response.content)
            assert answers.setdefault(worker_of(response, service), said) == said
            if len(answers) == WORKERS:
                break
    assert len(answers) == WORKERS
    assert len(set(answers.values())) == 1


def test_the_walk_of_the_readme_is_as_it_says(service: Service, tmp_path: Path) -> None:
    outputs = readme.run(tmp_path, f"{service.url}/v1", environment(service.data))
    for (commands, shown), output in zip(readme.blocks(), outputs, strict=True):
        assert readme.answers(output, shown), f"{commands}\n{output}\nis not\n{shown}"
        wrong = shown.replace('"state": "', '"state": "un').replace('"version": 1', '"version": 2')
        wrong = wrong.replace('"considered": ', '"considered": 1')
        assert wrong != shown
        assert not readme.answers(output, wrong), "the control must be caught"


def test_what_stands_in_for_curl_does_what_curl_does(service: Service, tmp_path: Path) -> None:
    """Where a machine has no curl, the walk of the README is tested with this."""
    stand_in = readme.curl(tmp_path / "curl")
    words = ["-s", "-H", "Accept-Language: zh", "-H", "Content-Type: application/json"]
    call = [*words, f"{service.url}/v1/scale", "-d", '{"employees": 64, "industry": "C3312"}']
    done = subprocess.run([stand_in, *call], capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout)["scale"] == "small"
    if curl := shutil.which("curl"):
        real = subprocess.run([curl, *call], capture_output=True, check=True, timeout=30)
        assert real.stdout == done.stdout


def timeless(content: bytes) -> bytes:
    for pattern, count in (
        (rb'"as_of":"[^"]+"', 2),
        (rb'"digest":"[^"]+"', 1),
        (rb'"timings_ms":\{[^}]*\}', 1),
    ):
        content, found = re.subn(pattern, b"", content)
        assert found == count, pattern
    return content


def worker_of(response: httpx.Response, service: Service) -> int:
    """The worker process at the other end of a connection that is still open."""
    stream = response.extensions["network_stream"]
    ours: int = stream.get_extra_info("client_addr")[1]
    theirs: int = stream.get_extra_info("server_addr")[1]
    ends = f"0100007F:{theirs:04X} 0100007F:{ours:04X}"
    table = Path("/proc/net/tcp").read_text()
    row = next(line.split() for line in table.splitlines() if ends in line)
    wanted = f"socket:[{row[9]}]"
    for pid in children_of(service.process.pid):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if str(link.readlink()) == wanted:
                    return pid
            except FileNotFoundError:
                continue
    pytest.fail("no worker holds the connection")


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *children_of(int(child))]
    return found
