"""One contract for whoever signs: in files, behind a command, in memory."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from office.certificates.authority import Authority, ListWanted, Revoked, issued, listed
from office.certificates.command_authority import CommandAuthority
from office.certificates.file_authority import FileAuthority, make_authority
from office.certificates.memory import MemoryAuthority
from office.certificates.wanted import for_device, for_server
from office.errors import OfficeError
from telemetry.device_names import name_of
from telemetry.identity import DeviceId
from telemetry.instants import to_datetime
from tests.support.certificates import DAY_MS, DEVICE, request_of

NOW_MS = 1_790_000_000_000
LIFE_MS = 90 * DAY_MS
ODD = DeviceId("車,載=機/1:%")
LIST = ListWanted([Revoked(7, NOW_MS - 5_000), Revoked(9, NOW_MS)], 3, NOW_MS, NOW_MS + DAY_MS)


def command_in(folder: Path, how: str = "well", answer_s_max: float = 60.0) -> CommandAuthority:
    make_authority(folder, None, NOW_MS)
    certificate = FileAuthority.opened(folder).certificate()
    words = [sys.executable, "-m", "tests.office.certificates.signs", str(folder), how]
    return CommandAuthority(words, certificate, answer_s_max)


@pytest.fixture(params=["file", "encrypted", "command", "memory"])
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Authority:
    if request.param == "memory":
        return MemoryAuthority(NOW_MS)
    if request.param == "command":
        return command_in(tmp_path)
    password = "of-the-authority" if request.param == "encrypted" else None
    make_authority(tmp_path, password, NOW_MS)
    return FileAuthority.opened(tmp_path, password)


@pytest.mark.parametrize("device", [DEVICE, ODD])
def test_a_device_gets_its_registered_name_alone(authority: Authority, device: DeviceId) -> None:
    asked = request_of()
    made = issued(authority, asked, for_device(device, NOW_MS, LIFE_MS))
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier(name_of(device))]
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(made.subject) == []
    assert made.public_key() == asked.public_key()
    assert made.not_valid_before_utc < to_datetime(NOW_MS)
    assert made.not_valid_after_utc <= to_datetime(NOW_MS + LIFE_MS)


def test_a_gateway_gets_its_hosts_and_cannot_be_a_device(authority: Authority) -> None:
    made = issued(authority, request_of(), for_server(["gw.example", "192.0.2.7"], NOW_MS, LIFE_MS))
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gw.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_serial_numbers_are_long_and_never_the_same(authority: Authority) -> None:
    wanted = for_device(DEVICE, NOW_MS, LIFE_MS)
    serials = {issued(authority, request_of(), wanted).serial_number for _ in range(3)}
    assert len(serials) == 3
    assert max(serials).bit_length() > 128


def test_a_list_says_what_is_revoked_and_until_when_it_holds(authority: Authority) -> None:
    made = listed(authority, LIST)
    assert {one.serial_number: one.revocation_date_utc for one in made} == {
        7: to_datetime(NOW_MS - 5_000),
        9: to_datetime(NOW_MS),
    }
    assert made.next_update_utc == to_datetime(NOW_MS + DAY_MS)
    number = made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == 3


@pytest.mark.parametrize(
    "how", ["key", "name", "names", "use", "longer", "later", "fails", "noise"]
)
def test_what_a_command_signs_otherwise_is_not_handed_out(tmp_path: Path, how: str) -> None:
    authority = command_in(tmp_path, how)
    with pytest.raises(OfficeError) as refused:
        issued(authority, request_of(), for_device(DEVICE, NOW_MS, LIFE_MS))
    assert DEVICE not in str(refused.value)


@pytest.mark.parametrize("how", ["lacks", "longer", "fails", "noise"])
def test_a_list_that_a_command_makes_otherwise_is_not_written(tmp_path: Path, how: str) -> None:
    with pytest.raises(OfficeError):
        listed(command_in(tmp_path, how), LIST)


def test_what_another_authority_signed_is_nobodys(tmp_path: Path) -> None:
    signs = command_in(tmp_path)
    other = CommandAuthority(signs._command.program, MemoryAuthority(NOW_MS).certificate(), 60.0)
    with pytest.raises(OfficeError, match="signature"):
        issued(other, request_of(), for_device(DEVICE, NOW_MS, LIFE_MS))
    with pytest.raises(OfficeError, match="by another"):
        listed(other, LIST)


def test_a_command_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    with pytest.raises(OfficeError, match="did not answer"):
        issued(
            command_in(tmp_path, "silent", 0.2), request_of(), for_device(DEVICE, NOW_MS, LIFE_MS)
        )


def test_no_certificate_outlives_its_authority() -> None:
    authority = MemoryAuthority(NOW_MS)
    made = issued(authority, request_of(), for_device(DEVICE, NOW_MS, 4_000 * DAY_MS))
    assert made.not_valid_after_utc == authority.certificate().not_valid_after_utc


def test_an_authority_signs_no_other_authority() -> None:
    own = MemoryAuthority(NOW_MS).certificate().extensions
    assert own.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(
        ca=True, path_length=0
    )
    usage = own.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign and usage.crl_sign and not usage.digital_signature


def test_the_key_is_its_owners_and_others_are_refused(tmp_path: Path) -> None:
    assert make_authority(tmp_path, None, NOW_MS)
    before = (tmp_path / "ca.key").read_bytes()
    assert not make_authority(tmp_path, None, NOW_MS)
    assert (tmp_path / "ca.key").read_bytes() == before
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "ca.key").chmod(0o640)
    with pytest.raises(OfficeError, match="chmod 600"):
        FileAuthority.opened(tmp_path)


def test_a_crash_between_the_two_files_is_made_good(tmp_path: Path) -> None:
    make_authority(tmp_path, None, NOW_MS)
    (tmp_path / "ca.pem").unlink()
    assert make_authority(tmp_path, None, NOW_MS)
    FileAuthority.opened(tmp_path)


def test_a_wrong_password_or_anothers_key_is_refused(tmp_path: Path) -> None:
    make_authority(tmp_path / "a", "right", NOW_MS)
    for wrong in ("wrong", None):
        with pytest.raises(OfficeError, match="password"):
            FileAuthority.opened(tmp_path / "a", wrong)
    make_authority(tmp_path / "b", None, NOW_MS)
    (tmp_path / "b" / "ca.pem").write_bytes((tmp_path / "a" / "ca.pem").read_bytes())
    with pytest.raises(OfficeError, match="not the EC key"):
        FileAuthority.opened(tmp_path / "b")
    with pytest.raises(OfficeError, match="device ca init"):
        FileAuthority.opened(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "key",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate,
        lambda: rsa.generate_private_key(65_537, 3_072),
    ],
    ids=["P-384", "Ed25519", "RSA"],
)
def test_other_strong_keys_are_certified(key: Callable[[], object]) -> None:
    asked = request_of(key())
    issued(MemoryAuthority(NOW_MS), asked, for_device(DEVICE, NOW_MS, LIFE_MS))


def test_a_command_is_told_in_its_environment_and_not_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "told"
    script.write_text('#!/bin/sh\necho "$@" > "$OUT"\nexit 1\n')
    script.chmod(0o700)
    monkeypatch.setitem(os.environ, "OUT", str(tmp_path / "words"))
    authority = CommandAuthority([str(script)], MemoryAuthority(NOW_MS).certificate())
    with pytest.raises(OfficeError, match="exit code 1"):
        authority.sign(request_of(), for_device(DEVICE, NOW_MS, LIFE_MS))
    assert (tmp_path / "words").read_text() == "sign\n"
