"""Committed schemas and golden messages: what was once accepted stays accepted.

Regenerate schemas after a change with ``python -m tests.telemetry.wire.test_schema``.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import telemetry
from telemetry.wire import (
    collection_list,
    control,
    envelope,
    erasure,
    event,
    flow,
    hold,
    process_report,
    record,
    sealing_key,
    store_hello,
)
from telemetry.wire.schema import SCHEMAS, schema_of

COMMITTED = Path(telemetry.__file__).parent / "schemas"
GOLDEN = Path(__file__).parent / "golden"


def _taken(payload: bytes) -> process_report.ProcessReport:
    report = process_report.take_report(payload)
    assert report is not None
    return report


def _obeyed(payload: bytes) -> erasure.EraseCommand:
    command = erasure.take_command(payload, "service_provision.app")
    assert command is not None
    return command


def _answered(payload: bytes) -> erasure.EraseAnswer:
    answer = erasure.take_answer(payload)
    assert answer is not None
    return answer


def _held(payload: bytes) -> hold.HoldCommand:
    command = hold.take_hold(payload, "service_provision.app")
    assert command is not None
    return command


def _held_answered(payload: bytes) -> hold.HoldAnswer:
    answer = hold.take_hold_answer(payload)
    assert answer is not None
    return answer


def _said_hello(payload: bytes) -> store_hello.StoreHello:
    hello = store_hello.take_hello(payload)
    assert hello is not None
    return hello


def _reported(payload: bytes) -> event.ReportedEvent:
    reported = event.take_event(json.loads(payload)["id"].encode(), payload)
    assert isinstance(reported, event.ReportedEvent)
    return reported


def _refused(payload: bytes) -> event.RefusedEvent:
    refused = event.take_refused(payload)
    assert refused is not None
    return refused


def _listed(payload: bytes) -> collection_list.CollectionList:
    listed = collection_list.take_list(payload)
    assert listed is not None
    return listed


DECODERS = {
    "envelope.v1": envelope.decode_envelope,
    "purpose-record.v1": record.decode_record,
    "control-row.v1": control.decode_row,
    "flow-record.v1": flow.decode_flow,
    "process-report.v1": _taken,
    "erase-command.v1": _obeyed,
    "erase-answer.v1": _answered,
    "hold-command.v1": _held,
    "hold-answer.v1": _held_answered,
    "store-hello.v1": _said_hello,
    "reported-event.v1": _reported,
    "refused-event.v1": _refused,
    "sealing-key.v1": sealing_key.decode_sealing_key,
    "collection-list.v1": _listed,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_the_one_the_code_decodes(name: str) -> None:
    assert (COMMITTED / f"{name}.json").read_text() == schema_of(name)


def golden_files() -> list[Path]:
    return sorted(GOLDEN.glob("*.json"))


@pytest.mark.parametrize("file", golden_files(), ids=lambda file: file.stem)
def test_a_message_once_accepted_still_is(file: Path) -> None:
    name = file.stem.split("--")[0]
    body = file.read_bytes()
    DECODERS[name](body)
    jsonschema.validate(json.loads(body), json.loads(schema_of(name)))


def test_every_message_has_a_golden_file() -> None:
    assert {file.stem.split("--")[0] for file in golden_files()} == set(SCHEMAS)


def test_every_kind_of_control_row_has_a_golden_file() -> None:
    wires: tuple[Any, ...] = control.ControlWire.__args__
    kinds = {json.loads(file.read_bytes()).get("kind") for file in golden_files()}
    assert {wire.__struct_config__.tag for wire in wires} <= kinds


if __name__ == "__main__":
    for each in SCHEMAS:
        (COMMITTED / f"{each}.json").write_text(schema_of(each))
