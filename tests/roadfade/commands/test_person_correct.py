"""``person correct | notified``: what is done is said by rows, and whom to tell stands on a list."""

import json
from pathlib import Path

import pytest

from roadfade.settings import Settings
from tests.policy.plan.test_outside_recipients import outside_page
from tests.roadfade.commands.test_person import ANA, DONGLE, Office
from tests.support.small_house import settings_in

BEN = "ben-the-subject"
CORRECT = ["person", "correct", "--subject", ANA, "--device", DONGLE]
SPAN = ["--from", "2026-02-01T00:00:00Z", "--to", "2026-03-01T00:00:00Z"]
SOLD = ["--reason", "sold_earlier"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_in(tmp_path)
    page = outside_page()["purposes/study.yaml"]
    (tmp_path / "document" / "purposes" / "study.yaml").write_text(page, encoding="utf-8")
    for module in ("person_asks", "person_stops", "person_tells"):
        monkeypatch.setattr(f"roadfade.commands.{module}.settings", lambda: made)
    return made


def intervals(office: Office, subject: str) -> list[tuple[str, str | None]]:
    told = json.loads(office("link", "list", "--subject", subject, "--json").stdout)
    return [(one["from"], one["to"]) for one in told["links"]]


def test_an_interval_goes_to_somebody_else_and_is_asked_to_be_removed(settings: Settings) -> None:
    office = Office(settings)
    done = office(*CORRECT, *SPAN, *SOLD, "--whose", BEN, "--role", "owner", "--yes", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert {name: len(rows) for name, rows in told["links"].items()} == {
        "cut": 1, "parted": 1, "given": 1,
    }  # fmt: skip
    assert told["to_notify"] == [{"purpose": "study", "recipient": "lab"}]
    assert BEN not in done.output
    first, last = "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
    assert intervals(office, ANA) == [("2026-01-01T00:00:00Z", first), (last, None)]
    assert intervals(office, BEN) == [(first, last)]
    (request,) = office.requests()
    assert (request["kind"], request["reason"]) == ("correction", "sold_earlier")
    assert (request["from"], request["to"], request["whole_person"]) == (first, last, False)
    again = office(*CORRECT, *SPAN, *SOLD, "--whose", BEN, "--yes")
    assert f"asked {told['erasure']}" in again.stdout
    assert "what was kept is removed, and cannot be given to anybody" in again.stdout
    assert "the other person's" in again.stdout
    assert "to notify: lab (study)" in again.stdout


def test_for_good_and_to_nobody(settings: Settings) -> None:
    office = Office(settings)
    done = office(*CORRECT, *SPAN[:2], *SOLD, "--nobody", "--yes")
    assert done.exit_code == 0
    assert "nobody's, and withheld" in done.stdout
    assert intervals(office, ANA) == [("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")]


@pytest.mark.parametrize(
    ("words", "exits"),
    [
        ([*SPAN, *SOLD, "--yes"], 2),
        ([*SPAN, *SOLD, "--whose", BEN, "--nobody", "--yes"], 2),
        ([*SPAN, *SOLD, "--nobody", "--role", "owner", "--yes"], 2),
        ([*SPAN, *SOLD, "--dry-run"], 2),
        ([*SPAN[2:], *SPAN[:2], "--to", "2026-01-01T00:00:00Z", *SOLD, "--nobody", "--yes"], 2),
        ([*SPAN, "--reason", "Ana sold it", "--nobody", "--yes"], 1),
        ([*SPAN, *SOLD, "--whose", ANA, "--yes"], 1),
        # Nobody said that it is meant, and nobody can be asked.
        ([*SPAN, *SOLD, "--nobody"], 1),
    ],
)
def test_what_is_asked_wrongly_is_refused(settings: Settings, words: list[str], exits: int) -> None:
    office = Office(settings)
    assert office(*CORRECT, *words).exit_code == exits
    assert office.requests() == []
    assert intervals(office, ANA) == [("2026-01-01T00:00:00Z", None)]


def test_whom_to_tell_stands_on_a_list_until_somebody_told_them(settings: Settings) -> None:
    office = Office(settings)
    erased = office("person", "erase", "--subject", ANA, "--to", "2026-02-01T00:00:00Z", "--yes")
    assert "to notify: lab (study)" in erased.stdout
    stopped = json.loads(office("person", "stop", "--subject", ANA, "--json").stdout)
    assert stopped["to_notify"] == [{"purpose": "study", "recipient": "lab"}]
    (row,) = stopped["rows"]
    other = ["person", "stop", "--subject", ANA, "--purpose", "study", "--recipient", "team"]
    assert "to notify" not in office(*other).stdout
    shown = office("person", "requests", "--subject", ANA)
    assert f"objection {row}\n  to notify: lab (study)" in shown.stdout
    listed = json.loads(office("person", "notified", "--json").stdout)["to_notify"]
    assert [(one["request"], one["recipient"], one["state"]) for one in listed] == [
        (row, "lab", "to_notify")
    ]
    tell = ["person", "notified", "--request", row, "--recipient", "lab"]
    assert office(*tell).exit_code == 2
    assert office(*tell, "--by", "privacy office").exit_code == 0
    assert "nobody has to be notified" in office("person", "notified").stdout
    told = json.loads(office("person", "requests", "--subject", ANA, "--json").stdout)
    assert told["objections"] == [
        {
            "restriction": row,
            "recipients": [
                {
                    "purpose": "study",
                    "recipient": "lab",
                    "state": "notified",
                    "by": "privacy office",
                    "at": "2026-11-30T00:00:00Z",
                }
            ],
        }
    ]
    wrong = office("person", "notified", "--request", row, "--recipient", "shop", "--by", "me")
    assert (wrong.exit_code, "no such recipient" in wrong.output) == (1, True)


def test_a_policy_that_does_not_hold_here_keeps_nobody_from_asking(
    settings: Settings, tmp_path: Path
) -> None:
    office = Office(settings)
    (tmp_path / "document" / "purposes" / "study.yaml").write_text("purpose: [\n")
    done = office(*CORRECT, *SPAN, *SOLD, "--nobody", "--yes", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["to_notify"] is None
    erased = office("person", "erase", "--subject", ANA, "--yes")
    assert erased.exit_code == 0
    assert "whom to notify is not known" in erased.stderr
