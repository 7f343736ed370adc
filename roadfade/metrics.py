"""Every metric there is, by process. Labels never split below the fleet.

Dashboards and alert rules may use these names only (a test holds them to it).
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from bus.observer import LoopObserver
from telemetry.wire.flow import OutputFlow

logger = logging.getLogger(__name__)
REGISTRY = CollectorRegistry(auto_describe=True)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY)


READINGS_IN = _counter("roadfade_readings_in_total", "Readings that entered", "output")
READINGS_DELIVERED = _counter(
    "roadfade_readings_delivered_total", "Readings some record represents", "output"
)
READINGS_WITHHELD = _counter(
    "roadfade_readings_withheld_total", "Readings withheld, by first reason", "output", "reason"
)
REJECTED = _counter("roadfade_rejected_total", "Readings not admitted", "reason")
RECORDS_IN = _counter("roadfade_records_in_total", "Raw records processed")
BATCH_SECONDS = Histogram(
    "roadfade_batch_seconds",
    "From fetch to commit of one batch",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=REGISTRY,
)
SLOW_PATH = _counter("roadfade_slow_path_total", "Envelopes that took the exact path")
REUSED_IDS = _counter(
    "roadfade_reused_ids_total", "Envelopes under the id of another content; both are kept"
)
INPUT_LAG = _gauge("roadfade_input_lag_records", "Raw records not yet processed", "partition")
EXPIRED_UNREAD = _counter(
    "roadfade_expired_unread_total", "Raw records deleted before they were processed"
)
VIEW_AGE = _gauge("roadfade_view_age_seconds", "Age of a control view's heartbeat", "view")
PAUSED = _gauge("roadfade_paused", "1 while consumption waits for this reason", "reason")
REWOUND = _counter(
    "roadfade_rewound_records_total",
    "Records a topic went back by: it was recreated or truncated",
)
COMMITS_MISSED = _counter(
    "roadfade_commits_missed_total",
    "Commits the group did not take; their batch comes again",
    "reason",
)
PRODUCE_RETRIES = _counter("roadfade_produce_retries_total", "Batches sent again")
LEDGER_UNBALANCED = _counter(
    "roadfade_ledger_unbalanced_total", "Flow records whose rows do not close"
)
LEDGER_WAITS = _gauge(
    "roadfade_ledger_waits", "1 while flow records wait for a ledger that cannot be written"
)
QUARANTINED = _counter(
    "roadfade_quarantined_total", "Records set aside because they cannot be read", "topic", "reason"
)
SINK_ROWS = _counter("roadfade_sink_rows_total", "Lake rows written", "output")
SINK_DUPLICATES = _counter(
    "roadfade_sink_duplicates_total", "Records dropped as a worker's duplicates", "output"
)
SINK_REJECTED = _counter("roadfade_sink_rejected_total", "Records the sink refused", "reason")
SINK_LAG = _gauge("roadfade_sink_lag_records", "Purpose records not yet in the lake", "topic")
SINK_STOPPED = _gauge(
    "roadfade_sink_topic_stopped",
    "1 while the sink keeps nothing of a topic: it was made anew, or lost its end",
    "topic",
)
EXPIRED_READINGS = _counter(
    "roadfade_expired_readings_total", "Lake rows removed at their expiry", "output"
)
RESTATED_READINGS = _counter(
    "roadfade_restated_readings_total",
    "Lake rows given a new expiry date by a new policy",
    "output",
)
RESTATE_LEFT = _gauge(
    "roadfade_restate_left_files", "Lake files still to be given their new expiry dates"
)
RESTATE_UNJUDGED = _counter(
    "roadfade_restate_unjudged_rows_total", "Lake rows of a policy version that is not on record"
)
SWEEP_SUCCESS = _gauge(
    "roadfade_sweep_last_success_timestamp_seconds", "When a sweep last finished"
)
OLDEST_AGE = _gauge(
    "roadfade_oldest_record_age_seconds", "Age of the oldest record of a copy", "copy"
)
LONGEST_LIFE = _gauge("roadfade_longest_life_seconds", "Longest life promised in a copy", "copy")
OVERDUE = _gauge("roadfade_overdue_partitions", "Lake partitions past their expiry", "output")
LAKE_STRANGE = _gauge(
    "roadfade_lake_strange_files",
    "Names in the lake that are foreign, unreadable, or due and not removed",
    "kind",
)
UNACCOUNTED = _gauge(
    "roadfade_unaccounted_readings", "Removed readings that the ledger could not take yet"
)
SWEEP_FAILURES = _counter(
    "roadfade_sweep_failures_total", "Steps of a sweep that failed beside the deleting", "step"
)
CLOCK_AHEAD = _gauge(
    "roadfade_clock_ahead_seconds", "How far this process's clock is ahead of what others say"
)
CLOCK_BEHIND = _gauge(
    "roadfade_clock_behind_seconds", "How far this process's clock is behind what others say"
)
CLOCK_SET_BACK = _counter(
    "roadfade_clock_set_back_total", "How often this process's clock was set back meanwhile"
)
OUTBOX_PENDING = _gauge("roadfade_outbox_pending", "Control rows not yet published")
REPUBLISHED = _counter(
    "roadfade_republished_rows_total", "Control rows published again: the topics lacked some"
)
HEARTBEAT = _gauge("roadfade_heartbeat_timestamp_seconds", "When the office last proved it lives")
BUILD = _gauge("roadfade_build_info", "1, labelled with versions", "version", "policy_version")


def tell_build(version: str, policy_version: str) -> None:
    """Export the versions this process applies now, in place of those before."""
    BUILD.clear()
    BUILD.labels(version, policy_version).set(1)


def metric_names() -> frozenset[str]:
    """Every series name a query may use, with the suffixes of counters and histograms."""
    names: set[str] = set()
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    for family in REGISTRY.collect():
        names.update(family.name + suffix for suffix in suffixes.get(family.type, [""]))
    return frozenset(names)


METRIC_NAMES = metric_names()


def count_flow(ledger: Mapping[str, OutputFlow], rejected: Mapping[str, int]) -> None:
    """Add one batch's ledger to the counters."""
    for output, flow in ledger.items():
        READINGS_IN.labels(output).inc(flow.entered)
        READINGS_DELIVERED.labels(output).inc(flow.delivered)
        for reason, count in flow.withheld.items():
            READINGS_WITHHELD.labels(output, reason).inc(count)
    for reason, count in rejected.items():
        REJECTED.labels(reason).inc(count)


