"""`roadfade office rebuild`, run as a person runs it; only broker and settings are ours."""

import json

import pytest
from typer.testing import CliRunner, Result

from office.registry.erasure_requests import NewErasure
from office.registry.links import NewLink
from roadfade.cli import app
from roadfade.commands import office_rebuild
from roadfade.in_force import broker as in_force
from roadfade.terminal.asked_again import UNASKED
from telemetry.identity import DeviceId
from telemetry.topics import CONTROL_CONSENTS, HEARTBEAT_KEY
from tests.roadfade.rebuild.small_office import ANA, BEN, SINCE_MS, SmallOffice
from tests.roadfade.rebuild.test_rebuilding import asked


@pytest.fixture
def run(office: SmallOffice, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setattr(in_force, "require_broker", lambda _: None)
    monkeypatch.setattr(in_force, "connection_of", lambda _: office.broker)
    monkeypatch.setattr(office_rebuild, "settings", lambda: office.settings)
    monkeypatch.setattr(office_rebuild, "wall_ms", lambda: office.now_ms)
    return Run(office)


class Run:
    def __init__(self, office: SmallOffice) -> None:
        self._office = office

    def __call__(self, *words: str) -> Result:
        done = CliRunner().invoke(app, ["office", "rebuild", *words], catch_exceptions=False)
        secrets = [str(ANA), str(BEN), str(self._office.device(ANA))]
        assert not any(one in done.output for one in secrets)
        return done


def test_it_says_what_was_there_what_is_lost_and_what_to_do_next(
    office: SmallOffice, run: Run
) -> None:
    office.close()
    office.settings.receipt_heads_dir.mkdir()
    (office.settings.receipt_heads_dir / "2026-11-01.json").write_text("{}")
    done = run("--move-aside")
    office.open()
    assert done.exit_code == 0, done.output
    assert "2 devices, 2 links, 2 consents" in done.stdout
    for lost in office_rebuild.LOST:
        assert lost in done.stdout
    assert office_rebuild.NO_KEYRING in done.stdout
    assert "1 heads of the lost chain" in done.stdout
    (moved,) = office.settings.state_dir.glob("office.sqlite.lost-*")
    assert f"{moved} still holds persons: delete it" in done.stdout
    assert done.stdout.endswith("start the office first, then the others: see docs/backup.md\n")


def test_a_refusal_names_what_is_lacking_and_the_remedy(office: SmallOffice, run: Run) -> None:
    office.cut(CONTROL_CONSENTS, HEARTBEAT_KEY)
    office.lose()
    refused = run("--json")
    assert refused.exit_code == 1
    why = json.loads(refused.stdout)["refused"]
    assert "control.consents, partition 0: no heartbeat of the office lies there" in why
    assert "--incomplete-too" in why
    looked = run("--dry-run", "--json")
    assert looked.exit_code == 1
    assert json.loads(looked.stdout)["lacking"][0]["topic"] == CONTROL_CONSENTS
    taken = run("--incomplete-too")
    office.open()
    assert taken.exit_code == 0
    assert "every link and consent has ended" in taken.stdout


def test_looking_beside_an_office_is_allowed(office: SmallOffice, run: Run) -> None:
    looked = run("--dry-run", "--json")
    assert looked.exit_code == 0
    facts = json.loads(looked.stdout)
    assert (facts["rebuilt"], facts["lacking"], facts["changed"]) == (False, [], None)
    assert office.mend() == 0


def test_requests_for_a_part_that_only_the_memory_knows_are_asked_again_and_told(
    office: SmallOffice, run: Run
) -> None:
    """The office remembered them, and died before it published them."""
    second = NewLink(DeviceId("another-of-ben"), BEN, SINCE_MS)
    office.do(office.registry.register_fleet([second]))
    office.beat()
    asked_ms = office.now_ms
    for who in (ANA, BEN):
        asked(office, NewErasure("erase", who, "asked", purposes=["sharing"]))
    office.remember()
    office.lose()

    done = run()

    office.open()
    assert "1 requests for a part are asked again" in done.stdout
    assert UNASKED.format(count=1) in done.stdout
    found = office.rows("SELECT kind, subject, to_ms, purposes FROM erasures")
    assert found == [("erase", ANA, asked_ms, b'["sharing"]')]
    assert len(office.rows("SELECT 1 FROM restrictions WHERE reason = 'erased'")) == 2
