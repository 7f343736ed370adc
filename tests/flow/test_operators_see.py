"""What operators see of a road: its logs, whether it is ready, its metrics, the dashboard."""

import http.client
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from roadfade.clock import wall_ms
from roadfade.demo.process_group import PROCESS_ROLES
from roadfade.local.broker import LocalBroker
from roadfade.readiness import NEEDS
from telemetry.instants import DAY_MS
from tests.flow.planted import MARKS, SERIAL, SILENT, SUBJECT, planted
from tests.support.everywhere import found
from tests.support.pace import play
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import until

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def seen(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A road of its own, with a second worker: what came through it is known, and it ends."""
    state = tmp_path_factory.mktemp("seen") / "state"
    with running_road(broker.bootstrap_servers, no_prefix_twice(), state) as road:
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
    assert set(NEEDS) == set(PROCESS_ROLES)


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
