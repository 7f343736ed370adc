"""The image, and its services as the compose file has them: hardened, behind a proxy that is dead.

podman runs them one by one on the network of this machine, against the local broker. Rows
reach the lake and leave it in time, and status is right inside a container and outside.
"""

import json
import re
import socket
from collections.abc import Iterator
from typing import Final

import pytest

from roadfade.local.broker import LocalBroker
from roadfade.settings import Settings
from telemetry.instants import Grain
from tests.support.containers import IMAGE, Podman, containers
from tests.support.road import Road, no_prefix_twice
from tests.support.scrape import DIRECT
from tests.support.watching import until

pytestmark = [pytest.mark.broker, pytest.mark.faults, pytest.mark.timeout(3_600)]

PROCESSES: Final = ("office", "sink", "sweep", "worker")
NAMES: Final = ["office", "sink", "sweep", "worker-0"]
DEAD_PROXY: Final = "http://127.0.0.1:1"
PROXIES: Final = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)
QUICK: Final = {
    "ROADFADE_PARTITIONS": "2", "ROADFADE_SINK_BATCH_S": "0.5", "ROADFADE_SWEEP_EVERY_S": "2",
    "ROADFADE_HEARTBEAT_EVERY_S": "1", "ROADFADE_GRAIN_AT_MOST": "minute",
    "ROADFADE_TOPIC_RETENTION_S_AT_MOST": "45", "ROADFADE_LAKE_BUCKETS": "1",
}  # fmt: skip
COUNT: Final = "SELECT count(*) AS n FROM readings"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Town:
    """The containers, their ports, and status asked from outside."""

    def __init__(self, podman: Podman, road: Road, ports: dict[str, int]) -> None:
        self.podman, self.road, self.ports = podman, road, ports

    def rows(self) -> int:
        """Rows of one output that an analyst reads in the sink's container."""
        query = ("query", "--purpose", "service_improve", COUNT)
        rows = self.podman.json("sink", *query).get("rows", [[0]])
        return int(rows[0][0])

    def expired(self) -> float:
        """Rows that the sweep's container removed, by its /metrics."""
        with DIRECT.open(f"http://127.0.0.1:{self.ports['sweep']}/metrics", timeout=5) as page:
            text = page.read().decode()
        return sum(
            map(float, re.findall(r"^roadfade_expired_readings_total.* (\S+)$", text, re.MULTILINE))
        )

    def wrong(self) -> list[list[str]]:
        """What status says is wrong or not known: in a container, and outside."""
        inside = self.podman.json("office", "status")
        outside = self.road.cli("status", "--json").json()
        return [[*one["wrong"], *one["unknown"]] for one in (inside, outside)]


@pytest.fixture(scope="module")
def town(broker: LocalBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, prefix = tmp_path_factory.mktemp("containers"), no_prefix_twice()
    outside = Settings(
        kafka_bootstrap_servers=broker.bootstrap_servers, topic_prefix=prefix, partitions=2,
        state_dir=folder / "elsewhere", heartbeat_every_s=1, sweep_every_s=2,
        grain_at_most=Grain.MINUTE, topic_retention_s_at_most=45,
    )  # fmt: skip
    ports = {name: free_port() for name in (*PROCESSES, "topics", "office-init", "simulate")}
    with containers(prefix.replace(".", "-"), folder) as podman:
        common = QUICK | dict.fromkeys(PROXIES, DEAD_PROXY)
        common |= {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "ROADFADE_TOPIC_PREFIX": prefix,
        }

        def start(name: str, *, wait: bool = False) -> None:
            own = {"ROADFADE_METRICS_PORT": str(ports[name])}
            podman.start(name, common | own, wait=wait)

        for name in ("topics", "office-init"):
            start(name, wait=True)
        for name in (*PROCESSES, "simulate"):
            start(name)
        yield Town(podman, Road(outside), ports)
        podman.remove_all()
        assert podman.left() == []


def test_the_image_holds_nothing_of_how_it_was_built(town: Town) -> None:
    told = json.loads(town.podman.run("image", "inspect", IMAGE).stdout)[0]
    assert told["Config"]["User"] == "10001"
    history = town.podman.run("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE).stdout
    assert "pip.conf" not in history
    looked = "import os; print(os.listdir('/run'), os.path.exists('/etc/pip.conf'))"
    found = town.podman.inside("office", "python", "-c", looked).stdout
    assert "secrets" not in found and found.strip().endswith("False")


def test_the_core_carries_in_the_image(town: Town) -> None:
    told = town.podman.inside("worker", "roadfade", "--version").stdout
    assert "the core carries usual envelopes" in told


def test_rows_reach_the_lake_and_status_is_right_inside_and_outside(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, DEAD_PROXY)
    until(lambda: town.rows() > 0, "rows in the lake")
    until(lambda: town.wrong() == [[], []], "nothing is wrong, and all is known")
    inside = town.podman.json("office", "status")
    outside = town.road.cli("status", "--json").json()
    for told in (inside, outside):
        assert [(one["name"], one["state"]) for one in told["processes"]] == [
            (name, "running") for name in NAMES
        ]
        assert {one["metrics"].rpartition(":")[2] for one in told["processes"]} == {
            f"{town.ports[name]}/metrics" for name in PROCESSES
        }
    assert inside["rejected"] is not None, "the ledger lies in the office's volume"
    assert outside["rejected"] is None, "and not outside"
    for name in PROCESSES:
        assert town.podman.healthy(name, town.ports[name]), name


@pytest.mark.parametrize("name", PROCESSES)
def test_a_container_can_do_no_more_than_it_needs(town: Town, name: str) -> None:
    status = town.podman.inside(name, "cat", "/proc/1/status").stdout
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {told[key] for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")
    assert set(told["Uid"].split()) == {"10001"}
    limits = town.podman.inside(name, "cat", "/proc/1/limits").stdout
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)
    for place in ("/x", "/opt/roadfade/x", "/etc/x"):
        assert town.podman.inside(name, "touch", place).returncode != 0, place


def test_the_sweeps_container_deletes_what_has_expired(town: Town) -> None:
    until(lambda: town.expired() > 0, "the old drives expire", 300)
    assert town.rows() > 0, "and what lives is left"


def test_a_killed_container_is_named_inside_and_outside_until_it_is_back(town: Town) -> None:
    town.podman.signal("sink", "KILL")
    said = re.compile(r"sink on \S+ has said nothing for \d+ s")
    until(
        lambda: all(any(said.match(one) for one in told) for told in town.wrong()),
        "its silence is noticed",
    )
    town.podman.again("sink")
    # Topics here delete within a minute: what nobody kept meanwhile is lost, and that is said, too.
    until(
        lambda: not any(said.match(one) for told in town.wrong() for one in told),
        "it is heard again",
    )
    inside = town.podman.json("office", "status")["processes"]
    assert [(one["name"], one["state"]) for one in inside] == [(name, "running") for name in NAMES]


def test_each_ends_when_asked_and_says_so(town: Town) -> None:
    assert town.podman.stop("simulate") == 0
    for name in ("worker", "sink", "sweep", "office"):
        assert town.podman.stop(name) == 0, town.podman.logs(name)
    told = town.road.cli("status", "--json").json()
    assert [(one["name"], one["state"]) for one in told["processes"]] == [
        (name, "stopped") for name in NAMES
    ]
    assert [one.partition(",")[0] for one in told["wrong"]][:4] == [
        f"no {role} runs" for role in ("office", "worker", "sink", "sweep")
    ]
    assert "version in force" in town.podman.logs("worker")
    for name in PROCESSES:
        assert "Traceback" not in town.podman.logs(name)
