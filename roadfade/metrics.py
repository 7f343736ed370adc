"""Every metric there is, by process. Labels never split below the fleet.

Dashboards and alert rules may use these names only (a test holds them to it).
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from telemetry.wire.flow import OutputFlow

REGISTRY = CollectorRegistry(auto_describe=True)

# Memory, processor time, open files and the start of the process, named as everywhere.
PROCESS: Final = ProcessCollector(registry=REGISTRY)
LATENCY_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600)
"""Bounds of the buckets: a road that keeps up takes seconds, one that was down what it was down."""


class Way(StrEnum):
    """A part of the road; a label."""

    RAW_TO_TOPIC = "raw to topic"
    TOPIC_TO_LAKE = "topic to lake"


class Ages(Histogram):
    """A histogram that takes the ages of a whole batch at once."""

    def observe_all(self, ages_s: Sequence[float]) -> None:
        """As ``observe`` for each, but each bucket is added to once; only without labels."""
        ordered, below = sorted(ages_s), 0
        for bucket, bound_s in zip(self._buckets, self._upper_bounds, strict=True):
            until = bisect_right(ordered, bound_s)
            if until > below:
                bucket.inc(until - below)
            below = until
        self._sum.inc(sum(ordered))


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
RAW_TO_TOPIC = Ages(
    "roadfade_raw_to_topic_seconds",
    "From the broker's date of a raw record until what it became is durable",
    buckets=LATENCY_S,
    registry=REGISTRY,
)
TOPIC_TO_LAKE = Ages(
    "roadfade_topic_to_lake_seconds",
    "From the broker's date of a purpose record until it is durable in the lake",
    buckets=LATENCY_S,
    registry=REGISTRY,
)
LATENCY_UNKNOWN = _counter(
    "roadfade_latency_unknown_total",
    "Records whose time on the way is not known: clocks disagree, or no broker dated them",
    "way",
)
SLOW_PATH = _counter("roadfade_slow_path_total", "Envelopes that took the exact path")
CORE = _gauge("roadfade_core", "1 where the core carries a worker's usual envelopes")
REUSED_IDS = _counter(
    "roadfade_reused_ids_total", "Envelopes under the id of another content; both are kept"
)
INPUT_LAG = _gauge("roadfade_input_lag_records", "Raw records not yet processed", "partition")
EXPIRED_UNREAD = _counter(
    "roadfade_expired_unread_total", "Raw records deleted before they were processed"
)
BINS = _gauge("roadfade_time_rule_bins", "Bins and counters that rules over time remember")
BINS_REFUSED = _counter(
    "roadfade_time_rule_bins_refused_total",
    "Bins and counters that were not remembered for want of room: what is in them is withheld",
)
RECALLED = _counter(
    "roadfade_recalled_records_total", "Raw records read again for what rules over time remember"
)
UNKNOWN_BEFORE = _counter(
    "roadfade_unknown_before_total",
    "Times that what rules over time remember of a partition could not be read again",
)
VIEW_AGE = _gauge("roadfade_view_age_seconds", "Age of a control view's heartbeat", "view")
PAUSED = _gauge("roadfade_paused", "1 while consumption waits for this reason", "reason")
REWOUND = _counter(
    "roadfade_rewound_records_total",
    "Records a topic went back by, if it lost its end; 1 for a topic that was made anew",
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
SINK_REFUSED = _counter(
    "roadfade_sink_refused_rows_total",
    "Readings refused, since a living command of erasure means them",
    "output",
)
ERASURES_WAITING = _gauge(
    "roadfade_erasures_waiting",
    "Living commands of erasure that the store has not carried out and answered",
    "output",
)
REVOCATIONS_END = _gauge(
    "roadfade_revocations_end_timestamp_seconds",
    "When the list of revoked certificates is over; 0: no authority signs for devices here",
)
RECEIPT_KEYS_LOST = _gauge(
    "roadfade_receipt_keys_lost",
    "How often the key that signs receipts was lost, and a new one made",
)
ERASE_RESERVE = _gauge(
    "roadfade_erase_reserve",
    "1 while room is kept on the lake's disk for erasures, 0 while it is not, or given up",
)
HOLDS_WAITING = _gauge(
    "roadfade_holds_waiting",
    "Legal holds whose rows the store has not all copied, or, once released, not deleted",
    "output",
)
SINK_LAG = _gauge("roadfade_sink_lag_records", "Purpose records not yet in the lake", "topic")
SINK_STOPPED = _gauge(
    "roadfade_sink_topic_stopped",
    "1 while the sink keeps nothing of a topic: it was made anew, or lost its end",
    "topic",
)
EXPIRED_READINGS = _counter(
    "roadfade_expired_readings_total",
    "Lake rows removed at their expiry, and readings that had expired on arrival",
    "output",
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
OVERDUE = _gauge("roadfade_overdue_partitions", "Lake files past their expiry", "output")
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
BACKUPS = _gauge(
    "roadfade_backups", "Backups in the places that the settings name, by state", "state"
)
BACKUP_NEWEST = _gauge(
    "roadfade_backup_newest_timestamp_seconds", "When the newest backup there was made"
)
DRILL = _gauge(
    "roadfade_restore_drill_timestamp_seconds", "When a restore drill last held; 0: never"
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
    "roadfade_republished_rows_total", "Control rows published again or deleted: topics differed"
)
ERASURES_OPEN = _gauge(
    "roadfade_erasures_open",
    "Requests of erasure that are not closed, by how far they are",
    "state",
)
ERASURE_AGE = _gauge(
    "roadfade_erasure_oldest_age_seconds",
    "Age of the oldest request of erasure that some store has not carried out",
)
ERASURES_OVERDUE = _gauge(
    "roadfade_erasures_overdue",
    "Requests that stores should have carried out, and copies that should have ended",
)
HOLDS_LIVING = _gauge("roadfade_holds_living", "Legal holds that are not released")
HOLDS_UNREVIEWED = _gauge(
    "roadfade_holds_unreviewed",
    "Legal holds that live, and were not reviewed by the day that was set",
)
ERASURE_FAILURES = _counter(
    "roadfade_erasure_failures_total",
    "Times that requests, answers, ends by events, keys, links and consents that are over, or heads"
    " of the receipts could not be dealt with; it is tried again",
    "step",
)
REPORTED_EVENTS = _counter(
    "roadfade_reported_events_total",
    "Records on the topic of reported events, by what became of them: recorded, again, or refused"
    " for a reason",
    "outcome",
)
KEYS_LET_GO = _counter(
    "roadfade_keys_let_go_total",
    "Times that a worker let go of epoch keys: some were destroyed, or could not be asked about",
)
EPOCH_KEYS = _gauge("roadfade_epoch_keys", "Epoch keys of the keyring, by state", "state")
EPOCH_KEYS_DESTROYED = _counter(
    "roadfade_epoch_keys_destroyed_total", "Epoch keys destroyed: their last record has ended"
)
PERIOD_KEYS = _gauge("roadfade_period_keys", "Keys of sealed raw data that open something")
PERIOD_KEYS_DESTROYED = _counter(
    "roadfade_period_keys_destroyed_total",
    "Keys of sealed raw data destroyed: what was sealed for them can be read by nobody",
)
LINKS_DELETED = _counter(
    "roadfade_ended_links_deleted_total",
    "Links deleted with their secrets: they and the last row under them have ended",
)
CONSENTS_DELETED = _counter(
    "roadfade_ended_consents_deleted_total",
    "Consents deleted: they ended so long ago that the policy keeps no evidence of them",
)
EVIDENCE_ROWS = _gauge(
    "roadfade_consent_evidence_rows",
    "Rows of evidence of consents that left the register; at consent_evidence_rows_max none leaves",
)
EVIDENCE_ENDED = _counter(
    "roadfade_consent_evidence_ended_total", "Rows of evidence of consents deleted on their day"
)
GATEWAY_ENVELOPES = _counter(
    "roadfade_gateway_envelopes_total",
    "Envelopes that devices brought: accepted, or refused for a reason",
    "door",
    "outcome",
)
GATEWAY_LEFT_OUT = _counter(
    "roadfade_gateway_left_out_total",
    "What was left out of messages of other systems, by reason",
    "format",
    "reason",
)
GATEWAY_NOTED = _gauge(
    "roadfade_gateway_noted",
    "Since the start: copies that were not written again, numbers reused for other content, clones",
    "what",
)
GATEWAY_IN_FLIGHT = _gauge(
    "roadfade_gateway_in_flight", "Messages that are being taken by the gateway", "door"
)
GATEWAY_BYTES_IN_FLIGHT = _gauge(
    "roadfade_gateway_in_flight_bytes", "Bytes of envelopes that wait for the broker"
)
GATEWAY_FAULTS = _gauge(
    "roadfade_gateway_door_faults",
    "1 while a file that lets devices in is not as it must be: nobody new comes in, or the "
    "gateway's certificate is not renewed",
    "fault",
)
GATEWAY_MQTT_MESSAGES = _counter(
    "roadfade_gateway_mqtt_messages_total", "MQTT messages by what became of them", "outcome"
)
GATEWAY_MQTT_CONNECTIONS = _gauge("roadfade_gateway_mqtt_connections", "MQTT connections now")
GATEWAY_MQTT_ENDED = _counter(
    "roadfade_gateway_mqtt_ended_total", "MQTT connections that ended, by reason", "reason"
)
GATEWAY_SECONDS = Histogram(
    "roadfade_gateway_seconds",
    "From a message that is there whole until its answer",
    ["door"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
HEARTBEAT = _gauge("roadfade_heartbeat_timestamp_seconds", "When the office last proved it lives")
BUILD = _gauge("roadfade_build_info", "1, labelled with versions", "version", "policy_version")


UNREADY = _gauge("roadfade_unready", "1 while the process lacks this to be ready", "what")
ROLE = _gauge("roadfade_role", "1, labelled with the process's role", "role")


def tell_build(version: str, policy_version: str) -> None:
    """Export the versions this process applies now, in place of those before."""
    BUILD.clear()
    BUILD.labels(version, policy_version).set(1)


def bear(metric: Counter | Gauge, *values: Iterable[str]) -> None:
    """Have every series of these labels' values, at 0 until something happens.

    One that appears with what happened first has no increase: queries do not see it.
    """
    for labels in product(*map(list, values)):
        metric.labels(*map(str, labels))


def observe_ages(
    histogram: Ages, way: Way, dated: Collection[tuple[int, bool]], now_ms: int
) -> None:
    """Observe how long ago records were dated: milliseconds UTC, and whether by the broker."""
    ages_s = [
        (now_ms - at_ms) / 1000 for at_ms, by_broker in dated if by_broker and at_ms <= now_ms
    ]
    histogram.observe_all(ages_s)
    LATENCY_UNKNOWN.labels(str(way)).inc(len(dated) - len(ages_s))


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
