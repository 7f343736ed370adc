"""What the office has on record, asked as a person asks; every answer is searched for identifiers."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from roadfade.commands.office_lists import (
    NO_CONSENTS,
    NO_DEVICES,
    NO_LINKS,
    NO_LINKS_OF_SUBJECT,
)
from tests.roadfade.commands.test_office import ANA, DONGLE, Office

JANUARY, MARCH, DECEMBER = (f"2026-{month}-01T00:00:00Z" for month in ("01", "03", "12"))
"""The desk's clock stands in September 2026."""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def asked(office: Office, *words: str) -> Any:
    done = office(*words, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def row_of(office: Office, *words: str) -> str:
    return office(*words).stdout.split()[1]


def test_a_fresh_office_answers_every_list_in_a_sentence(office: Office) -> None:
    assert office("device", "list").stdout == f"{NO_DEVICES}\n"
    assert office("link", "list").stdout == f"{NO_LINKS}\n"
    assert asked(office, "device", "list") == {"devices": []}
    assert asked(office, "link", "list") == {"links": []}


def test_a_device_is_listed_by_its_row_and_shown_by_its_id(office: Office) -> None:
    device = row_of(office, "device", "register", "--device", DONGLE, "--at", JANUARY)
    assert office("device", "list").stdout == (
        f"device {device}  known from 2026-01-01T00:00:00Z on, linked to nobody now\n"
        "devices: 1, linked now: 0\n"
    )
    first = row_of(office, "register", "--device", DONGLE, "--subject", ANA, "--from", JANUARY)
    office("unregister", "--device", DONGLE, "--at", MARCH)
    words = ("register", "--device", DONGLE, "--subject", ANA, "--role", "driver")
    second = row_of(office, *words, "--from", MARCH)
    shown = asked(office, "device", "show", DONGLE)
    assert shown["row"] == device
    assert [(one["row"], one["state"], one["role"]) for one in shown["links"]] == [
        (first, "ended", "unknown"), (second, "holds", "driver"),
    ]  # fmt: skip
    assert shown["linked"] == shown["links"][1]
    assert asked(office, "link", "list")["links"] == shown["links"]
    assert office("device", "show", DONGLE).stdout.count("\n") == 3
    assert office("link", "list", "--subject", ANA).stdout.endswith("links: 2, holding now: 1\n")
    assert office("device", "list").stdout.endswith("devices: 1, linked now: 1\n")


def test_a_link_that_begins_later_or_holds_nothing_is_not_said_to_hold(office: Office) -> None:
    office("register", "--device", DONGLE, "--subject", ANA, "--from", DECEMBER)
    [link] = asked(office, "link", "list")["links"]
    assert (link["state"], link["to"]) == ("begins later", None)
    office("unregister", "--device", DONGLE, "--at", JANUARY, "--empty")
    [link] = asked(office, "link", "list")["links"]
    assert (link["state"], link["to"]) == ("empty", link["from"])


def test_consents_are_listed_with_their_notice_and_their_end(office: Office) -> None:
    words = ("consent", "grant", "--subject", ANA, "--purpose")
    given = row_of(office, *words, "share", "--recipient", "lessor", "--from", JANUARY)
    office("consent", "withdraw", "--subject", ANA, "--purpose", "share", "--at", MARCH)
    open_one = row_of(office, *words, "improve")
    ended, held = asked(office, "consent", "list", "--subject", ANA)["consents"]
    assert ended == {
        "row": given, "purpose": "share", "basis": "third_party", "recipient": "lessor",
        "notice": "share@1", "state": "ended", "from": "2026-01-01T00:00:00Z",
        "to": "2026-03-01T00:00:00Z",
    }  # fmt: skip
    assert (held["row"], held["state"], held["to"]) == (open_one, "holds", None)
    shown = office("consent", "list", "--subject", ANA).stdout.splitlines()
    assert "share: third_party to lessor under share@1: ended, from 2026-01-01" in shown[0]
    assert shown[2] == "consents: 2, holding now: 1"
    assert office("link", "list", "--subject", ANA).stdout == f"{NO_LINKS_OF_SUBJECT}\n"


def test_one_who_is_known_and_agreed_to_nothing_is_told_apart_from_a_mistyped_id(
    office: Office,
) -> None:
    office("register", "--device", DONGLE, "--subject", ANA)
    assert office("consent", "list", "--subject", ANA).stdout == f"{NO_CONSENTS}\n"
    assert asked(office, "consent", "list", "--subject", ANA) == {"consents": []}
    for words in (("consent", "list"), ("link", "list")):
        refused = office(*words, "--subject", "anna")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert (
            refused.stderr == "refused: the office knows nobody of that id: check the subject id\n"
        )


def test_a_device_nobody_registered_is_refused_with_the_remedy(office: Office) -> None:
    refused = office("device", "show", DONGLE)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("refused: the device is not registered: check the device id")


@pytest.mark.parametrize(
    "words",
    [
        ["device", "list"],
        ["device", "show", "d"],
        ["link", "list"],
        ["consent", "list", "--subject", "s"],
    ],
    ids=" ".join,
)
def test_without_an_office_a_list_is_refused_and_none_is_made(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    refused = CliRunner().invoke(app, words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"there is no office in {tmp_path / 'state'}" in refused.stderr
    assert not (tmp_path / "state").exists()
