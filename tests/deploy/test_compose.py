"""docker-compose.yml, held to the Compose specification and to what it names."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from roadfade.local.broker_settings import BrokerDeletion, server_properties
from roadfade.settings import Settings
from tests.docs import reference

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
METRICS_PORT = OURS["worker"]["environment"]["ROADFADE_METRICS_PORT"]
# Addresses of the broker, and settings that only several nodes or containers have.
BROKER_ONLY_HERE = {"inter.broker.listener.name"}
BROKER_DIFFERS = {
    "node.id", "controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs",
    "listener.security.protocol.map",
}  # fmt: skip


def test_it_is_valid_against_the_compose_specification() -> None:
    # Its command cannot be used: it wants a newer click than Faust allows.
    schema = distribution("check-jsonschema").locate_file(
        "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    )
    jsonschema.validate(COMPOSE, json.loads(Path(str(schema)).read_text()))
    assert not {"name", "version"} & set(COMPOSE)
    assert not any("develop" in service for service in SERVICES.values())


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_exists_with_its_options(name: str) -> None:
    command = reference.ROOT
    for word in OURS[name]["command"]:
        if reference.children(command) and not word.startswith("-"):
            assert word in reference.children(command)
            command = reference.children(command)[word]
        elif word.startswith("--"):
            assert word in {option for param in command.params for option in param.opts}
    assert reference.runs_alone(command)


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_ours_exists(name: str) -> None:
    known = {f"ROADFADE_{field.upper()}" for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= known | {"KAFKA_BOOTSTRAP_SERVERS"}


def test_every_path_of_this_folder_exists() -> None:
    for service in OURS.values():
        assert (ROOT / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    mounted = [v for s in SERVICES.values() for v in s.get("volumes", ()) if v.startswith(".")]
    assert mounted
    for volume in mounted:
        source, _, mode = volume.split(":")
        assert (ROOT / source).exists(), volume
        assert mode == "ro", volume


def test_every_volume_is_declared_and_used() -> None:
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", ()) if v[0] != "."}
    assert used == set(COMPOSE["volumes"])


def test_every_dependency_exists_and_can_be_waited_for() -> None:
    for service in SERVICES.values():
        wanted = service.get("depends_on", {})
        for name in wanted:
            assert name in SERVICES
            condition = wanted[name]["condition"] if isinstance(wanted, dict) else None
            if condition == "service_healthy":
                assert "test" in SERVICES[name]["healthcheck"]
            if condition == "service_completed_successfully":
                assert SERVICES[name]["restart"] == "no"


def test_every_metrics_page_is_where_prometheus_looks() -> None:
    config = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    targets = config["scrape_configs"][0]["static_configs"][0]["targets"]
    pages = {f"{name}:{METRICS_PORT}" for name, s in OURS.items() if "test" in s["healthcheck"]}
    assert set(targets) == pages
    assert f"EXPOSE {METRICS_PORT}" in (ROOT / "deploy" / "Dockerfile").read_text()
    for rules in config["rule_files"]:
        mount = f"./deploy/prometheus/{rules}:/etc/prometheus/{rules}:ro"
        assert mount in SERVICES["prometheus"]["volumes"]


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    source = YAML(typ="safe").load(folder / "datasources" / "prometheus.yml")["datasources"][0]
    service, port = source["url"].removeprefix("http://").split(":")
    assert SERVICES[service]["ports"] == [f"127.0.0.1:{port}:{port}"]
    dashboard = (ROOT / "deploy" / "grafana" / "roadfade.json").read_text()
    assert set(re.findall(r'"type": "prometheus",\s*"uid": "(\w+)"', dashboard)) == {source["uid"]}
    provider = YAML(typ="safe").load(folder / "dashboards" / "roadfade.yml")["providers"][0]
    mounted = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted == f"{provider['options']['path']}/roadfade.json"
    assert f"./deploy/grafana/roadfade.json:{mounted}:ro" in SERVICES["grafana"]["volumes"]


def test_only_this_machine_reaches_a_port() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_every_image_is_pinned() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])


def test_no_secret_is_in_the_file() -> None:
    for service in SERVICES.values():
        for key in service.get("environment", {}):
            # A folder's name is none.
            assert not re.search(r"PASSWORD|SECRET|TOKEN|KEK(?!_DIR$)|_KEY$", key)


def test_the_kek_lies_in_a_volume_that_no_other_part_of_the_state_is_in() -> None:
    for name in ("office", "worker"):
        places = dict(volume.split(":", 1) for volume in SERVICES[name]["volumes"])
        environment = SERVICES[name]["environment"]
        assert places["kek"] == environment["ROADFADE_KEK_DIR"]
        assert places["office"] == environment["ROADFADE_STATE_DIR"]
    holders = {name for name, one in SERVICES.items() if "kek:" in str(one.get("volumes"))}
    assert holders == {"office", "worker"}


def test_sinks_have_neither_keyring_nor_links() -> None:
    office = set(SERVICES["office"]["volumes"])
    assert not office & {*SERVICES["sink"]["volumes"], *SERVICES["sweep"]["volumes"]}


def test_our_processes_can_do_no_more_than_they_need() -> None:
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["ulimits"] == {"core": 0}


def test_the_broker_deletes_as_the_local_one_does() -> None:
    local = dict(
        line.split("=", 1)
        for line in server_properties(
            Path("/data"), port=1, controller_port=2, deletion=BrokerDeletion()
        ).splitlines()
        if not line.startswith("#")
    )
    here = {
        key.removeprefix("KAFKA_").replace("_", ".").lower(): str(value)
        for key, value in SERVICES["kafka"]["environment"].items()
    }
    assert set(here) <= set(local) | BROKER_ONLY_HERE
    for key in set(here) - BROKER_ONLY_HERE - BROKER_DIFFERS:
        assert here[key] == local[key], key
    assert {key for key in local if "delete" in key or "retention" in key} <= set(here)


def test_the_image_holds_every_package_and_nothing_else() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    wheel = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())
    assert wheel is not None
    packages = set(re.findall(r'"(\w+)"', wheel[1]))
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert {s for s in sources if "." not in s and s != "LICENSE"} == packages | {"core"}
    let_in = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source.split('/')[0]}" in let_in
    assert "USER 10001" in dockerfile
