"""Which path carries usual envelopes is said as a worker starts, by a metric, and on status."""

import logging
import os
import shutil

import pytest

from bus.client import sealing
from processors import core
from processors.core import CoreState, core_state
from roadfade import metrics, which_path
from roadfade.commands.status import _core_of, _which_path
from roadfade.status.processes import Process, Sample, State
from roadfade.stores import tell_how_records_are_read
from sinks.port import core as cores_of_sinks
from tests.support.ready_batches import CORE_IS_BUILT

BARE = CoreState.ABSENT, CoreState.FOREIGN


@pytest.mark.skipif(
    "CI" not in os.environ or shutil.which("cargo") is None, reason="no CI, or no Rust to build it"
)
def test_where_rust_is_no_test_of_the_core_is_skipped() -> None:
    assert core_state() is CoreState.CARRIES, "`make core` says why it could not be built"


def exported() -> float:
    return next(sample.value for family in metrics.CORE.collect() for sample in family.samples)


def test_a_worker_with_the_core_says_so_by_its_metric_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(which_path, "core_state", lambda: CoreState.CARRIES)
    which_path.tell_which_path()
    assert (exported(), caplog.messages) == (1, [])


@pytest.mark.parametrize("state", BARE)
def test_a_worker_without_it_says_what_does_the_work_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, state: CoreState
) -> None:
    monkeypatch.setattr(which_path, "core_state", lambda: state)
    which_path.tell_which_path()
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert "the exact path does everything" in line.getMessage()
    assert "make core" in line.getMessage()
    assert exported() == 0


def test_the_core_that_is_here_is_found_and_another_versions_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert core_state() is (CoreState.CARRIES if CORE_IS_BUILT else CoreState.ABSENT)
    for found, state in (
        (None, CoreState.ABSENT),
        (core.INTERFACE, CoreState.CARRIES),
        (core.INTERFACE + 1, CoreState.FOREIGN),
    ):
        monkeypatch.setattr(core, "_found", found)
        assert core_state() is state


def process(name: str, core_value: float | None) -> Process:
    samples = () if core_value is None else (Sample("roadfade_core", "", core_value),)
    return Process(name, "here", State.RUNNING, 1, samples)


def test_status_names_the_workers_without_it() -> None:
    told = [
        process("worker-0", 1),
        process("worker-1", 0),
        process("worker-2", None),
        process("sink", 0),
    ]
    rows = [{"name": one.name, "core": _core_of(one)} for one in told]
    assert [row["core"] for row in rows] == [True, False, None, None]
    assert _which_path(rows).startswith("not in worker-1: the exact path")
    assert _which_path(rows[:1]) == "carries usual envelopes"
    assert _which_path(rows[2:]) == "not known"


def test_a_sink_says_if_it_works_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sinks.port.core.HAS_CORE", True)
    tell_how_records_are_read()
    assert not caplog.records
    monkeypatch.setattr("sinks.port.core.HAS_CORE", False)
    tell_how_records_are_read()
    (line,) = caplog.records
    assert "make core" in line.getMessage()


def test_all_who_import_it_ask_for_the_same_one() -> None:
    assert core.INTERFACE == cores_of_sinks.INTERFACE == sealing.INTERFACE
