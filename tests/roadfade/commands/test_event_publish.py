"""Another system's operator reports a file of events, without an office; nobody's id comes back."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from roadfade.cli import app
from roadfade.in_force import broker as in_force
from telemetry.topics import EVENTS_REPORTED
from telemetry.wire.event import ReportedEvent, take_event

ANA, DONGLE = "ana-the-subject", "dongle-of-nobody"
AT = "2026-11-01T00:00:00+09:00"
LINES = [
    {"kind": "contract_end", "at": AT, "subject": ANA},
    {"kind": "device_retired", "at": AT, "device": DONGLE, "id": "workshop-0001"},
]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeBroker:
    made = FakeBroker()
    made._cluster.create(TopicSpec(EVENTS_REPORTED, 1, {}))
    monkeypatch.setattr(in_force, "connection_of", lambda _: made)
    monkeypatch.setattr(in_force, "require_broker", lambda _: None)
    monkeypatch.chdir(tmp_path)
    return made


def publish(folder: Path, lines: Sequence[object], *more: str) -> Result:
    file = folder / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    words = ["event", "publish", str(file), *more]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    for identifier in (DONGLE, ANA, "workshop"):
        assert identifier not in result.output
    return result


def reported(broker: FakeBroker) -> list[ReportedEvent]:
    found = [take_event(one.key, one.value) for one in broker.records(EVENTS_REPORTED)]
    return [one for one in found if isinstance(one, ReportedEvent)]


def test_a_file_is_reported_and_again_under_the_same_ids(
    broker: FakeBroker, tmp_path: Path
) -> None:
    for _ in range(2):
        done = publish(tmp_path, LINES, "--json")
        assert json.loads(done.stdout) == {"published": 2}
    found = reported(broker)
    assert [(one.kind, one.at, one.subject, one.device) for one in found] == [
        ("contract_end", AT, ANA, None),
        ("device_retired", AT, None, DONGLE),
    ] * 2
    assert found[:2] == found[2:]
    assert found[1].id == "workshop-0001"
    assert found[0].id != found[1].id
    assert not any(tmp_path.glob(".state/office*")), "no office is needed"


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "contract_end", "at": "yesterday", "subject": ANA},
        {"kind": "contract_end", "at": AT, "subject": ANA, "id": "workshop 1"},
        {"kind": "contract_end", "at": AT, "subject": ANA * 20},
        {"kind": "contract_end", "at": AT, "name": ANA},
        [],
    ],
)
def test_a_line_that_is_no_event_is_named_and_nothing_is_reported(
    broker: FakeBroker, tmp_path: Path, line: object
) -> None:
    refused = publish(tmp_path, [LINES[0], line])
    assert refused.exit_code == 1
    assert "line 2: no event" in " ".join(refused.stderr.split())
    assert reported(broker) == []


def test_a_topic_that_is_not_there_is_refused_with_the_remedy(
    broker: FakeBroker, tmp_path: Path
) -> None:
    broker._cluster.delete(EVENTS_REPORTED)
    refused = publish(tmp_path, LINES)
    assert refused.exit_code == 1
    assert "roadfade topics apply" in " ".join(refused.stderr.split())
