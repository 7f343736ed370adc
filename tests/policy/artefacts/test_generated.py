import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from policy.artefacts.acls import (
    ADMIN,
    CLUSTER,
    GATEWAY,
    OFFICE,
    READER,
    REPORTER,
    SINK,
    SWEEP,
    WORKER,
    acls,
)
from policy.artefacts.asyncapi import asyncapi
from policy.artefacts.odcs import contracts
from policy.artefacts.topics import topic_configs
from policy.artefacts.ttls import sink_ttls
from policy.plan.columns import columns_of
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_PROCESSES,
    CONTROL_COLLECTION,
    CONTROL_POLICIES,
    CONTROL_SEALING,
    EVENTS_REPORTED,
    RAW,
    SINK_GROUP,
    WORKER_GROUP,
    erase_topics,
)
from telemetry.wire.record import LATITUDE, MESH
from tests.support.documents import SPEED, policy_of
from tests.support.plans import PLAN
from tests.support.worlds import column, envelope, known_world

PARSER = Path(__file__).parents[3] / ".cache" / "asyncapi"
CHECK = """
const { Parser } = require('@asyncapi/parser');
const text = require('fs').readFileSync(0, 'utf8');
new Parser().parse(text).then(({ document, diagnostics }) => {
  const wrong = diagnostics.filter((d) => d.severity < 2);
  console.log(JSON.stringify({ parsed: Boolean(document), wrong }));
});
"""


def rights_of(principal: str) -> set[tuple[str, str, str]]:
    return {(a.operation, a.resource, a.name) for a in acls(PLAN) if a.principal == principal}


def test_a_reader_reads_its_own_topic_with_its_own_group_and_nothing_else() -> None:
    for output in PLAN.outputs:
        reader = READER + output.id
        assert rights_of(reader) == {("Read", "topic", output.topic), ("Read", "group", reader)}


def test_a_gateway_writes_raw_and_reads_versions_public_keys_and_collection_lists_alone() -> None:
    assert rights_of(GATEWAY) == {
        ("Write", "topic", RAW),
        ("DescribeConfigs", "topic", RAW),
        ("Write", "topic", AUDIT_PROCESSES),
        ("Read", "topic", CONTROL_POLICIES),
        ("DescribeConfigs", "topic", CONTROL_POLICIES),
        ("Read", "topic", CONTROL_SEALING),
        ("DescribeConfigs", "topic", CONTROL_SEALING),
        ("Read", "topic", CONTROL_COLLECTION),
        ("DescribeConfigs", "topic", CONTROL_COLLECTION),
        ("DescribeConfigs", "cluster", CLUSTER),
    }


def test_nobody_but_the_office_writes_what_devices_are_to_collect() -> None:
    writers = {
        a.principal for a in acls(PLAN) if (a.operation, a.name) == ("Write", CONTROL_COLLECTION)
    }
    assert writers == {OFFICE}
    readers = {
        a.principal for a in acls(PLAN) if (a.operation, a.name) == ("Read", CONTROL_COLLECTION)
    }
    assert readers == {OFFICE, GATEWAY}


def test_only_workers_read_raw_and_write_purpose_topics() -> None:
    assert {a.principal for a in acls(PLAN) if (a.operation, a.name) == ("Read", RAW)} == {WORKER}
    writers = {
        a.principal for a in acls(PLAN) if a.operation == "Write" and a.name.startswith("purpose.")
    }
    assert writers == {WORKER}
    assert ("Write", "topic", "control.links") in rights_of(OFFICE)
    assert not any(operation == "Write" for operation, _, _ in rights_of(ADMIN))


def test_a_process_says_what_it_says_of_itself_and_only_an_administrator_hears_it() -> None:
    writers = {
        a.principal for a in acls(PLAN) if (a.operation, a.name) == ("Write", AUDIT_PROCESSES)
    }
    assert writers == {OFFICE, WORKER, SINK, SWEEP, GATEWAY}
    readers = {
        a.principal for a in acls(PLAN) if (a.operation, a.name) == ("Read", AUDIT_PROCESSES)
    }
    assert readers == {ADMIN}
    written = {
        principal: {name for operation, _, name in rights_of(principal) if operation == "Write"}
        for principal in (SINK, SWEEP)
    }
    assert written == {SINK: {AUDIT_PROCESSES, AUDIT_ERASURES}, SWEEP: {AUDIT_PROCESSES}}


def test_only_the_office_commands_and_only_a_sink_hears_it_and_answers() -> None:
    for topic in erase_topics(one.topic for one in PLAN.outputs):
        rights = {(a.principal, a.operation) for a in acls(PLAN) if a.name == topic}
        assert {one for one in rights if one[1] in {"Read", "Write"}} == {
            (OFFICE, "Read"), (OFFICE, "Write"), (SINK, "Read"),
        }  # fmt: skip
    assert ("Read", "topic", AUDIT_ERASURES) in rights_of(OFFICE)


