"""From plan to AsyncAPI 3.0: every topic, what it holds, and how long.

One schema per output, which names exactly the columns its lanes release: a reader's code
can be made from it, and a record that held more would not fit it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policy.artefacts.topics import topic_configs
from policy.plan.columns import columns_of
from policy.plan.plan import Output, Plan
from policy.vocabulary.words import format_duration
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL_COLLECTION,
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    CONTROL_POLICIES,
    CONTROL_SEALING,
    EVENTS_REPORTED,
    RAW,
    erase_topics,
)
from telemetry.wire import publication, record
from telemetry.wire.schema import schema_of, schema_text

ASYNCAPI: Final = "3.0.0"
KAFKA_BINDING: Final = "0.5.0"
_PUBLICATION: Final = "publication.v1"
_WIRE: Final = {
    RAW: ("envelope.v1", "receive", "What devices report, before any purpose is decided."),
    AUDIT_FLOW: ("flow-record.v1", "send", "What became of every reading: counts, no people."),
    AUDIT_PROCESSES: ("process-report.v1", "send", "What every process says of itself."),
    AUDIT_ERASURES: ("erase-answer.v1", "send", "What stores removed when asked: counts."),
    AUDIT_EVENTS: ("refused-event.v1", "send", "Which events were refused, and why: no people."),
    EVENTS_REPORTED: ("reported-event.v1", "receive", "What happened to somebody that ends lives."),
    CONTROL_LINKS: ("control-row.v1", "receive", "Who stands behind a device, as intervals."),
    CONTROL_CONSENTS: ("control-row.v1", "receive", "What people agreed to, as intervals."),
    CONTROL_POLICIES: (_PUBLICATION, "receive", "Every published version of the policy."),
    CONTROL_SEALING: ("sealing-key.v1", "receive", "For which public keys raw data is sealed."),
    CONTROL_COLLECTION: ("collection-list.v1", "receive", "What devices are to collect, signed."),
}
_COMMANDS: Final = ("erase-command.v1", "receive", "Which of an output's records have to go.")
_HOLD: Final = (
    "hold",
    "hold-command.v1",
    "Which of an output's records are to be copied: a legal hold.",
)
_HOLD_ANSWER: Final = ("hold", "hold-answer.v1", "What stores copied for legal holds: counts.")
_HELLO: Final = ("hello", "store-hello.v1", "That a store is there, before it keeps a row.")
_SIGNED: Final = {CONTROL_COLLECTION: "application/jose"}
"""Topics whose messages are JWS in compact form; the schema is of what is signed."""
_BOUND_NUMBERS: Final = {"retention.ms", "delete.retention.ms", "max.message.bytes"}
"""Numbers that the Kafka binding names; all settings are under ``x-topic-settings``."""


def asyncapi(plan: Plan) -> dict[str, Any]:
    """The AsyncAPI document of a worker that runs this plan."""
    channels, operations, messages = {}, {}, {}
    schemas: dict[str, Any] = {}
    erase = erase_topics(one.topic for one in plan.outputs)
    beside = dict.fromkeys(erase, (_HOLD,)) | {AUDIT_ERASURES: (_HOLD_ANSWER, _HELLO)}
    wires = _WIRE | dict.fromkeys(erase, _COMMANDS)
    for topic, config in topic_configs(plan).items():
        output = next((o for o in plan.outputs if o.topic == topic), None)
        key = _key(topic)
        if output is None:
            wire, action, title = wires[topic]
            schemas |= dict(_wire_schemas(wire))
            messages[key] = {"name": key, "title": title, "payload": _ref("schemas", wire)}
        else:
            action, title = "send", _title(plan, output)
            schemas[key] = _record_schema(plan, output)
            messages[key] = _record_message(plan, output, key)
        mine = [key]
        for name, wire, also in beside.get(topic, ()):
            mine.append(f"{key}_{name}")
            schemas |= dict(_wire_schemas(wire))
            messages[mine[-1]] = {
                "name": mine[-1], "title": also, "payload": _ref("schemas", wire)
            }  # fmt: skip
        for name in mine:
            messages[name]["contentType"] = _SIGNED.get(topic, "application/json")
        channels[key] = _channel(topic, title, config, mine)
        operations[f"{action}.{key}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in mine],
        }
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": f"{plan.policy}: topics",
            "version": plan.policy_version,
            "description": "Generated from the policy; what is not here does not leave.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _key(topic: str) -> str:
    return topic.replace(".", "_")


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _title(plan: Plan, output: Output) -> str:
    return f"{plan.titles.get(output.purpose, output.purpose)}: what {output.recipient} may know"


def _channel(
    topic: str, title: str, config: Mapping[str, str], mine: Sequence[str]
) -> dict[str, Any]:
    bound: dict[str, Any] = {k: int(v) for k, v in config.items() if k in _BOUND_NUMBERS}
    bound["cleanup.policy"] = config["cleanup.policy"].split(",")
    kafka = {"topic": topic, "topicConfiguration": bound, "bindingVersion": KAFKA_BINDING}
    return {
        "address": topic,
        "title": title,
        "messages": {name: _ref("messages", name) for name in mine},
        "bindings": {"kafka": kafka},
        "x-topic-settings": dict(config),
    }


def _record_message(plan: Plan, output: Output, key: str) -> dict[str, Any]:
    grounds = dict.fromkeys(rule.basis for lane in output.lanes for rule in lane.rules)
    headers = {name: {"type": "string"} for name in record.HEADERS}
    headers[record.PURPOSE]["const"] = output.purpose
    bases: dict[str, Any] = headers[record.BASIS]
    bases["enum"] = list(dict.fromkeys(str(ground.kind) for ground in grounds))
    required = [name for name in record.HEADERS if name != record.CONSENT]
    lives = "; ".join(f"{lane.name}: {lane.period}" for lane in output.lanes)
    return {
        "name": key,
        "title": _title(plan, output),
        "summary": f"Recipient {output.recipient} ({output.recipient_class}). Kept at most: "
        f"{lives}. On the topic at most {format_duration(output.transport.bound_ms)}.",
        "headers": {"type": "object", "properties": headers, "required": required},
        "payload": _ref("schemas", key),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The pseudonym."},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _record_schema(plan: Plan, output: Output) -> dict[str, Any]:
    series: dict[str, Any] = {}
    codes = False
    for column in columns_of(plan, output):
        if column.path == record.TROUBLE_CODES:
            codes = True
            continue
        known = series.setdefault(column.path, _series_schema(column.type))
        known["description"] += f"{column.lane.name}: {column.treatment}. "
    properties: dict[str, Any] = {
        "v": {"const": record.RECORD_VERSION},
        "pseudonym": {"type": "string", "description": f"The same for {output.epoch}."},
        "t0": {"type": "string", "format": "date-time"},
        "series": {"type": "object", "properties": series, "additionalProperties": False},
    }
    if codes:
        properties["dtc"] = {"type": "array", "items": {"type": "string"}}
    required = ["v", "pseudonym", "t0", "series"]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _series_schema(kind: str) -> dict[str, Any]:
    return {
        "description": "",
        "type": "object",
        "properties": {
            "unit": {"type": "string"},
            "dt": {"type": "array", "items": {"type": "integer"}},
            "value": {"type": "array", "items": {"type": kind}},
        },
        "required": ["unit", "dt", "value"],
        "additionalProperties": False,
    }


def _wire_schemas(name: str) -> Iterator[tuple[str, Any]]:
    """The committed schema of a wire message, its definitions moved beside it."""
    own = name == _PUBLICATION
    text = schema_text(name, publication.PublicationWire) if own else schema_of(name)
    moved = text.replace("#/$defs/", f"#/components/schemas/{name}.")
    schema = json.loads(moved)
    for part, definition in schema.pop("$defs", {}).items():
        yield f"{name}.{part}", definition
    schema.pop("$schema")
    # OpenAPI's form, which AsyncAPI has as a plain string; the parts' own tags give the same.
    schema.pop("discriminator", None)
    yield name, schema
