"""What is wrong, and what to do: sentences from facts. Pure."""

from collections.abc import Iterator
from typing import Final

from roadfade.adoption import remedy
from roadfade.status.facts import Facts
from roadfade.status.scrape import Process, farthest, highest, total
from telemetry.topics import LEDGER_GROUP, SINK_GROUP, WORKER_GROUP

EXPECTED_ROLES: Final = {
    "office": "links and consents do not reach the workers",
    "worker": "raw telemetry waits, and is deleted unread when its time comes",
    "sink": "purpose topics are not kept, and are deleted when their time comes",
    "sweep": "expired rows are not removed from the lake",
}
READERS: Final = {WORKER_GROUP: "worker", LEDGER_GROUP: "worker", SINK_GROUP: "sink"}
SWEEPS_MISSED_MAX: Final = 3
SWEEP_LATE_S_MIN: Final = 60
SILENT_S_MAX: Final = 60
STARTING_S_MAX: Final = 120
"""For so long a process may lack something since it started."""
VIEWS_NOT_WHOLE: Final = {
    "incomplete": "does not hold the rows that the office says are live",
    "unreadable": "has a row that cannot be read",
}
"""By the first word of what `roadfade_paused` is labelled with; the view's name follows."""
OUTBOX_ROWS_MAX: Final = 1_000


def wrong(facts: Facts) -> tuple[str, ...]:
    """Every sentence that is true, the causes before their effects; empty: all is well."""
    return (*_broker(facts), *_processes(facts), *_flow(facts), *_promises(facts))


def _broker(facts: Facts) -> Iterator[str]:
    if facts.unready is not None:
        yield facts.unready


def _processes(facts: Facts) -> Iterator[str]:
    for role, effect in EXPECTED_ROLES.items():
        mine = [p for p in facts.processes if role_of(p) == role]
        if not mine:
            yield f"no {role} was ever started here, so {effect}: start `roadfade {role}`"
        for process in mine:
            if process.samples is None:
                yield (
                    f"{process.name} does not answer at {process.address}: it ended or hangs; see "
                    f"its log and start `roadfade {role}` again (if it was stopped on purpose, "
                    f"remove {facts.ports_dir}/{process.name})"
                )
            elif process.versions[1] and facts.policy_version not in (None, process.versions[1]):
                yield (
                    f"{process.name} applies policy {process.versions[1]}, but under the "
                    f"settings here {facts.policy_version} is in force: a process takes a new "
                    "version over within seconds; if it does not, see its log or use its settings"
                )


def views_not_whole(facts: Facts) -> dict[str, str]:
    """The views for which a worker pauses since they lack something, and what that is."""
    answering = [p for p in facts.processes if p.samples is not None]
    reasons = (r for r, on in highest(answering, "roadfade_paused").items() if on)
    named = (reason.partition(" ") for reason in reasons)
    return {view: why for why, _, view in named if why in VIEWS_NOT_WHOLE}


def role_of(process: Process) -> str:
    """The role of a process by its name: ``worker-1`` is a worker."""
    return process.name.partition("-")[0]


def _flow(facts: Facts) -> Iterator[str]:
    answering = [p for p in facts.processes if p.samples is not None]
    for group, waiting in facts.lag.items():
        if waiting.records and not waiting.moved:
            role = READERS[group]
            yield (
                f"{waiting.records:,} records wait for {group}, which reads none: check that a "
                f"{role} is running, and see its log"
            )
    yield from _paused(answering)
    yield from _unready(facts, answering)
    for view, age_s in farthest(answering, "roadfade_view_age_seconds").items():
        if age_s < -facts.view_age_s_max:
            yield (
                f"the view of {view} is {-age_s:,.0f} s ahead of a worker's clock and workers "
                "permit nothing: set the clock right that is wrong, the office's or the worker's"
            )
        if age_s > facts.view_age_s_max:
            yield (
                f"the view of {view} is {age_s:,.0f} s old and workers permit nothing: check that "
                "`roadfade office` runs and reaches the broker, and that both clocks are right"
            )
    now_s = facts.now_ms / 1000
    beat_s = max(highest(answering, "roadfade_heartbeat_timestamp_seconds").values(), default=0)
    if beat_s and now_s - beat_s > SILENT_S_MAX:
        yield f"the office sent its last heartbeat {now_s - beat_s:,.0f} s ago: see its log"
    pending = max(highest(answering, "roadfade_outbox_pending").values(), default=0)
    if pending > OUTBOX_ROWS_MAX:
        yield f"{pending:,.0f} links and consents wait in the office: see its log"
    for topic, why in facts.stopped.items():
        yield f"{why}; {remedy(topic)}"
    yield from _counters(facts, answering)


