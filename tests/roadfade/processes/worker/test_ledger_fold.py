"""A ledger that another process holds, or that is full, is waited for; nothing is lost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from roadfade import ledger_file, metrics
from roadfade.ledger_file import LedgerFile, Place
from roadfade.processes.worker.ledger_fold import AGAIN_AFTER_S, fold_at_last
from telemetry.wire.flow import FlowRecord, OutputFlow
from tests.support.fast_time import fast_time

RECORD = FlowRecord("telemetry.raw", 0, 0, 9, {"a": OutputFlow(10, 10, {})}, {}, 1)


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


def waits() -> float:
    (family,) = metrics.LEDGER_WAITS.collect()
    return family.samples[0].value


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    return LedgerFile(tmp_path / "ledger.sqlite")


@pytest.fixture
def frozen(tmp_path: Path, ledger: LedgerFile) -> Iterator[sqlite3.Connection]:
    """Another process that stands still in the middle of a fold."""
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_ledger_that_a_frozen_process_holds_is_waited_for(
    ledger: LedgerFile,
    frozen: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(ledger_file, "BUSY_S", 0.01)
    folding = asyncio.create_task(fold_at_last(ledger, RECORD, Place(0, 1)))
    await asyncio.sleep(5 * AGAIN_AFTER_S)
    assert not folding.done()
    assert waits() == 1
    await asyncio.to_thread(frozen.execute, "COMMIT")
    await folding
    assert (await asyncio.to_thread(ledger.read)).outputs["a"].delivered == 10
    assert waits() == 0
    assert len([said for said in caplog.messages if "cannot be written" in said]) == 1


async def test_what_is_a_fault_of_ours_ends_the_process(
    ledger: LedgerFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise sqlite3.IntegrityError

    monkeypatch.setattr(ledger, "fold_at", faulty)
    with pytest.raises(sqlite3.IntegrityError):
        await fold_at_last(ledger, RECORD, Place(0, 1))
