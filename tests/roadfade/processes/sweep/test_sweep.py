"""Who deletes: the sweep alone, whatever the store; a sink only forgets ids."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from threading import Event

import pytest

from roadfade import metrics
from roadfade.ledger_file import LedgerFile
from roadfade.processes.clocks.heard_clocks import HeardClocks
from roadfade.processes.sink.lake_writer import StoreWriter
from roadfade.processes.sweep.measures import measure
from roadfade.processes.sweep.once import clock_of
from roadfade.processes.sweep.policy_listener import PolicyListener
from roadfade.processes.sweep.process import Sweeper
from roadfade.processes.sweep.steps import restate_in_turn, restate_once, sweep_once
from roadfade.processes.sweep.strange_names import StrangeNames
from roadfade.settings import Settings
from roadfade.stores import store_of
from roadfade.unaccounted import ExpiredAccount
from sinks.memory import MemorySink, MemoryStore
from sinks.port.results import Oddity, Restated, Strange
from sinks.port.sink import Ends, StoreTakenError
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import AFTER_MS, EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUTS, A, record, whose
from tests.sinks.restating import FixedEnds

WHOSE = whose("PSEUDONYM")


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "ledger.sqlite")


@pytest.fixture
def account(tmp_path: Path) -> ExpiredAccount:
    return ExpiredAccount(tmp_path / "ledger.sqlite")


@pytest.fixture
def store() -> MemorySink:
    return MemorySink(MemoryStore(), OUTPUTS)


class Forgetful(MemorySink):
    """Says when it has forgotten."""

    def __init__(self) -> None:
        super().__init__(MemoryStore(), OUTPUTS)
        self.forgot = Event()

    def forget(self, now_ms: int) -> None:
        super().forget(now_ms)
        self.forgot.set()


async def test_a_sink_forgets_ids_and_deletes_no_row(
    ledger: LedgerFile, account: ExpiredAccount
) -> None:
    store, now_ms = Forgetful(), NOW_MS
    writer = StoreWriter(store, account, lambda: now_ms)
    await writer.write([record(0)])
    now_ms = AFTER_MS
    tidying = asyncio.create_task(writer.tidy())
    assert await asyncio.to_thread(store.forgot.wait, 10)
    tidying.cancel()
    assert not len(store._store.windows[A, 0])
    assert store.locate(OUTPUT_A, WHOSE).rows == 2
    assert await asyncio.to_thread(ledger.expired) == {}


async def test_what_has_expired_on_arrival_is_counted_and_not_kept(
    store: MemorySink, ledger: LedgerFile, account: ExpiredAccount
) -> None:
    await StoreWriter(store, account, lambda: AFTER_MS).write([record(0)])
    assert store.locate(OUTPUT_A, WHOSE).rows == 0
    assert await asyncio.to_thread(ledger.expired) == {"on arrival": 2}


def test_a_sweep_removes_what_is_due_and_counts_it(
    store: MemorySink, ledger: LedgerFile, account: ExpiredAccount
) -> None:
    store.write([record(0)], NOW_MS)
    assert sweep_once(store, account, EXPIRES_MS - 1).rows == 0
    assert sweep_once(store, account, EXPIRES_MS).rows == 2
    assert ledger.expired() == {"service_improve": 2}
    measure(store, EXPIRES_MS)


def test_a_file_that_was_not_counted_is_in_the_ledger_and_in_no_sum(
    account: ExpiredAccount, ledger: LedgerFile, tmp_path: Path
) -> None:
    root = tmp_path / "lake"
    with lake_at(root) as lake:
        lake.write([record(0)], NOW_MS)
        (root / parts(root)[0]).write_bytes(b"no footer")
        assert sweep_once(lake, account, AFTER_MS).uncounted == 1
    assert (ledger.expired(), ledger.files_not_counted()) == ({}, 1)


def test_rows_that_a_new_version_closes_are_counted_as_expired(
    store: MemorySink, ledger: LedgerFile, account: ExpiredAccount
) -> None:
    store.write([record(0)], NOW_MS)
    closing = FixedEnds({"Vehicle.Speed": 0})
    assert restate_once(store, closing, account, NOW_MS).removed == {"service_improve": 2}
    assert ledger.expired() == {"service_improve": 2}


class Taken(MemorySink):
    def restate(self, ends: Ends, now_ms: int) -> Restated:
        raise StoreTakenError


def test_an_erasure_at_work_puts_restating_off(account: ExpiredAccount) -> None:
    assert restate_in_turn(Taken(MemoryStore(), OUTPUTS), FixedEnds(), account, NOW_MS) == 0


def test_rows_go_though_the_ledger_cannot_be_written(
    store: MemorySink, account: ExpiredAccount, tmp_path: Path
) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    store.write([record(0)], NOW_MS)
    assert sweep_once(store, account, EXPIRES_MS).rows == 2
    assert store.locate(OUTPUT_A, WHOSE).rows == 0
    assert account.waiting == 2


def test_what_the_ledger_missed_is_added_once_it_can_be_written(
    store: MemorySink, account: ExpiredAccount, ledger: LedgerFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError

    with monkeypatch.context() as disk:
        disk.setattr(LedgerFile, "add_expired", full)
        store.write([record(0)], NOW_MS)
        sweep_once(store, account, EXPIRES_MS)
    assert ledger.expired() == {}
    sweep_once(store, account, EXPIRES_MS)
    sweep_once(store, account, EXPIRES_MS)
    assert (ledger.expired(), account.waiting) == ({"service_improve": 2}, 0)


def test_a_strange_name_is_logged_once_and_again_if_it_comes_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, one = StrangeNames(logging.getLogger("sweep")), Strange(Oddity.FOREIGN, "x", "a file")
    for found in ([one], [one], [], [one]):
        told.tell(found)
    assert len(caplog.messages) == 2


@pytest.mark.parametrize("step", ["restate", "measure", "promises", "backups"])
def test_no_step_beside_deleting_stops_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    settings = Settings(state_dir=tmp_path, policy=tmp_path / "no document")
    with lake_at(settings.lake_dir) as lake:
        lake.write([record(0)], NOW_MS)
    listener = Listener()
    store = store_of(settings)
    clock = clock_of(settings, store, HeardClocks(), lambda: AFTER_MS)
    sweeper = Sweeper(settings, listener, store, clock)
    if step == "restate":
        listener.fails = True
    if step == "measure":
        monkeypatch.setattr("roadfade.processes.sweep.process.measure", lambda *_: 1 / 0)
    if step == "backups":
        monkeypatch.setattr("roadfade.processes.sweep.process.end_backups", lambda *_: 1 / 0)
    before = failures(step)
    assert not sweeper.turn()
    assert parts(settings.lake_dir) == []
    assert failures(step) == before + 1


class Listener(PolicyListener):
    """Has heard nothing, or fails."""

    fails = False

    def __init__(self) -> None:
        """Need nothing."""

    def ends(self) -> None:
        if self.fails:
            raise OSError


def failures(step: str) -> float:
    return float(metrics.SWEEP_FAILURES.labels(step)._value.get())
