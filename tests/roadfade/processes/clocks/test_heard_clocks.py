"""What heartbeats say of the time: a live answer, a lower bound, or nothing."""

import asyncio
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from bus.view import Beat
from roadfade import metrics
from roadfade.clock import DISAGREES_MS, Answer
from roadfade.processes.clocks.dispute_mark import DisputeMark
from roadfade.processes.clocks.heard_clocks import BROKER, OFFICE, HeardClocks, ask_clocks
from roadfade.processes.sweep.once import once
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.topics import CONTROL_POLICIES, HEARTBEAT_KEY
from telemetry.wire.control import Heartbeat, encode_row
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import AFTER_MS, EXPIRES_MS, record
from tests.support.small_house import FIRST, NOW_MS, Clock, make_topics, settings_in


class Boot(Clock):
    """Milliseconds since the machine started."""


@pytest.fixture
def boot() -> Boot:
    return Boot(HOUR_MS)


@pytest.fixture
def heard(boot: Boot) -> HeardClocks:
    return HeardClocks(boot)


def beat(at_ms: int = NOW_MS, *, live: bool = True) -> Beat:
    return Beat(at_ms, at_ms + 7, live)


def test_what_lay_there_at_the_start_is_a_lower_bound(heard: HeardClocks, boot: Boot) -> None:
    heard.take(beat(live=False))
    boot.now_ms += 1_000
    assert heard.answers() == {
        OFFICE: Answer(NOW_MS, 1_000, live=False),
        BROKER: Answer(NOW_MS + 7, 1_000, live=False),
    }


def test_what_comes_while_it_listens_is_an_answer(heard: HeardClocks, boot: Boot) -> None:
    heard.take(beat(live=False))
    boot.now_ms += 5_000
    heard.take(beat())
    assert [one.live for one in heard.answers().values()] == [True, True]


def test_the_first_after_a_silence_is_a_lower_bound(heard: HeardClocks, boot: Boot) -> None:
    heard.take(beat())
    boot.now_ms += DISAGREES_MS
    heard.take(beat())
    assert [one.live for one in heard.answers().values()] == [False, False]


def test_a_date_of_the_sender_is_none_of_the_brokers(heard: HeardClocks) -> None:
    heard.take(Beat(NOW_MS, None, live=True))
    assert [*heard.answers()] == [OFFICE]


@pytest.mark.parametrize("at_ms", [-1, 10**30])
def test_an_instant_that_no_date_can_name_is_not_heard(heard: HeardClocks, at_ms: int) -> None:
    heard.take(Beat(at_ms, None, live=True))
    assert heard.answers() == {}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, heartbeat_every_s=0.2)


@pytest.fixture
def broker(settings: Settings) -> FakeBroker:
    made = FakeBroker(lambda: NOW_MS)
    asyncio.run(make_topics(made, settings, FIRST))
    return made


def send_beat(broker: FakeBroker, at_ms: int = NOW_MS) -> None:
    value = encode_row(Heartbeat(at_ms, 0))
    broker.feed(CONTROL_POLICIES, 0, Outgoing(CONTROL_POLICIES, 0, HEARTBEAT_KEY, value))


def test_a_broker_without_heartbeats_is_not_waited_for(broker: FakeBroker) -> None:
    heard = HeardClocks()
    ask_clocks(broker, heard, lambda: NOW_MS, 3_600.0)
    assert heard.answers() == {}


def test_a_broker_that_is_away_is_not_waited_for(broker: FakeBroker) -> None:
    broker.go_away()
    ask_clocks(broker, HeardClocks(), lambda: NOW_MS, 3_600.0)


@pytest.mark.parametrize("off_ms", [-2 * DAY_MS, 0, DISAGREES_MS])
def test_a_heartbeat_that_has_the_own_clock_not_ahead_ends_asking(
    broker: FakeBroker, off_ms: int
) -> None:
    send_beat(broker)
    ask_clocks(broker, HeardClocks(), lambda: NOW_MS + off_ms, 3_600.0)


class Answering(HeardClocks):
    """A broker sends a heartbeat as soon as one was read."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__()
        self._broker = broker

    def take(self, beat: Beat) -> None:
        super().take(beat)
        if not beat.live:
            send_beat(self._broker)


def test_what_could_have_the_own_clock_ahead_waits_for_an_answer(broker: FakeBroker) -> None:
    send_beat(broker)
    heard = Answering(broker)
    ask_clocks(broker, heard, lambda: NOW_MS + 2 * DAY_MS, 3_600.0)
    assert [one.live for one in heard.answers().values()] == [True, True]


@pytest.fixture
def lake(settings: Settings) -> Path:
    with lake_at(settings.lake_dir) as sink:
        sink.write([record(0)], EXPIRES_MS - 1)
    return settings.lake_dir


@pytest.fixture
def answering(broker: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    """It and the office live long before the lake's rows end."""
    monkeypatch.setattr("roadfade.processes.sweep.once.HeardClocks", lambda: Answering(broker))
    send_beat(broker)
    return broker


def test_one_sweep_ahead_of_a_live_answer_deletes_nothing_and_says_so(
    settings: Settings, answering: FakeBroker, lake: Path
) -> None:
    swept, _, _, judged = once(settings, answering, lambda: AFTER_MS)
    assert (swept.files, len(parts(lake))) == (0, 1)
    assert [*judged.ahead_of] == [BROKER, OFFICE]
    assert metrics.CLOCK_AHEAD._value.get() > 0


def test_sweeps_by_a_timer_wait_one_hour_together(
    settings: Settings, answering: FakeBroker, lake: Path, boot: Boot
) -> None:
    once(settings, answering, lambda: AFTER_MS, boot)
    boot.now_ms += HOUR_MS - 1
    once(settings, answering, lambda: AFTER_MS, boot)
    assert len(parts(lake)) == 1
    boot.now_ms += 1
    once(settings, answering, lambda: AFTER_MS, boot)
    assert parts(lake) == []


def test_without_room_for_the_mark_the_own_clock_decides(
    settings: Settings, answering: FakeBroker, lake: Path
) -> None:
    (settings.state_dir / "sweep_clock").mkdir()
    once(settings, answering, lambda: AFTER_MS)
    assert parts(lake) == []


def test_an_agreement_ends_the_dispute(settings: Settings, broker: FakeBroker, lake: Path) -> None:
    mark = DisputeMark(settings.state_dir)
    assert mark.keep(5)
    once(settings, broker, lambda: EXPIRES_MS - 1)
    assert mark.read() is None
    assert len(parts(lake)) == 1


def test_a_mark_of_before_the_machine_started_is_of_its_start(tmp_path: Path, boot: Boot) -> None:
    mark = DisputeMark(tmp_path, boot)
    assert mark.keep(2 * HOUR_MS)
    assert mark.read() == 0


@pytest.mark.parametrize("text", [b"", b"soon", b"\xff" * 100], ids=["empty", "a word", "garbage"])
def test_a_damaged_mark_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "sweep_clock").write_bytes(text)
    assert DisputeMark(tmp_path).read() is None
