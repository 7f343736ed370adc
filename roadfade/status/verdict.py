"""What is wrong, and what to do: sentences from facts. Pure."""

from collections.abc import Iterator
from typing import Final

from roadfade.adoption import remedy
from roadfade.status.facts import Facts
from roadfade.status.processes import Process, State, farthest, highest, total
from telemetry.topics import (
    AUDIT_PROCESSES,
    LEDGER_GROUP,
    SINK_GROUP,
    WORKER_GROUP,
    commanded_output,
)

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
    """Every sentence that is true, the causes before their effects.

    All is well if this is empty, and ``unknown`` is.
    """
    return (*_broker(facts), *_processes(facts), *_flow(facts), *_promises(facts))


def unknown(facts: Facts) -> tuple[str, ...]:
    """What could not be learnt, and so may be wrong."""
    return tuple(_unknown(facts))


def _unknown(facts: Facts) -> Iterator[str]:
    if facts.processes_unknown is not None:
        yield f"which processes run is not known: {facts.processes_unknown}"
        if facts.overdue is None:
            yield (
                "whether rows of the lake are past their expiry is not known: the lake is not in "
                "this state folder, and no sweep is heard"
            )
    if not facts.lag:
        yield "how many records wait is not known: see above"
    if facts.strange_reports:
        yield (
            f"{facts.strange_reports:,} records on {AUDIT_PROCESSES} are no reports of processes, "
            "and may hide some: only processes write there; find out who else does"
        )
    for process in facts.running:
        if process.left_out:
            yield (
                f"{process.left_out:,} figures of {process.place} found no room in what it says: "
                "see its /metrics"
            )


def _broker(facts: Facts) -> Iterator[str]:
    if facts.unready is not None:
        yield facts.unready


def _processes(facts: Facts) -> Iterator[str]:
    if facts.processes_unknown is not None:
        return
    for role, effect in EXPECTED_ROLES.items():
        mine = [p for p in facts.processes if p.role == role]
        if all(process.state is State.STOPPED for process in mine):
            yield f"no {role} runs, so {effect}: start `roadfade {role}`"
        for process in mine:
            if process.state is State.SILENT:
                yield (
                    f"{process.place} has said nothing for {process.said_s:,.0f} s: it ended, "
                    f"hangs, or does not reach the broker; see its log and start `roadfade {role}` "
                    "again (one that was killed and is not needed any more is named for a day)"
                )
            elif _differs(process, facts.policy_version):
                yield (
                    f"{process.place} applies policy {process.versions[1]}, but under the "
                    f"settings here {facts.policy_version} is in force: a process takes a new "
                    "version over within seconds; if it does not, see its log or use its settings"
                )


def _differs(process: Process, policy_version: str | None) -> bool:
    applied = process.versions[1]
    runs = process.state is State.RUNNING
    return runs and bool(applied) and policy_version not in (None, applied)


def views_not_whole(facts: Facts) -> dict[str, str]:
    """The views for which a worker pauses since they lack something, and what that is."""
    reasons = (r for r, on in highest(facts.running, "roadfade_paused").items() if on)
    named = (reason.partition(" ") for reason in reasons)
    return {view: why for why, _, view in named if why in VIEWS_NOT_WHOLE}


def _flow(facts: Facts) -> Iterator[str]:
    answering = facts.running
    for group, waiting in facts.lag.items():
        if waiting.records and not waiting.moved:
            role = READERS[group]
            yield (
                f"{waiting.records:,} records wait for {group}, which reads none: check that a "
                f"{role} is running, and see its log"
            )
    yield from _paused(answering)
    yield from _unready(answering)
    for view, age_s in farthest(answering, "roadfade_view_age_seconds").items():
        stops = "workers permit" if commanded_output(view) is None else "the sink keeps"
        if age_s < -facts.view_age_s_max:
            yield (
                f"the view of {view} is {-age_s:,.0f} s ahead of a worker's clock and workers "
                "permit nothing: set the clock right that is wrong, the office's or the worker's"
            )
        if age_s > facts.view_age_s_max:
            yield (
                f"the view of {view} is {age_s:,.0f} s old and {stops} nothing: check that "
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


def _unready(answering: list[Process]) -> Iterator[str]:
    for process in answering:
        if process.runs_s < STARTING_S_MAX:
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
    """Who waits, and for what; a view that lacks something is told once for all who read it."""
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
                    f"the view of {view} {VIEWS_NOT_WHOLE[why]}, and {process.role}s wait: run "
                    "`roadfade office republish`, and see that `roadfade office` is running"
                )


def _promises(facts: Facts) -> Iterator[str]:
    answering = facts.running
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
    for output in sorted(facts.overdue_files(late_ms) or ()):
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
    said = highest(answering, "roadfade_lake_strange_files")
    elsewhere = said.get("foreign", 0) + said.get("not_removed", 0)
    if facts.overdue is None and elsewhere:
        yield (
            f"{elsewhere:,.0f} names in the lake are not the lake's: what they hold is never "
            "removed; see `roadfade lake check` where the lake is"
        )
    if facts.strange:
        yield (
            f"{len(facts.strange):,} names in the lake are not the lake's, the first is "
            f"{facts.strange[0].place}: what they hold is never removed; see `roadfade lake check`"
        )
    unreadable = said.get("unreadable", 0)
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
