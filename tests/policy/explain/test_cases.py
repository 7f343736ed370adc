"""The cases beside a document hold, or say what came instead."""

import pytest

from policy.explain.cases import CasesRun, run_cases
from roadfade.commands.policy.as_json import cases_json
from tests.support.documents import FILES, policy_of


def run(*lines: str) -> CasesRun:
    files = {
        **FILES,
        "cases/study.yaml": "cases:\n" + "".join(f"  - {{{line}}}\n" for line in lines),
    }
    return run_cases(policy_of(files))


@pytest.mark.parametrize(
    "case",
    [
        "signal: Vehicle.Speed, to: team, expect: deliver, value: 43.5, becomes: 40",
        "signal: Vehicle.Speed, to: team, expect: deliver, treated: [thin 10 s, bucket 10 km/h]",
        "signal: Vehicle.Speed, to: team, age: 13 months, expect: withhold too_late",
        "signal: Vehicle.Speed, to: stranger, expect: withhold not_in_purpose",
        "signal: Vehicle.CurrentLocation.Latitude, to: team, expect: withhold no_consent",
        "signal: Vehicle.CurrentLocation.Latitude, to: team, consent: given, expect: deliver, treated: [mesh jis 500 m]",
        "signal: Vehicle.CurrentLocation.Latitude, to: team, consent: given, keep: 30 days, expect: deliver",
        "signal: Vehicle.CurrentLocation.Latitude, to: team, consent: given, keep: 31 days, expect: withhold not_in_purpose",
        "signal: Vehicle.CurrentLocation.Altitude, to: team, expect: withhold not_collected",
    ],
)
def test_a_case_that_holds_says_nothing(case: str) -> None:
    assert run(case) == CasesRun(1, ())


@pytest.mark.parametrize(
    ("case", "expected", "got"),
    [
        (
            "signal: Vehicle.Speed, to: team, expect: withhold forbidden",
            "withhold forbidden",
            "deliver",
        ),
        (
            "signal: Vehicle.Speed, to: team, expect: deliver, value: 43.5, becomes: 44",
            "43.5 becomes 44",
            "40 (by study/team/C09/Vehicle.Speed)",
        ),
        (
            "signal: Vehicle.Speed, to: team, expect: deliver, treated: [bucket 10 km/h]",
            "bucket 10 km/h",
            "thin 10 s, bucket 10 km/h (by study/team/C09/Vehicle.Speed)",
        ),
        (
            "signal: Vehicle.CurrentLocation.Latitude, to: team, expect: deliver",
            "deliver",
            "withhold no_consent",
        ),
    ],
)
def test_a_case_that_fails_says_what_came(case: str, expected: str, got: str) -> None:
    (failed,) = run("signal: Vehicle.OBD.FuelLevel, to: team, expect: deliver", case).failed
    assert (failed.expected, failed.got, failed.where.line) == (expected, got, 3)
    shown = cases_json(CasesRun(2, (failed,)))
    assert shown["cases"] == 2
    assert shown["failed"][0]["got"] == got


def test_the_processors_may_carry_the_operations_out() -> None:
    tested = run_cases(policy_of(), carry_out=lambda _operations, _value: -1.0)
    assert [failed.got for failed in tested.failed] == ["-1 (by study/team/C09/Vehicle.Speed)"]
