"""Who runs, who is silent and who was stopped, as the broker has it; what is not known is said so."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from bus.topics import TopicSpec
from roadfade.status import reports
from roadfade.status.processes import Process, State, Word, late, processes_of
from roadfade.status.reports import Heard, hear
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_PROCESSES
from telemetry.wire.process_report import ProcessReport, encode_report
from tests.support.fast_time import fast_time
from tests.support.small_house import NOW_MS, Clock

WORKER = ProcessReport(
    1, "worker-0", "here", "running", NOW_MS - 60_000, NOW_MS, 5_000, "", "0.1.0", "1-a",
    {"roadfade_paused": {"a reason": 1}}, 3,
)  # fmt: skip
SILENT_MS = 3 * 5_000 + 5_000


def word(stamp_ms: int = NOW_MS, **changed: Any) -> Word:
    report = msgspec.structs.replace(WORKER, **{"at_ms": stamp_ms, **changed})
    return Word(report, stamp_ms)


def judged(*words: Word, now_ms: int = NOW_MS) -> tuple[Process, ...]:
    by_key = {one.report.key: one for one in words}
    assert len(by_key) == len(words)
    return processes_of(by_key, now_ms, late(by_key, now_ms))


@given(st.integers(0, 10 * SILENT_MS), st.sampled_from(["running", "ended"]))
def test_a_process_is_silent_once_three_words_are_missing(age_ms: int, state: str) -> None:
    (one,) = judged(word(NOW_MS - age_ms, state=state))
    expected = State.SILENT if age_ms > SILENT_MS else State.RUNNING
    assert one.state is (State.STOPPED if state == "ended" else expected)
    assert one.said_s == age_ms / 1000
    assert bool(one.samples) is (one.state is State.RUNNING)
    assert (one.left_out > 0) is (one.state is State.RUNNING)


def test_a_clock_that_is_behind_hides_no_silence() -> None:
    old, new = word(NOW_MS - SILENT_MS - 1), word(process="sink")
    behind = judged(old, new, now_ms=NOW_MS - 3_600_000)
    assert [one.state for one in behind] == [State.RUNNING, State.SILENT]


def test_a_container_made_anew_takes_the_place_of_the_one_that_was_killed() -> None:
    killed = word(NOW_MS - 100_000, host="old")
    anew = word(host="new", started_ms=NOW_MS - 90_000)
    assert [one.host for one in judged(killed, anew)] == ["new"]
    beside = word(host="new", started_ms=NOW_MS - 110_000)
    assert [one.state for one in judged(killed, beside)] == [State.RUNNING, State.SILENT]
    other = word(host="new", process="worker-1", started_ms=NOW_MS - 90_000)
    assert [one.state for one in judged(killed, other)] == [State.SILENT, State.RUNNING]
    both = judged(killed, word(NOW_MS - 50_000, host="new", started_ms=NOW_MS - 90_000))
    assert [one.state for one in both] == [State.SILENT, State.SILENT], "nobody has its place"


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    async with made.admin() as admin:
        await admin.create([TopicSpec(AUDIT_PROCESSES, 2, {})])
    with fast_time():
        yield made


def say(broker: FakeBroker, report: ProcessReport, partition: int = 0) -> None:
    record = Outgoing(AUDIT_PROCESSES, partition, report.key, encode_report(report))
    broker.feed(AUDIT_PROCESSES, partition, record)


async def test_the_last_word_of_each_process_counts(broker: FakeBroker) -> None:
    say(broker, WORKER)
    say(broker, msgspec.structs.replace(WORKER, process="sink"), 1)
    say(broker, msgspec.structs.replace(WORKER, state="ended"))
    heard = await hear(broker, Clock())
    found = [(one.name, one.state) for one in heard.processes]
    assert found == [("sink", State.RUNNING), ("worker-0", State.STOPPED)]
    assert (heard.unknown, heard.strange) == (None, 0)


async def test_who_speaks_meanwhile_is_not_silent_whatever_the_clocks_say(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(broker, WORKER)
    ahead = Clock(NOW_MS + 3_600_000)
    (silent,) = (await hear(broker, ahead)).processes
    assert silent.state is State.SILENT

    def speak(_: object) -> float:
        say(broker, msgspec.structs.replace(WORKER, at_ms=NOW_MS + 5_000))
        return 0

    monkeypatch.setattr(reports, "_watch_s", speak)
    (runs,) = (await hear(broker, ahead)).processes
    assert runs.state is State.RUNNING


async def test_what_is_no_report_is_counted_and_hides_none(broker: FakeBroker) -> None:
    foreign = Outgoing(AUDIT_PROCESSES, 0, b"office@here", encode_report(WORKER))
    broker.feed(AUDIT_PROCESSES, 0, Outgoing(AUDIT_PROCESSES, 0, WORKER.key, b"{}"), foreign)
    say(broker, WORKER)
    heard = await hear(broker, Clock())
    assert ([one.name for one in heard.processes], heard.strange) == (["worker-0"], 2)


async def test_who_has_been_gone_for_a_day_is_named_no_more(broker: FakeBroker) -> None:
    now = {"ms": NOW_MS - DAY_MS - 1}
    aged = FakeBroker(lambda: now["ms"])
    async with aged.admin() as admin:
        await admin.create([TopicSpec(AUDIT_PROCESSES, 2, {})])
    say(aged, msgspec.structs.replace(WORKER, process="worker-9"))
    assert [one.name for one in (await hear(aged, Clock())).processes] == ["worker-9"]
    now["ms"] = NOW_MS
    say(aged, WORKER)
    assert [one.name for one in (await hear(aged, Clock())).processes] == ["worker-0"]


async def test_so_many_processes_are_told_apart(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PROCESSES_MAX", 2)
    for number in (0, 1, 2, 1):
        say(broker, msgspec.structs.replace(WORKER, process=f"worker-{number}"))
    heard = await hear(broker, Clock())
    assert (len(heard.processes), heard.strange) == (2, 1)


async def test_processes_that_cannot_be_heard_are_unknown(broker: FakeBroker) -> None:
    broker.go_away()
    assert await hear(broker, Clock()) == Heard(
        unknown=f"topic {AUDIT_PROCESSES} could not be read (BrokerError)"
    )
    missing = await hear(FakeBroker(lambda: NOW_MS), Clock())
    assert "there is no topic" in (missing.unknown or "")
    assert missing.processes == ()