def serve_metrics(host: str, port: int, ports_dir: Path, role: str) -> WSGIServer:
    """Serve /metrics from a thread; the port taken is written to ``<ports_dir>/<role>``."""
    server, _ = start_http_server(port, host, REGISTRY)
    ports_dir.mkdir(parents=True, exist_ok=True)
    (ports_dir / role).write_text(f"{host}:{server.server_port}")
    return server


class Metered(LoopObserver):
    """The events of every batch loop, as metrics."""

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        """A gap in offsets: never silent."""
        del topic, partition
        EXPIRED_UNREAD.inc(records)

    def quarantined(self, topic: str, partition: int, records: int) -> None:
        """Records that cannot be unpacked: never silent."""
        del partition
        QUARANTINED.labels(topic, "unpacking").inc(records)

    def passed_over(self, topic: str, partition: int, offset: int) -> None:
        """A record ended every process that had it in hand: never silent."""
        QUARANTINED.labels(topic, "deadly").inc()
        logger.error(
            "%s, partition %d, offset %d: processes ended each time they had this record in hand; "
            "it was passed over", topic, partition, offset,
        )  # fmt: skip

    def rewound(self, topic: str, partition: int, records: int) -> None:
        """Offsets went back: never silent."""
        del topic, partition
        REWOUND.inc(records)

    def remade(self, topic: str, why: str) -> None:
        """Another topic is read from its beginning: never silent."""
        del topic
        REWOUND.inc()
        logger.error("%s; it is read from its beginning", why)

    def commit_missed(self, reason: str) -> None:
        """The group moved on; the batch comes again."""
        COMMITS_MISSED.labels(reason).inc()
