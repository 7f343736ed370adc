"""Every closed set of labels is there before anything happened."""

import re
from pathlib import Path

import pytest

from bus.failures import RowFault
from roadfade import metrics
from roadfade.processes.sink.observer import bear_sink
from roadfade.processes.sweep import process as sweep
from roadfade.processes.worker.series import PAUSES, bear_outputs, bear_worker
from sinks.port.results import Unreadable
from telemetry.outcome import Rejected, Withheld
from telemetry.topics import CONTROL_OF_WORKERS, RAW
from tests.support.plans import PLAN

OUTPUTS = {output.id for output in PLAN.outputs}


def labels(metric: object) -> set[tuple[str, ...]]:
    return {
        tuple(sample.labels.values())
        for family in metric.collect()  # type: ignore[attr-defined]
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.fixture(autouse=True)
def _born() -> None:
    for metric in (metrics.READINGS_IN, metrics.READINGS_WITHHELD, metrics.SINK_ROWS):
        metric.clear()
    bear_worker()
    bear_outputs(PLAN)
    bear_sink({output.topic: output.id for output in PLAN.outputs})


def test_a_workers_series_are_there() -> None:
    assert labels(metrics.READINGS_IN) == {(one,) for one in OUTPUTS}
    assert labels(metrics.READINGS_DELIVERED) >= {(one,) for one in OUTPUTS}
    both = {(one, str(why)) for one in OUTPUTS for why in Withheld}
    assert labels(metrics.READINGS_WITHHELD) == both
    assert labels(metrics.REJECTED) >= {(str(why),) for why in Rejected}
    assert labels(metrics.PAUSED) >= {(why,) for why in PAUSES}
    assert labels(metrics.QUARANTINED) >= {
        (t, str(why)) for t in CONTROL_OF_WORKERS for why in RowFault
    }
    assert labels(metrics.QUARANTINED) >= {(RAW, "unpacking"), (RAW, "deadly")}


def test_a_sinks_series_are_there() -> None:
    assert labels(metrics.SINK_ROWS) == {(one,) for one in OUTPUTS}
    assert labels(metrics.SINK_DUPLICATES) >= {(one,) for one in OUTPUTS}
    assert labels(metrics.SINK_REFUSED) >= {(one,) for one in OUTPUTS}
    assert labels(metrics.SINK_REJECTED) >= {(str(why),) for why in Unreadable}


def test_every_step_of_a_sweep_is_known() -> None:
    source = Path(sweep.__file__).read_text()
    named = {name.strip('"') for name in re.findall(r"attempt\(\s*([^,]+),", source)} - {
        "step: str"
    }
    assert {sweep.DELETE if name == "DELETE" else name for name in named} == set(sweep.STEPS)


def test_what_is_not_known_is_not_born() -> None:
    # An age of 0 would say that a view is fresh before a heartbeat was read.
    metrics.VIEW_AGE.clear()
    bear_worker()
    assert labels(metrics.VIEW_AGE) == set()
