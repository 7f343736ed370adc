"""Messages of a later version: none is taken for one that this version knows.

A row that says more than is understood might say that somebody objects: it is unreadable, and what
follows is said of unreadable rows (workers pause, sinks write nothing, a batch counts it as
rejected). Messages of earlier versions are the golden files, which stay.
"""

import json
from typing import Any

import msgspec
import pytest

from sinks.port.records import read_record
from sinks.port.results import Unreadable
from tests.sinks.records import OUTPUT_A, record, value
from tests.telemetry.wire.test_schema import DECODERS, golden_files

CHANGES: tuple[dict[str, Any], ...] = ({"of_tomorrow": 1}, {"v": 2}, {"kind": "of_tomorrow"})
NOT_BY_DECODERS = (("purpose-record.v1", "v"), ("reported-event.v1", "kind"))
"""The number of a purpose record is looked at by the sink; what an event is, the policy says."""


def cases() -> list[Any]:
    """Every golden message with a field more, another number, another kind, if it has one."""
    found = []
    for file in golden_files():
        name, body = file.stem.split("--")[0], json.loads(file.read_bytes())
        for change in CHANGES:
            (field,) = change
            if field in ("of_tomorrow", *body) and (name, field) not in NOT_BY_DECODERS:
                changed = json.dumps({**body, **change}).encode()
                found.append(pytest.param(name, changed, id=f"{file.stem}-{field}"))
    return found


@pytest.mark.parametrize(("name", "message"), cases())
def test_a_message_that_says_more_is_not_read(name: str, message: bytes) -> None:
    # The decoders of ``test_schema`` fail on what is passed over, too.
    with pytest.raises((msgspec.MsgspecError, ValueError, AssertionError)):
        DECODERS[name](message)


def test_a_sink_takes_no_purpose_record_of_another_number() -> None:
    arrived = record(0)
    later = msgspec.structs.replace(arrived, value=msgspec.json.encode({**value(), "v": 2}))
    assert not isinstance(read_record(arrived, OUTPUT_A), Unreadable)
    assert read_record(later, OUTPUT_A) is Unreadable.MALFORMED
