"""``roadfade collect`` as an office and a device maker run it."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from office.collection_lists import KeptList, keep_lists
from office.store.database import Database
from roadfade.cli import app
from roadfade.clock import wall_ms
from roadfade.collection.keys import made_keys
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import HOUR_MS, format_instant
from telemetry.wire.collection_list import CollectionList, ListedSignal

DEVICE = "dongle-secret-1"


async def fill(settings: Settings, *, life_ms: int) -> None:
    signer = made_keys(settings.collection_key_file).signer
    now_ms = wall_ms()
    one = CollectionList(
        v=1, device=DEVICE, policy_version="1-0", issued_at=format_instant(now_ms),
        valid_until=format_instant(now_ms + life_ms), serial=now_ms,
        signals=[ListedSignal(path="Vehicle.Speed", rate_ms=1000, precision="round 1 km/h")],
        location=False,
    )  # fmt: skip
    kept = KeptList(DeviceId(DEVICE), None, b"says", now_ms, now_ms, signer.sign(one))
    database = await Database.create(settings.office_path)
    await keep_lists(database, [kept])
    await database.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["collect", *words], catch_exceptions=False)


def test_a_list_is_shown_and_verified_until_its_key_is_dropped_and_no_device_is_named(
    folder: Path,
) -> None:
    asyncio.run(fill(Settings(), life_ms=HOUR_MS))
    signed, keys = folder / "list", folder / "keys"
    shown = run("show", DEVICE, "--to", str(signed))
    assert "Vehicle.Speed  one in 1000 ms  round 1 km/h" in shown.stdout
    assert "location  off" in shown.stdout and DEVICE not in shown.output
    keys.write_text(run("keys").stdout)
    assert '"d"' not in keys.read_text()
    assert stat.S_IMODE(Settings().collection_key_file.stat().st_mode) == 0o600
    told = json.loads(run("verify", str(signed), "--keys", str(keys), "--json").stdout)
    assert told["signals"][0]["rate_ms"] == 1000 and "device" not in told
    assert json.loads(run("rotate-key", "--json").stdout)["former"] == 1
    for expected, words in ((0, ()), (1, ("--at-once",))):
        if words:
            assert run("rotate-key", *words).exit_code == 0
        keys.write_text(run("keys").stdout)
        assert run("verify", str(signed), "--keys", str(keys)).exit_code == expected


@pytest.mark.parametrize("what", ["changed", "ended", "no keys"])
def test_a_list_that_does_not_hold_is_refused(folder: Path, what: str) -> None:
    asyncio.run(fill(Settings(), life_ms=-1 if what == "ended" else HOUR_MS))
    signed, keys = folder / "list", folder / "keys"
    run("show", DEVICE, "--to", str(signed))
    keys.write_text("{}" if what == "no keys" else run("keys").stdout)
    if what == "changed":
        head, middle, signature = signed.read_text().split(".")
        signed.write_text(f"{head}.{middle[:-8]}AAAAAAAA.{signature}")
    refused = run("verify", str(signed), "--keys", str(keys), "--json")
    assert refused.exit_code == 1
    assert DEVICE not in refused.output and "refused" in json.loads(refused.stdout)


def test_without_a_list_or_a_key_it_says_what_to_do(folder: Path) -> None:
    assert "roadfade office" in run("keys").output
    assert "roadfade office" in run("rotate-key").output
    asyncio.run(fill(Settings(), life_ms=HOUR_MS))
    missing = run("show", "nobodys", "--json")
    assert (missing.exit_code, folder.exists()) == (1, True)
    assert "no list was made" in json.loads(missing.stdout)["refused"]
