import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from roadfade.commands import status
from roadfade.commands.status import report, span
from roadfade.settings import Settings
from roadfade.status.facts import Facts, Waiting
from roadfade.status.processes import Process, Sample, State, highest, total
from roadfade.status.verdict import unknown, wrong
from sinks.port.results import Overdue
from telemetry.instants import parse_instant
from telemetry.topics import SINK_GROUP, WORKER_GROUP

NOW_MS = parse_instant("2026-11-23T09:00:00Z")
NOW_S = NOW_MS / 1000


def process(name: str, *samples: Sample, policy: str = "") -> Process:
    return Process(name, "here", State.RUNNING, 2.0, samples, "", ("0.1.0", policy))


OFFICE = process(
    "office",
    Sample("roadfade_outbox_pending", "", 0),
    Sample("roadfade_heartbeat_timestamp_seconds", "", NOW_S - 2),
)
WORKER = process("worker-0", Sample("roadfade_view_age_seconds", "control.links", 2), policy="1-a")
SWEEP = process(
    "sweep",
    Sample("roadfade_sweep_last_success_timestamp_seconds", "", NOW_S - 5),
    Sample("roadfade_oldest_record_age_seconds", "lake research", 100),
    Sample("roadfade_longest_life_seconds", "lake research", 200),
)
HEALTHY = Facts(
    NOW_MS,
    (OFFICE, process("sink"), SWEEP, WORKER),
    None,
    "1-a",
    {WORKER_GROUP: Waiting(5), SINK_GROUP: Waiting(0)},
    (),
    {"out_of_range": 3},
)


def facts(**changed: Any) -> Facts:
    return dataclasses.replace(HEALTHY, **changed)


def with_sample(name: str, *samples: Sample) -> Facts:
    """The healthy installation, in which one process says something else of these metrics."""
    told = {(s.name, s.label) for s in samples}
    changed = []
    for one in HEALTHY.processes:
        kept = tuple(s for s in one.samples if (s.name, s.label) not in told)
        mine = samples if one.name == name else ()
        changed.append(dataclasses.replace(one, samples=(*kept, *mine)))
    return facts(processes=tuple(changed))


def elsewhere(metric: str, label: str, value: float) -> Facts:
    """The lake is not where status is asked, and the sweep says this of it."""
    told = with_sample("sweep", Sample(metric, label, value))
    return dataclasses.replace(told, overdue=None, rejected=None)


def test_a_healthy_installation_has_nothing_wrong() -> None:
    assert wrong(HEALTHY) == ()
    assert unknown(HEALTHY) == ()
    assert report(HEALTHY)["healthy"]


SICK = [
    (facts(unready="no broker answers at x"), "no broker answers at x"),
    (facts(processes=HEALTHY.processes[1:]), "no office runs"),
    (
        facts(processes=(*HEALTHY.processes[1:], Process("office", "here", State.STOPPED, 9))),
        "no office runs",
    ),
    (
        facts(processes=(*HEALTHY.processes, Process("worker-1", "3f2a", State.SILENT, 42))),
        "worker-1 on 3f2a has said nothing for 42 s",
    ),
    (
        facts(processes=(*HEALTHY.processes[1:], Process("office", "3f2a", State.SILENT, 42))),
        "office on 3f2a has said nothing for 42 s",
    ),
    (facts(policy_version="2-b"), "takes a new version over within"),
    (facts(lag={SINK_GROUP: Waiting(7, moved=False)}), "7 records wait for roadfade-sink"),
    (with_sample("worker-0", Sample("roadfade_paused", "stale control.links", 1)), "worker-0 is paused"),
    (with_sample("worker-0", Sample("roadfade_view_age_seconds", "control.links", 31)), "permit nothing"),
    (with_sample("worker-0", Sample("roadfade_view_age_seconds", "control.links", -31)), "ahead of a worker's clock"),
    (with_sample("office", Sample("roadfade_heartbeat_timestamp_seconds", "", NOW_S - 61)), "61 s ago"),
    (with_sample("office", Sample("roadfade_outbox_pending", "", 5_000)), "5,000 links and consents"),
    (with_sample("sink", Sample("roadfade_expired_unread_total", "", 9)), "9 records were deleted"),
    (with_sample("sink", Sample("roadfade_sink_rejected_total", "no_expiry", 2)), "(no_expiry)"),
    (with_sample("worker-0", Sample("roadfade_ledger_unbalanced_total", "", 1)), "does not close"),
    (facts(ledger_closes=False), "does not close"),
    (with_sample("sink", Sample("roadfade_unready", "policy", 1)), "sink is not ready (policy)"),
    (
        with_sample("sweep", Sample("roadfade_oldest_record_age_seconds", "lake research", 201)),
        "longer than the policy allows (200 s)",
    ),
    (facts(overdue=(Overdue("research", NOW_MS - 181_000, 2),)), "lake files of research"),
    (facts(stopped={"purpose.a": "purpose.a was made anew"}), "`roadfade lake adopt purpose.a`"),
    (
        with_sample("sweep", Sample("roadfade_sweep_last_success_timestamp_seconds", "", NOW_S - 181)),
        "no sweep has succeeded for 181 s",
    ),
    (
        elsewhere("roadfade_overdue_partitions", "research", 2),
        "lake files of research are past their expiry",
    ),
    (elsewhere("roadfade_lake_strange_files", "foreign", 3), "3 names in the lake are not"),
]  # fmt: skip


