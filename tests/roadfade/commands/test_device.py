"""Certificates of devices, as a person gets, rotates and revokes them; only the desk is ours."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from typer.testing import CliRunner, Result

from office.store.database import make_office
from policy.plan.consents import NOTHING_OFFERED
from roadfade.cli import app
from roadfade.commands.office_desk import OfficeDesk
from telemetry.device_names import name_of
from tests.support.certificates import DEVICE, PEM, request_of

NOW_MS = 1_790_000_000_000
ANA = "ana-the-subject"


class Office:
    """Answers are searched for identifiers; a certificate names its device, in base64."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        file = self.state / "office.sqlite"
        asyncio.run(make_office(file))
        self._desk = OfficeDesk(file, lambda: NOTHING_OFFERED, lambda: NOW_MS)
        self.csr = folder / "device.csr"
        self.csr.write_bytes(request_of().public_bytes(PEM))

    def __call__(self, *words: str) -> Result:
        result = CliRunner().invoke(app, list(words), obj=self._desk, catch_exceptions=False)
        for identifier in (DEVICE, ANA):
            assert identifier not in result.output
        return result

    def told(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(*words, "--json").stdout)
        return found

    def enrol(self) -> dict[str, Any]:
        return self.told("device", "enrol", DEVICE, "--csr", str(self.csr))

    def revoked(self) -> set[str]:
        found = x509.load_pem_x509_crl((self.state / "device-crl.pem").read_bytes())
        return {f"{one.serial_number:x}" for one in found}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    made = Office(tmp_path)
    assert made.told("device", "ca", "init")["done"] == "made"
    made("device", "register", "--device", DEVICE)
    return made


def test_an_authority_is_made_once_with_its_list(office: Office) -> None:
    key = (office.state / "device-ca" / "ca.key").read_bytes()
    assert office.told("device", "ca", "init")["done"] == "there already"
    assert (office.state / "device-ca" / "ca.key").read_bytes() == key
    assert office.revoked() == set()


def test_a_dongle_gets_a_certificate_for_its_request(office: Office, tmp_path: Path) -> None:
    out = tmp_path / "device.pem"
    said = office("device", "enrol", DEVICE, "--csr", str(office.csr), "--out", str(out))
    made = x509.load_pem_x509_certificate(out.read_bytes())
    assert said.stdout.startswith(f"enrolled {made.serial_number:x}  until ")
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [one.value for one in names] == [name_of(DEVICE)]
    (row,) = office.told("device", "certificates", DEVICE)["certificates"]
    assert (row["serial"], row["state"]) == (f"{made.serial_number:x}", "good")


def test_without_out_the_certificate_is_the_answer(office: Office) -> None:
    printed = office("device", "enrol", DEVICE, "--csr", str(office.csr)).stdout
    x509.load_pem_x509_certificate(printed.encode())
    told = office.enrol()
    made = x509.load_pem_x509_certificate(told["certificate"].encode())
    assert told["serial"] == f"{made.serial_number:x}"


def test_rotation_leaves_the_former_good_until_it_is_revoked(office: Office) -> None:
    former, fresh = office.enrol()["serial"], office.enrol()["serial"]
    assert office.revoked() == set()
    assert office("device", "revoke", "--serial", former).stdout == f"revoked {former}\n"
    assert office.revoked() == {former}
    rows = office.told("device", "certificates", DEVICE)["certificates"]
    assert {row["serial"]: row["state"] for row in rows} == {former: "revoked", fresh: "good"}


def test_all_of_a_dongle_are_revoked_at_once(office: Office) -> None:
    serials = {office.enrol()["serial"], office.enrol()["serial"]}
    assert set(office.told("device", "revoke", "--device", DEVICE)["revoked"]) == serials
    assert office.revoked() == serials
    assert office.told("device", "revoke", "--device", DEVICE)["revoked"] == []


def test_a_retired_dongle_has_no_certificate_no_link_and_no_way_back(office: Office) -> None:
    link = office.told("device", "pair", DEVICE, ANA)["rows"][0]
    serial = office.enrol()["serial"]
    told = office.told("device", "retire", DEVICE)
    assert told == {"done": "retired", "revoked": [serial], "link": link}
    assert office.revoked() == {serial}
    assert "retired" in office.enrol()["refused"]


def test_a_dongle_is_retired_where_nobody_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADFADE_STATE_DIR", str(tmp_path / "state"))
    office = Office(tmp_path)
    office("device", "register", "--device", DEVICE)
    assert office("device", "retire", DEVICE).exit_code == 0
    refused = office("device", "enrol", DEVICE, "--csr", str(office.csr))
    assert refused.exit_code == 1
    assert "roadfade device ca init" in refused.stderr


def test_a_dongle_is_paired_and_unpaired(office: Office) -> None:
    row = office("device", "pair", DEVICE, ANA).stdout.split()[1]
    assert office("device", "unpair", DEVICE).stdout == f"unpaired {row}\n"
    unknown = office("device", "pair", "another", ANA)
    assert unknown.exit_code == 1


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["revoke"], 2, "name what to revoke"),
        (["revoke", "--serial", "xyz"], 2, "hexadecimal"),
        (["revoke", "--serial", "7"], 1, "no certificate of that serial number"),
        (["revoke", "--device", "another"], 1, "not registered"),
        (["certificates", "another"], 1, "not registered"),
        (["enrol", DEVICE, "--csr", "nowhere"], 2, "cannot be read"),
        (["enrol", DEVICE, "--csr", "/dev/null"], 1, "no certificate signing request"),
        (["ca", "server-certificate", "--name", "two words", "--out", "x"], 1, "host name"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    office: Office, words: list[str], code: int, why: str
) -> None:
    refused = office("device", *words)
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert why in " ".join(refused.stderr.split())


def test_a_serial_number_that_is_not_on_record_is_revoked_if_meant(office: Office) -> None:
    assert office("device", "revoke", "--serial", "a7", "--unknown").exit_code == 0
    assert office.revoked() == {"a7"}


def test_a_list_that_cannot_be_written_is_said_and_the_revocation_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serial = office.enrol()["serial"]
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("ROADFADE_DEVICE_CRL_FILE", str(tmp_path / "taken" / "crl.pem"))
    refused = office("device", "revoke", "--serial", serial)
    assert refused.exit_code == 1
    assert "gateways do not know yet" in refused.stderr
    (row,) = office.told("device", "certificates", DEVICE)["certificates"]
    assert row["state"] == "revoked"


def test_a_gateway_gets_key_and_certificate_in_one_private_file(
    office: Office, tmp_path: Path
) -> None:
    out = tmp_path / "gateway.pem"
    words = ["device", "ca", "server-certificate", "--name", "gw.example", "--name", "192.0.2.7"]
    assert office(*words, "--out", str(out)).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(out.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gw.example"]


def test_no_authority_is_made_beside_a_command(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADFADE_DEVICE_CA_COMMAND", "sign-for-devices")
    refused = office("device", "ca", "init")
    assert refused.exit_code == 2
    assert "device_ca_command signs" in refused.stderr
