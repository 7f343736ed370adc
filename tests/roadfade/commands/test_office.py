"""The office's commands, run as a person runs them; only the desk is ours."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.store.database import make_office
from policy.plan.consents import Grantable, Offers
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk

NOW_MS = 1_790_000_000_000
OFFERED: Offers = {
    Grantable("improve", "opt_in", None, "improve@2"): {"minor": "children are not profiled"},
    Grantable("share", "third_party", "insurer", "share@1"): {},
    Grantable("share", "third_party", "lessor", "share@1"): {},
}
DONGLE = "dongle-of-nobody"
ANA = "ana-the-subject"


class Office:
    def __init__(self, folder: Path) -> None:
        file = folder / "state" / "office.sqlite"
        asyncio.run(make_office(file))
        self._desk = OfficeDesk(file, lambda: OFFERED, lambda: NOW_MS, lambda: {"car", "van"})

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(app, list(words), obj=self._desk, catch_exceptions=False)
        for identifier in (DONGLE, ANA):
            assert identifier not in result.output
        return result


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_dongle_is_registered_linked_and_given_back(office: Office) -> None:
    assert office("device", "register", "--device", DONGLE).stdout.startswith("registered ")
    linked = office("register", "--device", DONGLE, "--subject", ANA)
    row = linked.stdout.split()[1]
    assert linked.stdout == f"registered {row}\n"
    assert len(row) == 26
    later = "2026-12-01T00:00:00+09:00"
    assert office("unregister", "--device", DONGLE, "--at", later).stdout == f"ended {row}\n"


def test_a_dongle_is_registered_as_a_service_that_the_policy_lists(office: Office) -> None:
    named = "register", "--device", DONGLE, "--service"
    refused = office("device", *named, "lorry")
    assert refused.exit_code == 1
    assert "out_of_scope: name one of car, van, or publish a version" in refused.stderr
    assert office("device", "register", "--device", DONGLE).exit_code == 0
    assert office("device", *named, "van").exit_code == 0
    assert office(*named, "van", "--subject", ANA).exit_code == 0
    another = office(*named, "car", "--subject", ANA)
    assert another.exit_code == 1
    assert "already registered as another service" in another.stderr
    assert json.loads(office("device", "show", DONGLE, "--json").stdout)["service"] == "van"


def test_every_row_waits_to_be_published_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, office: Office
) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    office("register", "--device", DONGLE, "--subject", ANA)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    again = CliRunner().invoke(app, ["office", "republish", "--json"])
    # What was not looked for is not said to be none.
    assert (again.exit_code, json.loads(again.stdout)) == (1, {"queued": 2, "foreign": None})
    said = CliRunner().invoke(app, ["office", "republish"])
    assert said.stdout == "2 rows wait to be published again; `roadfade office` sends them\n"
    assert "not looked for" in said.stderr


def test_republish_makes_no_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "elsewhere"))
    refused = CliRunner().invoke(app, ["office", "republish", "--json"])
    assert refused.exit_code == 1
    assert "refused" in json.loads(refused.stdout)


def test_an_office_is_made_by_init_and_by_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forgotten setting does not answer "registered" from a second, empty office."""
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    words = ["register", "--device", DONGLE, "--subject", ANA]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1
    assert f"there is no office in {tmp_path / 'state'}" in refused.stderr
    assert not (tmp_path / "state" / "office.sqlite").exists()
    made = CliRunner().invoke(app, ["office", "init", "--json"])
    assert json.loads(made.stdout) == {"office": str(tmp_path / "state"), "done": "made"}
    assert CliRunner().invoke(app, words).exit_code == 0
    again = CliRunner().invoke(app, ["office", "init"])
    assert again.stdout == f"office in {tmp_path / 'state'}: there already\n"


@pytest.mark.parametrize("under_way", ["_rebuilding", "_restoring"])
def test_no_office_is_made_beside_one_that_is_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, under_way: str
) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path))
    (tmp_path / under_way).mkdir()
    refused = CliRunner().invoke(app, ["office", "init"])
    assert refused.exit_code == 1
    assert "again" in refused.stderr
    assert not (tmp_path / "office.sqlite").exists()


def test_json_holds_the_row_and_nothing_that_was_typed(office: Office) -> None:
    words = ("register", "--device", DONGLE, "--subject", ANA, "--json")
    first = json.loads(office(*words).stdout)
    assert first == {"done": "registered", "rows": first["rows"]}
    assert json.loads(office(*words).stdout) == first


def test_a_consent_is_given_and_withdrawn(office: Office) -> None:
    given = office("consent", "grant", "--subject", ANA, "--purpose", "improve").stdout.split()
    assert given[0] == "granted"
    ended = office("consent", "withdraw", "--subject", ANA, "--purpose", "improve")
    assert ended.stdout == f"withdrawn {given[1]}\n"


def test_a_dongle_is_linked_in_a_role_and_a_void_consent_is_refused(office: Office) -> None:
    words = ("register", "--device", DONGLE, "--subject", ANA)
    assert office(*words, "--role", "minor").exit_code == 0
    refused = office("consent", "grant", "--subject", ANA, "--purpose", "improve")
    assert refused.exit_code == 1
    assert "no effect for people in this role (minor: children are" in refused.stderr
    assert office(*words, "--role", "robot").exit_code == 2


def test_a_purpose_with_several_consents_asks_which(office: Office) -> None:
    words = ("consent", "grant", "--subject", ANA, "--purpose", "share")
    refused = office(*words)
    assert refused.exit_code == 1
    assert "say which: third_party to insurer under share@1; " in refused.stderr
    assert office(*words, "--recipient", "lessor").exit_code == 0


def test_a_refusal_exits_1_and_says_why_on_the_error_stream(office: Office) -> None:
    refused = office("unregister", "--device", DONGLE)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("refused: the device has no open link")
    as_json = office("unregister", "--device", DONGLE, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["refused"].startswith("the device has no open link")


@pytest.mark.parametrize("bad", ["yesterday", "2026-11-23T09:00:00"])
def test_an_instant_without_a_zone_is_a_usage_error(office: Office, bad: str) -> None:
    mistyped = office("register", "--device", DONGLE, "--subject", ANA, "--from", bad)
    assert mistyped.exit_code == 2
    assert "written with a zone" in " ".join(mistyped.output.split())


def test_waiting_without_an_office_process_fails_and_says_what_to_do(office: Office) -> None:
    told = office("device", "register", "--device", DONGLE, "--wait", "0.01", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["published"] is False
    assert "Check that the office process is running" in told.stderr
