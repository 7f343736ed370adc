"""JSON Schemas of the wire, generated from the structs that decode it."""

from typing import Any

import msgspec

from telemetry.wire.collection_list import CollectionList
from telemetry.wire.control import ControlWire
from telemetry.wire.envelope import Envelope
from telemetry.wire.erasure import EraseAnswer, EraseCommand
from telemetry.wire.event import RefusedEvent, ReportedEvent
from telemetry.wire.flow import FlowRecord
from telemetry.wire.hold import HoldAnswer, HoldCommand
from telemetry.wire.process_report import ProcessReport
from telemetry.wire.record import PurposeRecord
from telemetry.wire.sealing_key import SealingKeyWire
from telemetry.wire.store_hello import StoreHello

SCHEMAS: dict[str, Any] = {
    "envelope.v1": Envelope,
    "purpose-record.v1": PurposeRecord,
    "control-row.v1": ControlWire,
    "flow-record.v1": FlowRecord,
    "process-report.v1": ProcessReport,
    "erase-command.v1": EraseCommand,
    "erase-answer.v1": EraseAnswer,
    "hold-command.v1": HoldCommand,
    "hold-answer.v1": HoldAnswer,
    "store-hello.v1": StoreHello,
    "reported-event.v1": ReportedEvent,
    "refused-event.v1": RefusedEvent,
    "sealing-key.v1": SealingKeyWire,
    "collection-list.v1": CollectionList,
}


def schema_of(name: str) -> str:
    """The JSON Schema (2020-12) of one message, as the committed text."""
    return schema_text(name, SCHEMAS[name])


def schema_text(name: str, wire: Any) -> str:
    """The JSON Schema (2020-12) of a message that decodes as this type, formatted."""
    body = msgspec.json.schema(wire)
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name} | body
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() + "\n"
