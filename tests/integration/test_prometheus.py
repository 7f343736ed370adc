"""The real Prometheus reads our rules, our dashboard's queries and our metrics page."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import start_http_server

from roadfade.local.ports import free_port
from roadfade.local.prometheus import ABSENT, LocalPrometheus, find_program, start_prometheus
from roadfade.metrics import REGISTRY

DEPLOY = Path(__file__).parents[2] / "deploy"
ANSWER_DEADLINE_S = 60


def _promtool(*arguments: str | Path) -> str:
    program = find_program("promtool")
    if program is None:
        pytest.fail("promtool is missing: `make test` fetches it", pytrace=False)
    done = subprocess.run(
        [str(program), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alert_rules_are_well_formed() -> None:
    assert "SUCCESS" in _promtool("check", "rules", DEPLOY / "prometheus" / "rules.yml")
    assert "SUCCESS" in _promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_each_fault_wakes_for_its_own_reason() -> None:
    assert "SUCCESS" in _promtool("test", "rules", DEPLOY / "prometheus" / "rules_test.yml")


def test_every_query_of_the_dashboard_is_well_formed(tmp_path: Path) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "roadfade.json").read_text())
    queries = [
        target["expr"].replace("$__rate_interval", "1m").replace("$output", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in _promtool("check", "rules", file)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[LocalPrometheus]:
    page, thread = start_http_server(free_port(), "127.0.0.1", REGISTRY)
    started = start_prometheus(tmp_path, [f"127.0.0.1:{page.server_port}"])
    assert isinstance(started, LocalPrometheus), started
    yield started
    started.stop()
    page.shutdown()
    page.server_close()
    thread.join()


def test_the_local_prometheus_scrapes_the_page_and_loads_the_rules(
    watching: LocalPrometheus,
) -> None:
    deadline = time.monotonic() + ANSWER_DEADLINE_S
    while not (answer := _ask(watching, "query?query=roadfade_records_in_total")["result"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)  # between two looks; what is waited for is the answer
    assert answer[0]["metric"]["job"] == "roadfade"
    groups = _ask(watching, "rules")["groups"]
    assert {group["name"] for group in groups} == {"flow", "promises", "office"}


def test_where_prometheus_is_not_installed_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert start_prometheus(tmp_path, [], cache=tmp_path) == ABSENT


def test_without_alert_rules_a_sentence_says_so(tmp_path: Path) -> None:
    said = start_prometheus(tmp_path, [], rules=tmp_path / "rules.yml")
    assert isinstance(said, str)
    assert "rules are missing" in said


def _ask(prometheus: LocalPrometheus, what: str) -> dict[str, Any]:
    link = http.client.HTTPConnection(prometheus.url.removeprefix("http://"), timeout=10)
    try:
        link.request("GET", f"/api/v1/{what}")
        told: dict[str, Any] = json.loads(link.getresponse().read())["data"]
    finally:
        link.close()
    return told
