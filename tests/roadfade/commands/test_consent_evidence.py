"""``roadfade consent evidence`` as an officer runs it: rows without people, opened by one alone."""

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.consent_evidence.officers_file import OfficersFile
from office.consent_evidence.rows import Facts, evidence_of
from office.erasure.receipt_chain import opening
from policy.vocabulary.terms import Period
from roadfade.cli import app
from roadfade.clock import wall_ms
from roadfade.settings import Settings
from telemetry.instants import DAY_MS

NONCE = b"n" * 32
ANA = "ana-the-subject"


def _opening(nonce: bytes, subject: str, number: str) -> str:
    return opening(nonce, number, subject)


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    file, now_ms, numbers = OfficersFile.made(Settings().consent_evidence_path), wall_ms(), []
    for consent, subject, nonce in (("A", ANA, NONCE), ("B", "ben", b"b" * 32)):
        facts = Facts(consent, "sharing", "third_party", "insurer", "sharing@1", 0, now_ms - DAY_MS)
        opened_by = partial(_opening, nonce, subject)
        left = evidence_of(facts, Period(1, "years"), opened_by, now_ms)
        assert left is not None
        file.stage([left])
        file.settle([consent])
        numbers.append(left.row.number)
    # What has not left the register yet, and what has ended, are on no list.
    facts = Facts("C", "sharing", "third_party", None, "sharing@1", 0, now_ms)
    left = evidence_of(facts, Period(1, "years"), str, now_ms)
    assert left is not None
    file.stage([left])
    ended = left._replace(consent="D", row=left.row._replace(number="d", ends_ms=now_ms - 1))
    file.stage([ended])
    file.settle(["D"])
    return numbers


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["consent", "evidence", *words], catch_exceptions=False)


def test_rows_are_listed_without_anybody(numbers: list[str]) -> None:
    done = run("list")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 2
    assert "sharing: third_party to insurer under sharing@1: given 1970-01-01, ended" in done.stdout
    told = json.loads(run("list", "--json").stdout)["evidence"]
    assert [one["number"] for one in told] == sorted(numbers)
    assert "subject" not in told[0] and ANA not in done.stdout


def test_the_secret_number_opens_ones_own_row_and_no_other(numbers: list[str]) -> None:
    done = run("verify", "--subject", ANA, "--nonce", NONCE.hex(), "--json")
    assert done.exit_code == 0
    assert [one["number"] for one in json.loads(done.stdout)["evidence"]] == numbers[:1]
    assert ANA not in done.output
    assert run("verify", "--subject", ANA, "--nonce", NONCE.hex(), "--number", numbers[0]).exit_code == 0  # fmt: skip
    for words in (
        ("--subject", "ben", "--nonce", NONCE.hex()),
        ("--subject", ANA, "--nonce", (b"b" * 32).hex()),
        ("--subject", ANA, "--nonce", NONCE.hex(), "--number", numbers[1]),
    ):
        refused = run("verify", *words)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "no row is opened" in refused.stderr


@pytest.mark.usefixtures("numbers")
def test_a_nonce_that_is_none_is_a_mistyped_command() -> None:
    assert run("verify", "--subject", ANA, "--nonce", "xyz").exit_code == 2


def test_without_a_file_there_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    assert run("list").stdout == ("there is no evidence of a consent that left the register\n")
    assert json.loads(run("list", "--json").stdout) == {"evidence": []}
    assert not (tmp_path / "state").exists()
