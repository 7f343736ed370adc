"""Planted identifiers come out nowhere: topics, lake, logs, metrics, names; the search is proven."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from bus.records import Outgoing
from roadfade.clock import wall_ms
from roadfade.ledger_file import LedgerFile
from roadfade.local.broker import LocalBroker
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_FLOW, AUDIT_PROCESSES
from tests.flow.planted import HALVES, MARKS, OWN_PLACE, SERIAL, SILENT, SUBJECT, VIN, planted
from tests.sinks.records import A as IMPROVE
from tests.sinks.records import record
from tests.support.everywhere import Mark, everything, forms, found
from tests.support.pace import plan_of, play
from tests.support.road import Road, no_prefix_twice, running_road
from tests.support.watching import figure, until

pytestmark = pytest.mark.broker

APP = "service_provision.app"


@pytest.fixture(scope="module")
def planted_road(road: Road) -> Road:
    now_ms = wall_ms()
    road.known(SERIAL, SUBJECT, now_ms - 30 * DAY_MS)
    road.known(SILENT, f"{SUBJECT}-2", now_ms - 30 * DAY_MS, purposes=())
    play(road.settings, list(planted(now_ms)))
    road.drained()
    return road


def places(road: Road) -> dict[str, bytes]:
    outputs = [output.topic for output in plan_of(road.settings).outputs]
    return everything(road, [*outputs, AUDIT_FLOW, AUDIT_PROCESSES])


def secrets(road: Road) -> dict[str, Mark]:
    """What the office alone may know of the two people."""
    with closing(sqlite3.connect(road.settings.office_path)) as office:
        links = office.execute("SELECT link, secret FROM links").fetchall()
        consents = office.execute("SELECT consent FROM consents").fetchall()
    marks: dict[str, Mark] = {f"consent {n}": row for n, (row,) in enumerate(consents)}
    for number, (link, secret) in enumerate(links):
        marks |= {f"link {number}": link, f"secret {number}": secret}
    return marks


def test_nothing_planted_comes_out_anywhere(planted_road: Road) -> None:
    road = planted_road
    assert road.ended() == []
    assert found(MARKS | secrets(road), places(road)) == []
    ledger = LedgerFile(road.settings.ledger_path).read()
    assert ledger.closes
    assert all(ledger.rejected[reason] for reason in ("malformed", "unknown_field", "wrong_type"))
    assert all(row.delivered for row in ledger.outputs.values())


def test_an_exact_position_is_where_its_owner_consented_and_nowhere_else(
    planted_road: Road,
) -> None:
    marks: dict[str, Mark] = {"latitude": OWN_PLACE[0], "longitude": OWN_PLACE[1]}
    hits = found(marks, places(planted_road))
    assert {form for _, form, _ in hits} == {"plain", "double"}
    assert {place.split(":")[0] for _, _, place in hits} == {"topic", "lake"}
    assert all(f"purpose.{APP} " in place or f"purpose={APP}/" in place for _, _, place in hits)


def test_digits_of_a_legal_reading_pass_if_the_policy_keeps_it_exactly(
    planted_road: Road,
) -> None:
    # No rule can tell half an IMEI from an odometer; what limits it is who receives exact ones.
    statement = "SELECT number FROM readings"
    outputs = [output.id for output in plan_of(planted_road.settings).outputs]
    kept = {output: {n for (n,) in planted_road.rows(output, statement)} for output in outputs}
    assert {output for output in outputs if HALVES[0] in kept[output]} == {APP}
    assert {output for output in outputs if HALVES[1] in kept[output]} == {APP}


def test_every_form_of_every_mark_is_found_where_it_is() -> None:
    for name, mark in MARKS.items():
        for form, needle in forms(mark):
            lying = {"here": b"(" + needle + b")", "elsewhere": b"nothing", "": b""}
            assert (name, form, "here") in found(MARKS, lying)
            assert {place for _, _, place in found(MARKS, lying)} == {"here"}
        assert found(MARKS, {f"file {str(mark).upper()}": b""})


def test_the_search_sees_every_kind_of_place(broker: LocalBroker, tmp_path: Path) -> None:
    """On a road of its own: what it plants would make another's status unhealthy."""
    with running_road(broker.bootstrap_servers, no_prefix_twice(), tmp_path / "own") as road:
        see_every_kind_of_place(road)


def test_the_search_reads_metrics_and_ledger(planted_road: Road) -> None:
    """What they say of outputs is seen."""
    said = {p for _, _, p in found({"output": "third_party_provision"}, places(planted_road))}
    assert {"metrics: worker-0", "sqlite: ledger.sqlite"} <= said


def see_every_kind_of_place(road: Road) -> None:
    # As if a worker had leaked it: the sink keeps nothing that the plan does not let it keep.
    leaked = record(0, ce_id="leaked", pseudonym=VIN, dtc=[VIN], expires_ms=wall_ms() // DAY_MS * DAY_MS + 9 * DAY_MS)  # fmt: skip
    before = figure(road, "sink", "roadfade_sink_rejected_total")
    play(road.settings, [Outgoing(IMPROVE, 0, leaked.key, leaked.value, list(leaked.headers))])
    refused = "the leak refused"
    until(lambda: figure(road, "sink", "roadfade_sink_rejected_total") > before, refused)
    road.settings.lake_dir.mkdir(exist_ok=True)
    part = road.settings.lake_dir / "as-if-kept.parquet"
    duckdb.sql(f"COPY (SELECT '{VIN}' AS pseudonym) TO '{part}'")
    with (road.settings.state_dir / "worker.log").open("a") as log:
        log.write(f"value {VIN.lower()} is odd\n")
    kinds = {place.split(":")[0] for _, _, place in found({"VIN": VIN}, places(road))}
    assert kinds == {"topic", "lake", "log"}
