"""What operators see of a road: its logs, whether it is ready, its metrics, the dashboard."""

import http.client
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from roadfade.clock import wall_ms
from roadfade.demo.process_group import GATEWAY_TOO, PROCESS_ROLES
from roadfade.local.broker import LocalBroker
from roadfade.local.prometheus import LocalPrometheus, start_prometheus
from roadfade.readiness import NEEDS
from telemetry.instants import DAY_MS
from telemetry.outcome import Rejected, Withheld
from tests.flow.planted import MARKS, SERIAL, SILENT, SUBJECT, planted
from tests.support.everywhere import found
from tests.support.pace import plan_of, play
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import until

pytestmark = pytest.mark.broker
ROOT = Path(__file__).parents[2]
NATIVE = re.compile(r"nanobind: | - |\.\.\. |See https://nanobind\.")
"""What DuckDB's binding may print while the interpreter ends: types and counts, and no value."""


@pytest.fixture(scope="module")
def seen(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A road of its own, with a second worker: what came through it is known, and it ends."""
    state = tmp_path_factory.mktemp("seen") / "state"
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state, view_age_s_max=8) as road:
        now_ms = wall_ms()
        road.known(SERIAL, SUBJECT, now_ms - 30 * DAY_MS)
        road.known(SILENT, f"{SUBJECT}-2", now_ms - 30 * DAY_MS, purposes=())
        play(road.settings, list(planted(now_ms)))
        road.drained()
        yield road


def ask(road: Road, instance: str, path: str) -> tuple[int, str]:
    link = http.client.HTTPConnection((road.settings.ports_dir / instance).read_text(), timeout=10)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def test_every_process_of_a_healthy_road_lives_and_is_ready(seen: Road) -> None:
    for role in PROCESS_ROLES:
        instance = "worker-0" if role == "worker" else role
        until(lambda at=instance: ask(seen, at, "/-/ready") == (200, "ready\n"), f"{role} ready")  # type: ignore[misc]
        assert ask(seen, instance, "/-/healthy")[0] == 200
    assert set(NEEDS) == set(GATEWAY_TOO)


def test_every_closed_set_of_labels_is_there_at_0(seen: Road) -> None:
    worker, sink = ask(seen, "worker-0", "/metrics")[1], ask(seen, "sink", "/metrics")[1]
    for output in plan_of(seen.settings).outputs:
        for why in Withheld:
            assert (
                f'roadfade_readings_withheld_total{{output="{output.id}",reason="{why}"}}' in worker
            )
        assert f'roadfade_sink_rows_total{{output="{output.id}"}}' in sink
    for refused in Rejected:
        assert f'roadfade_rejected_total{{reason="{refused}"}}' in worker
    assert 'roadfade_sink_rejected_total{reason="malformed"} 0.0' in sink
    for text in (worker, sink):
        assert re.search(r"^process_resident_memory_bytes [1-9]", text, re.MULTILINE)
    assert re.search(r"^roadfade_raw_to_topic_seconds_count [1-9]", worker, re.MULTILINE)
    assert re.search(r"^roadfade_topic_to_lake_seconds_count [1-9]", sink, re.MULTILINE)


def _asked(prometheus: LocalPrometheus, expression: str) -> list[Any]:
    """The answer to a query."""
    link = http.client.HTTPConnection(prometheus.url.removeprefix("http://"), timeout=30)
    try:
        link.request("GET", f"/api/v1/query?{urlencode({'query': expression})}")
        return list(json.loads(link.getresponse().read())["data"]["result"])
    finally:
        link.close()


def _value(prometheus: LocalPrometheus, expression: str) -> list[float]:
    """The values of a query that are numbers."""
    values = [float(one["value"][1]) for one in _asked(prometheus, expression)]
    return [one for one in values if math.isfinite(one)]


def test_every_panel_has_data_and_nobody_is_paged(seen: Road, tmp_path: Path) -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "roadfade.json").read_text())
    waiting = {
        f"{panel['title']}: {target['expr']}": target["expr"]
        .replace("$__rate_interval", "1m")
        .replace("$output", ".*")
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }
    assert len(waiting) > 25
    pages = [file.read_text() for file in seen.settings.ports_dir.iterdir()]
    prometheus = start_prometheus(tmp_path, pages)
    assert isinstance(prometheus, LocalPrometheus), prometheus
    try:
        times = count(1)

        def all_shown() -> bool:
            play(seen.settings, list(planted(wall_ms(), next(times))))
            for name, expression in list(waiting.items()):
                if _value(prometheus, expression):
                    del waiting[name]
            return not waiting

        try:
            until(all_shown, "data in every panel", 120)
        except AssertionError:
            pytest.fail(f"no data: {list(waiting)}", pytrace=False)
        firing = _asked(prometheus, 'ALERTS{alertstate="firing"}')
        assert [one["metric"]["alertname"] for one in firing] == []
    finally:
        prometheus.stop()


# The last test of this file: afterwards the road has ended.
def test_the_logs_tell_the_story_and_nothing_of_anybody(seen: Road) -> None:
    seen.start("worker-1")
    until(lambda: "revoked" in (seen.settings.state_dir / "worker.log").read_text(), "the share")
    seen.kill("office")
    until(lambda: ask(seen, "worker-0", "/-/ready")[0] == 503, "the worker to wait", 120)
    seen.start("office")
    until(lambda: ask(seen, "worker-0", "/-/ready")[0] == 200, "the worker to go on")
    assert seen.ended() == []
    seen.stop_all()
    logs = {file.stem: file.read_text() for file in seen.settings.state_dir.glob("*.log")}
    assert found(MARKS, {name: text.encode() for name, text in logs.items()}) == []
    events = defaultdict[str, list[str]](list)
    for name, text in logs.items():
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        for one in text.splitlines():
            if NATIVE.match(one) and events[name][-1:] == ["stopped"]:
                continue
            line: dict[str, Any] = json.loads(one)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
            assert line["level"] in {"info", "warning", "error"}, one
            assert line["role"] == name.partition("-")[0]
            events[name].append(line["event"])
    for name, told in events.items():
        assert told[0] == "started", (name, told)
        assert told[-1] == "stopped", (name, told)
        assert "version in force" in told
    assert {"assigned", "revoked", "paused", "resumed"} <= set(events["worker"])
    assert "assigned" in events["sink"]
    assert set(events) == {*PROCESS_ROLES, "worker-1"}