def test_only_a_reporter_reports_events_and_only_the_office_reads_and_answers_them() -> None:
    data = {"Read", "Write"}
    for topic, rights in (
        (EVENTS_REPORTED, {(REPORTER, "Write"), (OFFICE, "Read")}),
        (AUDIT_EVENTS, {(OFFICE, "Write"), (REPORTER, "Read")}),
    ):
        found = {(a.principal, a.operation) for a in acls(PLAN) if a.name == topic}
        assert {one for one in found if one[1] in data} == rights
    assert rights_of(REPORTER) == {
        ("Write", "topic", EVENTS_REPORTED),
        ("Read", "topic", AUDIT_EVENTS),
    }


def test_groups_are_those_the_processes_use() -> None:
    assert ("Read", "group", WORKER_GROUP) in rights_of(WORKER)
    assert ("Read", "group", SINK_GROUP) in rights_of(SINK)


def test_the_prefix_comes_before_topics_and_groups_and_not_the_cluster() -> None:
    for acl in acls(PLAN, "north."):
        assert acl.name.startswith("north.") is (acl.resource != "cluster")
    lines = {a.arguments for a in acls(PLAN, "north.") if a.name == "north.telemetry.raw"}
    assert (
        "--add --allow-principal User:roadfade-gateway --operation Write --topic north.telemetry.raw"
    ) in lines


def test_a_store_is_told_the_life_of_every_lane() -> None:
    rows = {(row["output"], row["lane"]): row["at_most"] for row in sink_ttls(PLAN)}
    assert rows == {
        ("service", "30d"): "30 days",
        ("service", "400d"): "400 days",
        ("research", "700d"): "700 days",
        ("sharing", "60d"): "60 days",
    }


def test_a_mesh_stands_in_place_of_its_pair() -> None:
    research = PLAN.output("research")
    columns = {column.path: column for column in columns_of(PLAN, research)}
    assert LATITUDE not in columns
    mesh = columns[MESH]
    assert (mesh.type, mesh.unit) == ("string", "jis 500 m") or mesh.unit == "mesh jis 500 m"


def schema_for(document: dict[str, Any], output_topic: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["components"]["schemas"][output_topic.replace(".", "_")]
    return schema


def test_only_what_the_processor_makes_fits_the_generated_schema() -> None:
    document = asyncapi(PLAN)
    made = known_world(PLAN).feed(
        envelope({SPEED: column("km/h", [43.5, 44.0]), LATITUDE: column("degrees", [35.6])})
    )
    assert made
    for record in made:
        schema = schema_for(document, record.topic)
        body = json.loads(record.value)
        jsonschema.validate(body, schema)
        body["series"]["Vehicle.Cabin.Wifi"] = {"unit": "", "dt": [0], "value": [1]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(body, schema)


def test_every_topic_is_a_channel_with_its_settings() -> None:
    channels = asyncapi(PLAN)["channels"]
    for topic, config in topic_configs(PLAN).items():
        channel = channels[topic.replace(".", "_")]
        assert channel["address"] == topic
        assert channel["x-topic-settings"] == dict(config)


def test_no_reference_of_the_document_points_nowhere() -> None:
    document = asyncapi(PLAN)
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found: Any = document
        for step in reference.split("/"):
            found = found[step]


@pytest.fixture(scope="session")
def parser() -> Path:
    """Node's modules with the official parser, installed once."""
    if not (PARSER / "node_modules" / "@asyncapi" / "parser").is_dir():
        PARSER.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        try:
            subprocess.run(
                [*install, "--prefix", str(PARSER), "@asyncapi/parser@3.6.3"],
                check=True, capture_output=True, timeout=240,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            pytest.skip("npm cannot install @asyncapi/parser here")
    return PARSER / "node_modules"


def test_the_official_parser_takes_the_asyncapi_document(parser: Path) -> None:
    for plan in (PLAN, policy_of().plan):
        answer = subprocess.run(
            ["node", "-e", CHECK], input=json.dumps(asyncapi(plan)), text=True, check=True,
            capture_output=True, timeout=120, env={**os.environ, "NODE_PATH": str(parser)},
        )  # fmt: skip
        assert json.loads(answer.stdout) == {"parsed": True, "wrong": []}


def odcs_schema() -> dict[str, Any]:
    found = find_spec("open_data_contract_standard")
    if found is None or found.origin is None:
        pytest.skip("the package open-data-contract-standard, which has the schema, is absent")
    schema: dict[str, Any] = json.loads(Path(found.origin).with_name("schema.json").read_bytes())
    return schema


def test_every_contract_fits_the_open_data_contract_standard() -> None:
    schema = odcs_schema()
    made = contracts(policy_of())
    assert set(made) == {"study"}
    for contract in made.values():
        jsonschema.validate(contract, schema)


def test_a_contract_names_columns_periods_treatment_and_authorities() -> None:
    contract = contracts(policy_of())["study"]
    columns = {one["name"]: one for one in contract["schema"][0]["properties"]}
    (speed,) = [one for name, one in columns.items() if name.startswith(f"{SPEED} (")]
    said = {one["property"]: one["value"] for one in speed["customProperties"]}
    assert said["keptAtMost"] == "12 months"
    assert said["treatment"] == "thin 10 s, bucket 10 km/h; time floored to 1 s"
    assert said["authorities"] == ["C2-08"]
    assert {p["value"] for p in contract["slaProperties"]} >= {12, 30}
