"""Series that are there from the start, and how long records take on their way."""

from collections.abc import Collection

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from roadfade import metrics
from roadfade.metrics import Ages, bear, observe_ages


def samples(*families: object) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *one.labels.values()): one.value
        for family in families
        for metric in family.collect()  # type: ignore[attr-defined]
        for one in metric.samples
        if not one.name.endswith("_created")
    }


def test_a_series_is_0_before_anything_happened_and_stays_what_it_is() -> None:
    counter = Counter("born", "text", ("output", "reason"), registry=CollectorRegistry())
    counter.labels("a", "x").inc(3)
    for _ in range(2):
        bear(counter, ["a", "b"], ["x", "y"])
    assert samples(counter) == {
        ("born_total", "a", "x"): 3,
        ("born_total", "a", "y"): 0,
        ("born_total", "b", "x"): 0,
        ("born_total", "b", "y"): 0,
    }


@pytest.mark.parametrize("ages_s", [[], [0.0], [0.1, 0.1, 0.05, 3, 99, 5_000], [1.0] * 500])
def test_many_ages_at_once_are_as_many_observed(ages_s: list[float]) -> None:
    one = Ages("one", "text", buckets=(0.1, 1, 100), registry=CollectorRegistry())
    other = Histogram("one", "text", buckets=(0.1, 1, 100), registry=CollectorRegistry())
    one.observe_all(ages_s)
    for age_s in ages_s:
        other.observe(age_s)
    assert samples(one) == pytest.approx(samples(other))


def told(made_ms: Collection[tuple[int, bool]], now_ms: int) -> tuple[list[float], float]:
    before = samples(metrics.RAW_TO_TOPIC, metrics.LATENCY_UNKNOWN)
    observe_ages(metrics.RAW_TO_TOPIC, metrics.Way.RAW_TO_TOPIC, made_ms, now_ms)
    after = samples(metrics.RAW_TO_TOPIC, metrics.LATENCY_UNKNOWN)
    name = "roadfade_raw_to_topic_seconds"
    unknown = ("roadfade_latency_unknown_total", "raw to topic")
    return (
        [after[name + part,] - before[name + part,] for part in ("_count", "_sum")],
        after[unknown] - before.get(unknown, 0),
    )


def test_a_record_of_the_future_or_without_the_brokers_time_is_counted_apart() -> None:
    assert told([(1_000, True), (1_500, True)], 2_000) == ([2, 1.5], 0)
    assert told([(2_001, True), (1_000, False), (2_000, True)], 2_000) == ([1, 0], 2)


def test_a_process_exports_its_memory_its_time_and_its_files() -> None:
    names = {family.name for family in metrics.REGISTRY.collect()}
    assert {
        "process_resident_memory_bytes",
        "process_cpu_seconds",
        "process_open_fds",
        "process_start_time_seconds",
    } <= names
