"""Tables on the pages say what the code says, no row more and no row less."""

import logging
import re
from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from ruamel.yaml import YAML

from ingest.can.decode import Undecoded
from ingest.can.mapping import Entry, Unfit
from ingest.can.no_value_names import ALONE, ALONE_OR_LAST
from ingest.envelope_check import REMEDIES
from ingest.logs.sniff import Form
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import Coarsening, Thin
from roadfade.logs.events import LEVELS, Event
from roadfade.metrics import PROCESS, REGISTRY
from roadfade.readiness import NEEDS
from roadfade.settings import Settings
from telemetry.outcome import Rejected, Withheld
from telemetry.topics import (
    AUDIT_ERASURES,
    AUDIT_EVENTS,
    AUDIT_FLOW,
    AUDIT_PROCESSES,
    CONTROL,
    EVENTS_REPORTED,
    RAW,
)
from telemetry.wire import control, envelope, record
from telemetry.wire.event import EventRefusal, ReportedEvent
from tests.docs.pages import REPOSITORY, rows, text_of
from tests.support.operations import EXAMPLES


def names(cells: Iterable[list[str]]) -> list[str]:
    """What stands in backticks in the first column."""
    return [name for row in cells for name in re.findall(r"`([^`]+)`", row[0])]


def test_every_field_of_an_envelope_is_told_and_whether_it_is_needed() -> None:
    told = {row[0].strip("`"): bool(row[1]) for row in rows("docs/gateways.md", "## Envelope v1")}
    needed = {field.name: field.required for field in msgspec.structs.fields(envelope.Envelope)}
    assert told == needed


def test_every_limit_is_the_codes() -> None:
    below = text_of("docs/gateways.md").split("| limit | at most |", 1)[1]
    told = [
        int(figure.replace(",", ""))
        for figure in re.findall(r"\| ([\d,]+) \|$", below, re.MULTILINE)
    ]
    assert told == [
        envelope.ENVELOPE_BYTES_MAX,
        envelope.COLUMNS_MAX,
        envelope.READINGS_PER_COLUMN_MAX,
        envelope.READINGS_MAX,
        envelope.FRAMES_MAX,
        envelope.TROUBLE_CODES_MAX,
        envelope.DT_MS_MAX,
    ]


def test_every_rejection_stands_with_its_remedy() -> None:
    table = list(rows("docs/gateways.md", "## Rejected, and why"))
    assert names(table) == [str(reason) for reason in Rejected]
    assert [row[2] for row in table] == [REMEDIES[reason] for reason in Rejected]


def test_every_reason_to_withhold_stands_in_its_order() -> None:
    assert names(rows("docs/wire.md", "## The ledger")) == [str(reason) for reason in Withheld]


def test_every_header_of_a_record_is_told() -> None:
    assert names(rows("docs/analysts.md", "## The topic")) == list(record.HEADERS)


def test_every_topic_is_told() -> None:
    told = set(re.findall(r"^\| `([a-z.]+)` \|", text_of("docs/wire.md"), re.MULTILINE))
    of_audit = {AUDIT_FLOW, AUDIT_PROCESSES, AUDIT_ERASURES, AUDIT_EVENTS}
    assert {RAW, *of_audit, EVENTS_REPORTED, *CONTROL} <= told


def test_every_refusal_of_an_event_is_told() -> None:
    assert names(rows("docs/wire.md", "## Reported events", 2)) == list(map(str, EventRefusal))
    told = {name for row in rows("docs/wire.md", "## Reported events") for name in names([row])}
    assert told == {one.name for one in msgspec.structs.fields(ReportedEvent)}


def test_every_form_of_logs_is_told() -> None:
    told = text_of("docs/replay.md").split("\n## Logs\n", 1)[1].split("\n## ", 1)[0]
    (_, helped), *_ = rows("docs/commands.md", "## roadfade replay")
    for text in (told, helped):
        assert [form for form in Form if form.value not in text.lower()] == []


def test_every_operation_on_a_value_is_told() -> None:
    told = set(re.findall(r"`(\w+) [^`]*`", text_of("docs/data-dictionary.md")))
    words = {
        format_operation(EXAMPLES[kind].operation).split()[0]
        for kind in get_args(Coarsening | Thin)
    }
    assert words <= told


def test_every_field_of_a_record_is_told() -> None:
    told = names(rows("docs/wire.md", "## Purpose record v1"))
    assert told == list(record.PurposeRecord.__struct_fields__)


def test_every_control_row_is_told() -> None:
    told = {
        row[0].strip("`"): re.findall(r"`(\w+)`", row[1])
        for row in rows("docs/wire.md", "## Control rows")
    }
    wires: tuple[Any, ...] = control.ControlWire.__args__
    assert told == {wire.__struct_config__.tag: list(wire.__struct_fields__) for wire in wires}


def test_every_key_of_a_map_is_told() -> None:
    assert set(names(rows("docs/replay.md", "## Maps"))) == set(Entry.model_fields)


def test_every_reason_for_no_value_is_told() -> None:
    assert names([row[:1] for row in rows("docs/replay.md", "## Values that are none")]) == [*Unfit]
    listed = list(rows("docs/replay.md", "## Values that are none", 2))
    assert [row[0] for row in listed] == [*ALONE]
    for language, ends, whole in listed:
        assert tuple(ends.split(", ")) == ALONE_OR_LAST[language]
        assert tuple(whole.split(", ")) == ALONE[language]
    frames = names([row[:1] for row in rows("docs/replay.md", "## Frames without a value")])
    assert frames == [*Undecoded]


def test_every_setting_is_told_with_its_default() -> None:
    told = {
        row[0].strip("`"): row[1].strip("`") for row in rows("docs/operators.md", "## Settings")
    }
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    words = {None: "", True: "true", False: "false"}
    assert told == {
        name: words[value] if value is None or isinstance(value, bool) else str(value)
        for name, value in defaults.items()
    }


def test_every_metric_is_told_with_its_labels() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("docs/operators.md", "## Metrics")}
    metrics: set[Any] = set(REGISTRY._collector_to_names) - {PROCESS}
    ours = {
        one._name + ("_total" if one._type == "counter" else ""): ", ".join(one._labelnames)
        for one in metrics
    }
    the_processes = {
        one.name + ("_total" if one.type == "counter" else ""): "" for one in PROCESS.collect()
    }
    assert told == ours | the_processes


def test_every_alert_is_told_with_its_severity() -> None:
    document = YAML(typ="safe").load(REPOSITORY / "deploy" / "prometheus" / "rules.yml")
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    told = {
        re.sub(r"<a id=.*?</a>", "", row[0]).strip("`"): row[1]
        for row in rows("docs/operators.md", "## Alerts")
    }
    assert told == {rule["alert"]: rule["labels"]["severity"] for rule in rules}


def test_every_event_of_a_log_is_told_with_its_level() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("docs/operators.md", "## Logs")}
    levels = {
        str(one): logging.getLevelName(LEVELS.get(one, logging.INFO)).lower() for one in Event
    }
    assert told == levels


def test_what_each_role_needs_to_be_ready_is_told() -> None:
    cells = rows("docs/operators.md", "## Alive and ready")
    assert {row[0]: tuple(re.findall(r"`(\w+)`", row[1])) for row in cells} == NEEDS
