"""Ledger and lake reconciled on the real broker: whole after a drive, and a planted loss is found."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.road import Road

pytestmark = pytest.mark.broker


def test_a_drive_is_accounted_for_and_a_row_taken_away_is_found(road: Road, tmp_path: Path) -> None:
    assert road.cli("simulate", "--vehicles", "5", "--seed", "8", "--for", "4s").code == 0
    road.drained()
    whole = road.cli("audit", "reconcile", "--json")
    assert (whole.json()["findings"], whole.code) == ([], 0)
    told = whole.json()["raw"]
    assert sum(one["told"] for one in told) == sum(one["end"] for one in told) > 0
    assert whole.json()["unknown"] == []
    assert whole.json()["outputs"]["service_improve"]["delivered"] > 0

    copy = tmp_path / "ledger.sqlite"
    shutil.copy2(road.settings.ledger_path, copy)
    with closing(sqlite3.connect(copy)) as db:
        taken = "SELECT rowid, partition, first, last FROM flow ORDER BY last - first DESC LIMIT 1"
        row, partition, first, last = db.execute(taken).fetchone()
        db.execute("DELETE FROM flow WHERE rowid = ?", (row,))
        db.commit()
    lacking = road.cli("audit", "reconcile", "--ledger", str(copy))
    assert lacking.code == 1
    place = f"telemetry.raw partition {partition}, offsets {first} to {last}"
    assert f"tells nothing of {place}:" in lacking.out
