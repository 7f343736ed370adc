"""What runs for what was asked, and what the rounds say together."""

import pytest

from bench.job import device, raw_key
from bench.latency import percentile, waits_ms
from bench.metering import Figures, Sample, middle
from bench.peers.catalogue import PEERS
from bench.reference import pseudonym
from bench.runs import Work
from bench.series import CHURN, COPY, ROAD, told, works


def _runs(*costs: float) -> list[Figures]:
    return [Figures(cost, 1e6, 50.0) for cost in costs]


def test_everything_runs_once_a_round_if_nothing_is_asked_for() -> None:
    every = works([])
    assert len(every) == len(set(every))
    assert {work.peer for work in every} == set(PEERS)
    assert CHURN in every
    assert {Work("roadfade", f"shipped-{size}") for size in (10, 60, 200)} <= set(every)


def test_what_is_asked_for_runs_alone() -> None:
    assert works(["hand"]) == [Work("hand")]
    assert works(["churn"]) == [ROAD, CHURN]
    assert works(["latency"]) == [ROAD]
    assert works(["fan-out"]) == [
        Work("roadfade", "fan-out-1"), Work("copy", "fan-out-1"), ROAD, COPY,
        Work("roadfade", "fan-out-8"), Work("copy", "fan-out-8"),
    ]  # fmt: skip


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    runs = {
        ROAD: _runs(2.0, 9.0, 3.0),
        COPY: _runs(1.0, 3.0, 3.0),
        CHURN: _runs(2.2, 18.0, 3.3),
        Work("roadfade", "shipped-10"): _runs(7.0, 5.0, 6.0),
    }
    found = told(runs)
    assert found["peers"]["roadfade"]["cpu_us_per_reading"] == 3.0
    assert found["peers"]["roadfade"]["times_copy"] == 2.0
    assert found["peers"]["copy"]["times_copy"] == 1.0
    assert found["churn_ratio"] == pytest.approx(1.1)
    assert found["full_policy"] == {"10": 6.0}
    assert "sizes" not in found
    assert "times_copy" not in told({ROAD: _runs(1.0)})["peers"]["roadfade"]


def test_a_series_has_both_sides_of_each_job() -> None:
    runs = {work: _runs(2.0 if work.peer == "copy" else 3.0) for work in works(["sizes"])}
    both = {"roadfade": 3.0, "copy": 2.0, "times_copy": 1.5}
    assert told(runs)["sizes"] == {"10": both, "60": both, "200": both}


def test_only_what_lies_between_warming_up_and_the_end_is_measured() -> None:
    samples = [Sample(n, cpu_s, wall_s) for n, cpu_s, wall_s in [
        (0, 5.0, 0.0), (74, 9.0, 1.0), (80, 10.0, 2.0), (90, 11.0, 4.0), (100, 99.0, 9.0),
    ]]  # fmt: skip
    found = middle(samples, 100, 60, 77.0, counted_from=0.75)
    assert found._asdict() == pytest.approx(
        {"cpu_us_per_reading": 1 / 600 * 1e6, "readings_per_s": 300.0, "rss_mb": 77.0}
    )
    with pytest.raises(RuntimeError, match="too few batches"):
        middle(samples, 100, 60, 77.0, counted_from=0.85)


def test_waits_are_from_append_to_append_without_the_first_tenth() -> None:
    raw = {raw_key(device(n)): [n * 1_000 + step for step in range(10)] for n in range(2)}
    outputs = {
        pseudonym("a", device(0)).encode(): [step + 500 for step in range(10)],
        pseudonym("a", device(1)).encode(): [1_000 + step + (7, 3)[step % 2] for step in range(10)],
    }
    assert waits_ms(raw, outputs) == [3] * 5 + [7] * 5 + [500] * 8
    with pytest.raises(ValueError, match="shorter"):
        waits_ms(raw, {key: times[:-1] for key, times in outputs.items()})


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    assert percentile(list(range(1, 101)), 50) == 50
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([4], 99) == 4
