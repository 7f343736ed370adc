import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assessment.homes import Visit, dwelling, is_found
from assessment.risk import assess
from policy.plan.plan import Plan
from policy.vocabulary.operations import Bucket, Keep, MeshJis, Operation, ThinTime
from roadfade.cli import policy_app as app
from roadfade.in_force.documents import shipped_policy_path
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.plans import SPEED, lane, output, plan
from tests.support.worlds import NOW_MS, column, envelope

HOMES = [(35.60 + n / 20, 139.70) for n in range(4)]
DAYS = 3


def two_purposes(operations: tuple[Operation, ...], floor_ms: int) -> Plan:
    exact = lane("a", 30, SECOND_MS, {SPEED: (Keep(),)})
    other = lane("b", 30, floor_ms, {SPEED: operations})
    return plan(output("one", [exact]), output("two", [other]))


def places(operations: tuple[Operation, ...], floor_ms: int = SECOND_MS) -> Plan:
    treatment = {LATITUDE: operations, LONGITUDE: operations}
    return plan(output("one", [lane("a", 30, floor_ms, treatment)]))


@pytest.fixture(scope="module")
def fleet() -> list[bytes]:
    """Four vehicles that leave home each morning and come back at night, at speeds of their own."""
    made = []
    for vehicle, (north, east) in enumerate(HOMES):
        for day in range(DAYS):
            start_ms = NOW_MS - (DAYS - day) * DAY_MS
            for trip, leaving in ((0, True), (10, False)):
                shift = [i / 400 if leaving else (29 - i) / 400 for i in range(30)]
                series: dict[str, Any] = {
                    SPEED: column(
                        "km/h", [30.0 + vehicle + i * (vehicle + 1) % 17 for i in range(30)]
                    ),
                    LATITUDE: column("degrees", [north + s for s in shift]),
                    LONGITUDE: column("degrees", [east + s for s in shift]),
                }
                made.append(
                    envelope(
                        series, start_ms + trip * HOUR_MS, device=f"dev-{vehicle}",
                        id=f"01K00000000000000000-{vehicle}-{day}-{trip}",
                    )
                )  # fmt: skip
    return made


def test_equal_curves_under_two_purposes_are_joined(fleet: list[bytes]) -> None:
    risk = assess(two_purposes((Keep(),), SECOND_MS), fleet)
    assert risk.linkable == risk.pairs["one with two"] == (4, 4)


def test_coarse_values_and_times_that_all_share_join_nobody(fleet: list[bytes]) -> None:
    coarse = two_purposes((ThinTime(DAY_MS), Bucket(1000)), DAY_MS)
    assert assess(coarse, fleet).linkable == (0, 4)


def test_one_purpose_alone_cannot_be_joined_with_another(fleet: list[bytes]) -> None:
    assert assess(places((Keep(),)), fleet).linkable.hits == 0


def test_exact_and_500_m_positions_reveal_the_home_and_10_km_ones_do_not(
    fleet: list[bytes],
) -> None:
    assert assess(places((Keep(),)), fleet).homes == (4, 4)
    assert assess(places((MeshJis(500),)), fleet).homes == (4, 4)
    assert assess(places((MeshJis(10_000),)), fleet).homes == (0, 4)


def test_a_vehicle_that_never_stands_still_shows_no_home() -> None:
    assert dwelling([Visit(n * MINUTE_MS, "533945771") for n in range(100)]) is None
    assert not is_found("533945771", None)


def test_the_diff_says_what_the_change_does_to_people(tmp_path: Path, fleet: list[bytes]) -> None:
    file = tmp_path / "fleet.ndjson"
    file.write_bytes(b"\n".join(fleet))
    same = str(shipped_policy_path())
    result = CliRunner().invoke(app, ["diff", same, same, "--risk", str(file), "--json"])
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    risk = shown["risk"]
    whole = [risk.pop(name) for name in ("linkable", "over_epochs", "homes")]
    for figures in (*whole, *risk["pairs"].values(), *risk["seers"].values()):
        assert figures["before"] == figures["after"]
    assert "device_engineering with product_rnd" in risk["pairs"]
    spoken = CliRunner().invoke(app, ["diff", same, same, "--risk", str(file)])
    assert "can be joined by content" in spoken.stdout
    none = CliRunner().invoke(app, ["diff", same, same, "--risk", str(tmp_path / "no.ndjson")])
    assert none.exit_code == 2
