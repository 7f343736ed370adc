"""What the plan lets a delivered reading become, and what running processes cannot account for."""

from dataclasses import replace
from pathlib import Path

import pytest

from roadfade.ledger_file import LedgerFile
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.status.accounts import _held, _makes_cells, _outputs, _times_max, unclear
from roadfade.status.processes import Process, Sample, State
from roadfade.status.reports import Heard
from sinks.port.results import Holdings
from sinks.port.sink import StoreTakenError
from telemetry.wire.flow import Ledger, OutputFlow
from tests.support.fast_time import fast_time
from tests.support.plans import PLAN


def test_a_reading_leaves_at_most_once_by_lane_ground_and_roles() -> None:
    output = next(one for one in PLAN.outputs if one.lanes)
    lane = output.lanes[0]
    once = replace(output, lanes=(lane,))
    assert _times_max(replace(output, lanes=(lane, lane))) == 2 * _times_max(once)
    assert _times_max(replace(output, lanes=())) == 0


def test_only_an_output_with_a_mesh_makes_cells() -> None:
    assert {one.id for one in PLAN.outputs if _makes_cells(one)} == {"research"}
    assert len(PLAN.outputs) > 1


def test_what_is_not_known_of_an_output_is_none() -> None:
    told = Ledger({"a": OutputFlow(5, 5, {})}, {})
    held = Holdings({}, {"a": 4, "b": 1}, {"a": 1})
    found = _outputs(told, held, {"c": 2, "on arrival": 9}, [None])
    assert set(found) == {"a", "b", "c"}
    assert (found["a"].in_store, found["b"].in_store, found["c"].in_store) == (None, 1, 0)
    assert all(one.times_max is None and one.cells is None for one in found.values())
    stranger = _outputs(told, held, {}, [PLAN])["a"]
    assert (stranger.times_max, stranger.cells) == (None, None), "no version has this output"
    known = _outputs(told, replace(held, readings={"research": 3}), {}, [PLAN])["research"]
    assert (known.in_store, known.cells, (known.times_max or 0) >= 1) == (3, True, True)


def test_refused_records_and_waiting_counts_are_told() -> None:
    refused = (Sample("roadfade_sink_rejected_total", "not_allowed", 3),)
    sink = Process("sink", "a", State.RUNNING, 1, refused)
    waiting = (Sample("roadfade_unaccounted_readings", "", 7),)
    sweep = Process("sweep", "a", State.RUNNING, 1, waiting)
    silent = Process("worker-0", "a", State.SILENT, 99)
    assert [one.split()[:3] for one in unclear(Heard((sink, sweep, silent)))] == [
        ["the", "sink", "refused"],
        ["7", "removed", "readings"],
    ]
    assert unclear(Heard((silent,))) == []


def test_processes_that_nobody_hears_leave_it_unclear() -> None:
    (sentence,) = unclear(Heard(unknown="there is no topic"))
    assert sentence.endswith("unknown: there is no topic")


def test_files_that_a_sweep_could_not_count_are_told() -> None:
    [told] = unclear(Heard(), 2)
    assert "2 files" in told


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Settings, LedgerFile]:
    return Settings(), LedgerFile(tmp_path / "ledger.db")


async def test_a_lake_whose_parts_move_is_counted_again(
    asked: tuple[Settings, LedgerFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = [True, True]

    def holdings(_settings: Settings) -> Holdings:
        if moving and moving.pop():
            raise StoreTakenError
        return Holdings({}, {"a": 4}, {})

    monkeypatch.setattr("roadfade.status.accounts.holdings_of", holdings)
    with fast_time():
        _, held, steady = await _held(*asked, {})
    assert (held.readings, steady, moving) == ({"a": 4}, True, [])


async def test_one_whose_parts_always_move_is_refused_in_a_sentence(
    asked: tuple[Settings, LedgerFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    def holdings(_settings: Settings) -> Holdings:
        msg = "parts move: try again"
        raise StoreTakenError(msg)

    monkeypatch.setattr("roadfade.status.accounts.holdings_of", holdings)
    monkeypatch.setattr("roadfade.status.accounts.WAIT_S", -1.0)
    with pytest.raises(Refusal, match="try again"):
        await _held(*asked, {})