def _unready(facts: Facts, answering: list[Process]) -> Iterator[str]:
    for process in answering:
        started_s = process.values("process_start_time_seconds").get("", 0)
        if facts.now_ms / 1000 - started_s < STARTING_S_MAX:
            continue
        for what, lacking in process.values("roadfade_unready").items():
            # What keeps it from flowing is the pause that was told.
            if lacking and what != "flowing":
                yield f"{process.name} is not ready ({what}): its page /-/ready says why"


def _counters(facts: Facts, answering: list[Process]) -> Iterator[str]:
    lost = sum(total(answering, "roadfade_expired_unread_total").values())
    if lost:
        yield (
            f"{lost:,.0f} records were deleted before any worker read them and are lost: start "
            "more workers, or see why they waited"
        )
    for reason, count in total(answering, "roadfade_sink_rejected_total").items():
        yield (
            f"the sink refused {count:,.0f} purpose records ({reason}): only workers write purpose "
            "topics; find out who else does, or whose version differs"
        )
    if not facts.ledger_closes or total(answering, "roadfade_ledger_unbalanced_total"):
        yield (
            "the ledger does not close: readings are unaccounted for, which is a defect; stop the "
            "workers and keep their logs"
        )


def _paused(answering: list[Process]) -> Iterator[str]:
    """Who waits, and for what; a view that lacks something is told once for all workers."""
    not_whole: set[str] = set()
    for process in answering:
        for reason in (r for r, on in process.values("roadfade_paused").items() if on):
            why, _, view = reason.partition(" ")
            if why not in VIEWS_NOT_WHOLE:
                told = f"{process.name} is paused ({reason})"
                yield f"{told}; it resumes by itself once that is fixed"
            elif view not in not_whole:
                not_whole.add(view)
                yield (
                    f"the view of {view} {VIEWS_NOT_WHOLE[why]}, and workers permit nothing: run "
                    "`roadfade office republish`, and see that `roadfade office` is running"
                )


def _promises(facts: Facts) -> Iterator[str]:
    answering = [p for p in facts.processes if p.samples is not None]
    promised_s = highest(answering, "roadfade_longest_life_seconds")
    for copy, age_s in highest(answering, "roadfade_oldest_record_age_seconds").items():
        if age_s > promised_s.get(copy, age_s):
            yield (
                f"a record in {copy} is {age_s:,.0f} s old, longer than the policy allows "
                f"({promised_s[copy]:,.0f} s): run `roadfade sweep --once`; for a topic, see "
                "`roadfade topics show`"
            )
    late_s = max(SWEEPS_MISSED_MAX * facts.sweep_every_s, SWEEP_LATE_S_MIN)
    late_ms = facts.now_ms - late_s * 1000
    for output in sorted({one.output for one in facts.overdue if one.expires_ms < late_ms}):
        yield f"lake files of {output} are past their expiry: run `roadfade sweep --once`"
    swept_s = max(
        highest(answering, "roadfade_sweep_last_success_timestamp_seconds").values(), default=0
    )
    if swept_s and swept_s * 1000 < late_ms:
        yield (
            f"no sweep has succeeded for {facts.now_ms / 1000 - swept_s:,.0f} s: run `roadfade "
            "sweep --once` and read its error"
        )
    yield from _lake(facts, answering)


def _lake(facts: Facts, answering: list[Process]) -> Iterator[str]:
    if facts.strange:
        yield (
            f"{len(facts.strange):,} names in the lake are not the lake's, the first is "
            f"{facts.strange[0].place}: what they hold is never removed; see `roadfade lake check`"
        )
    unreadable = highest(answering, "roadfade_lake_strange_files").get("unreadable", 0)
    if unreadable:
        yield (
            f"{unreadable:,.0f} parts of the lake are damaged, and answers lack their rows: see "
            "`roadfade lake check`"
        )
    if facts.ledger_unreadable is not None:
        yield (
            f"the ledger cannot be read ({facts.ledger_unreadable}): keep a copy of its file, then "
            "put it back from a backup; deletion goes on"
        )
    unaccounted = sum(highest(answering, "roadfade_unaccounted_readings").values())
    if unaccounted:
        yield (
            f"{unaccounted:,.0f} removed readings are not in the ledger yet: see its file and the "
            "free space"
        )
