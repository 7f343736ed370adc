"""Who deletes: the sweep alone, whatever the store; a sink only forgets ids."""

import asyncio
from pathlib import Path
from threading import Event

import pytest

from roadfade.ledger_file import LedgerFile
from roadfade.processes.lake_writer import StoreWriter
from roadfade.processes.sweep import measure, restate_in_turn, restate_once, sweep_once
from sinks.memory import MemorySink, MemoryStore
from sinks.port.results import Restated
from sinks.port.sink import Ends, StoreTakenError
from telemetry.identity import Pseudonym
from tests.sinks.records import AFTER_MS, EXPIRES_MS, NOW_MS, OUTPUTS, A, record
from tests.sinks.restating import FixedEnds

WHOSE = [Pseudonym("PSEUDONYM")]


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "ledger.sqlite")


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


async def test_a_sink_forgets_ids_and_deletes_no_row(ledger: LedgerFile) -> None:
    store, now_ms = Forgetful(), NOW_MS
    writer = StoreWriter(store, ledger, lambda: now_ms)
    await writer.write([record(0)])
    now_ms = AFTER_MS
    tidying = asyncio.create_task(writer.tidy())
    assert await asyncio.to_thread(store.forgot.wait, 10)
    tidying.cancel()
    assert not len(store._store.windows[A, 0])
    assert store.locate(WHOSE).rows == 2
    assert await asyncio.to_thread(ledger.expired) == {}


async def test_what_has_expired_on_arrival_is_counted_and_not_kept(
    store: MemorySink, ledger: LedgerFile
) -> None:
    await StoreWriter(store, ledger, lambda: AFTER_MS).write([record(0)])
    assert store.locate(WHOSE).rows == 0
    assert await asyncio.to_thread(ledger.expired) == {"on arrival": 2}


def test_a_sweep_removes_what_is_due_and_counts_it(store: MemorySink, ledger: LedgerFile) -> None:
    store.write([record(0)], NOW_MS)
    assert sweep_once(store, ledger, EXPIRES_MS - 1).rows == 0
    assert sweep_once(store, ledger, EXPIRES_MS).rows == 2
    assert ledger.expired() == {"service_improve": 2}
    measure(store, EXPIRES_MS)


def test_rows_that_a_new_version_closes_are_counted_as_expired(
    store: MemorySink, ledger: LedgerFile
) -> None:
    store.write([record(0)], NOW_MS)
    closing = FixedEnds({"Vehicle.Speed": 0})
    assert restate_once(store, closing, ledger, NOW_MS).removed == {"service_improve": 2}
    assert ledger.expired() == {"service_improve": 2}


class Taken(MemorySink):
    def restate(self, ends: Ends, now_ms: int) -> Restated:
        raise StoreTakenError


def test_an_erasure_at_work_puts_restating_off(ledger: LedgerFile) -> None:
    assert restate_in_turn(Taken(MemoryStore(), OUTPUTS), FixedEnds(), ledger) == 0