@pytest.mark.parametrize(("sick", "said"), SICK, ids=[said for _, said in SICK])
def test_each_fault_is_one_sentence_of_its_own(sick: Facts, said: str) -> None:
    [sentence] = wrong(sick)
    assert said in sentence


@pytest.mark.parametrize("why", ["incomplete", "unreadable"])
def test_a_view_that_is_not_whole_is_shown_with_reason_and_remedy(
    why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sick = with_sample("worker-0", Sample("roadfade_paused", f"{why} control.links", 1))
    [sentence] = wrong(sick)
    assert "the view of control.links" in sentence
    assert "`roadfade office republish`" in sentence
    body = report(sick)
    assert body["views_not_whole"] == {"control.links": why}
    status._show(body)
    assert f"views             control.links: {why}" in capsys.readouterr().out
    assert report(HEALTHY)["views_not_whole"] == {}


@pytest.mark.parametrize(
    "sound",
    [
        facts(overdue=(Overdue("research", NOW_MS - 1_000, 2),)),
        facts(lag={SINK_GROUP: Waiting(0, moved=False)}),
        facts(policy_version=None),
        with_sample("worker-0", Sample("roadfade_paused", "stale control.links", 0)),
        with_sample("worker-0", Sample("roadfade_unready", "flowing", 1)),
        with_sample("sink", Sample("roadfade_unready", "joined", 0)),
        facts(
            processes=tuple(
                replace(one, runs_s=30, samples=(Sample("roadfade_unready", "joined", 1),))
                if one.name == "sink"
                else one
                for one in HEALTHY.processes
            )
        ),
        facts(processes=(*HEALTHY.processes, Process("worker-1", "here", State.STOPPED, 9))),
        elsewhere("roadfade_overdue_partitions", "research", 0),
    ],
    ids=[
        "swept soon",
        "nothing waits",
        "no broker to compare with",
        "paused once",
        "told as a pause",
        "ready",
        "starting",
        "one of two was stopped",
        "the lake is elsewhere",
    ],
)
def test_what_mends_itself_is_not_called_wrong(sound: Facts) -> None:
    assert wrong(sound) == ()


UNCLEAR = [
    (facts(processes=(), processes_unknown="there is no topic x"), "which processes run is not"),
    (facts(strange_reports=2), "2 records on audit.processes are no reports"),
    (facts(lag={}), "how many records wait is not known"),
    (
        facts(processes=(*HEALTHY.processes, dataclasses.replace(WORKER, left_out=4))),
        "4 figures of worker-0 on here found no room",
    ),
]


@pytest.mark.parametrize(("unclear", "said"), UNCLEAR, ids=[said for _, said in UNCLEAR])
def test_what_cannot_be_learnt_is_said_and_is_not_healthy(unclear: Facts, said: str) -> None:
    assert wrong(unclear) == ()
    [sentence] = unknown(unclear)
    assert said in sentence
    body = report(unclear)
    assert (body["healthy"], body["unknown"]) == (False, [sentence])


def test_without_lake_ledger_and_sweep_nothing_is_said_to_be_nothing() -> None:
    nobody = facts(processes=(), processes_unknown="no broker", overdue=None, rejected=None)
    body = report(nobody)
    assert (body["overdue"], body["rejected"]) == (None, None)
    assert any("past their expiry is not known" in one for one in body["unknown"])
    told = report(elsewhere("roadfade_overdue_partitions", "research", 2))
    assert (told["overdue"], told["rejected"]) == ({"research": 2}, None)
    assert report(elsewhere("roadfade_lake_strange_files", "foreign", 0))["overdue"] == {}


def test_the_report_says_what_the_screen_says() -> None:
    body = report(HEALTHY)
    assert body["copies"] == {"lake research": {"oldest_s": 100, "promised_s": 200}}
    assert body["lag"][WORKER_GROUP] == {"records": 5, "moves": True}
    assert (body["last_sweep_s"], body["office_silent_s"], body["outbox_pending"]) == (5, 2, 0)
    assert body["rejected"] == {"out_of_range": 3}
    assert {one["role"] for one in body["processes"]} == {"office", "worker", "sink", "sweep"}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "not known"), (59, "59 s"), (600, "10 min"), (7_200, "2 h"), (2_592_000, "30 days")],
)
def test_spans_are_said_as_people_compare_them(seconds: float | None, said: str) -> None:
    assert span(seconds) == said


def test_a_gauge_counts_once_and_a_counter_everywhere() -> None:
    later = process("worker-1", Sample("roadfade_view_age_seconds", "control.links", 1))
    assert highest([SWEEP, WORKER, later], "roadfade_view_age_seconds") == {"control.links": 2}
    refused = process("sink", Sample("roadfade_sink_rejected_total", "no_expiry", 4))
    assert total([refused, refused, WORKER], "roadfade_sink_rejected_total") == {"no_expiry": 8}


def test_nothing_started_and_no_broker_is_reported_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(state_dir=tmp_path, kafka_bootstrap_servers="127.0.0.1:1")
    with pytest.raises(typer.Exit) as ended:
        status.main(settings, as_json=True)
    assert ended.value.exit_code == 1
    body = json.loads(capsys.readouterr().out)
    assert [sentence.split()[:2] for sentence in body["wrong"]] == [["no", "broker"]]
    assert not body["healthy"]
    assert [sentence.split(" is not known")[0] for sentence in body["unknown"]] == [
        "which processes run",
        "whether rows of the lake are past their expiry",
        "how many records wait",
    ]
    assert (body["processes"], body["rejected"], body["overdue"]) == ([], None, None)
    assert list(tmp_path.iterdir()) == []
