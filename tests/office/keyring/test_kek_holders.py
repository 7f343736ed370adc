"""Every holder of KEKs obeys one contract: a file, a command of the operator's, a Vault."""

import base64
import json
import secrets
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from office.errors import OfficeError
from office.keyring.command_kek import CommandKek
from office.keyring.kek import FileKek, KekHolder
from office.keyring.keyring import Keyring
from office.keyring.vault_kek import VaultKek

TOKEN: Final = "s.example"  # of a Vault that is none
NAME: Final = ("product_rnd", "", "2026-12")
PROGRAM: Final = """
import base64, hashlib, hmac, os, pathlib, sys
held = pathlib.Path(sys.argv[1])
lines = held.read_text().split() if held.exists() else []
def id_of(line):
    return hmac.digest(base64.b64decode(line), b"roadfade kek id", "sha256")[:8].hex()
match sys.argv[2:]:
    case ["load"]:
        print(*lines, sep="\\n")
    case ["add"]:
        fresh = base64.b64encode(os.urandom(32)).decode()
        held.write_text(" ".join([*lines, fresh]))
        print(fresh)
    case ["keep", kept]:
        held.write_text(" ".join(line for line in lines if id_of(line) == kept))
    case _:
        sys.exit(2)
"""


class StubVault(HTTPServer):
    """What a Vault's transit engine answers: a stub of ours, not the Vault."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Transit)
        self.wrapped: dict[str, str] = {}
        self.sealed = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, token: str | None, body: dict[str, Any]) -> tuple[int, Any]:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/transit/datakey/plaintext/roadfade" and body == {"bits": 256}:
            ciphertext = f"vault:v1:{secrets.token_urlsafe(40)}"
            self.wrapped[ciphertext] = base64.b64encode(secrets.token_bytes(32)).decode()
            return 200, {"data": {"ciphertext": ciphertext, "plaintext": self.wrapped[ciphertext]}}
        if path == "/v1/transit/decrypt/roadfade" and body.get("ciphertext") in self.wrapped:
            return 200, {"data": {"plaintext": self.wrapped[body["ciphertext"]]}}
        return 400, {"errors": ["no"]}


class _Transit(BaseHTTPRequestHandler):
    server: StubVault

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, said = self.server.answer(self.path, self.headers["X-Vault-Token"], body)
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def vault() -> Iterator[StubVault]:
    with StubVault() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture(params=["file", "command", "vault"])
def holder(
    request: pytest.FixtureRequest, tmp_path: Path, vault: StubVault
) -> Callable[[], KekHolder]:
    """A way to open the same holder again, as another process would."""
    match request.param:
        case "file":
            return lambda: FileKek(tmp_path / "kek")
        case "command":
            program = tmp_path / "held.py"
            program.write_text(PROGRAM)
            return lambda: CommandKek([sys.executable, str(program), str(tmp_path / "held")])
        case _:
            return lambda: VaultKek(vault.address, TOKEN, "roadfade", tmp_path / "kek")


def test_a_new_kek_is_held_beside_the_others_until_one_is_kept(
    holder: Callable[[], KekHolder],
) -> None:
    assert holder().load() == {}
    first = holder().add()
    second = holder().add()
    assert first != second
    assert holder().load() == {first.id: first, second.id: second}
    holder().keep_only(second.id)
    assert holder().load() == {second.id: second}
    holder().keep_only(second.id)
    assert holder().load() == {second.id: second}


def test_none_is_lost_by_keeping_one_that_is_not_held(holder: Callable[[], KekHolder]) -> None:
    kek = holder().add()
    if not isinstance(holder(), CommandKek):  # what a command does is its own
        with pytest.raises(KeyError):
            holder().keep_only("0123456789abcdef")
        assert holder().load() == {kek.id: kek}


def test_a_keyring_goes_over_to_a_new_kek_when_a_key_is_destroyed(
    holder: Callable[[], KekHolder], tmp_path: Path
) -> None:
    ring = Keyring.open(tmp_path / "keyring.sqlite", holder())
    other = ("service_improve", "", "2026-12")
    keys = ring.ensure([NAME, other])
    before = set(holder().load())
    ring.destroy([NAME])
    assert len(holder().load()) == 1
    assert not before & set(holder().load())
    again = Keyring.open(tmp_path / "keyring.sqlite", holder())
    assert again.get(*NAME) is None
    assert again.get(*other) == keys[other]


def test_what_a_vault_wrapped_lies_in_a_private_file_that_opens_nothing_alone(
    vault: StubVault, tmp_path: Path
) -> None:
    file = tmp_path / "kek"
    kek = VaultKek(vault.address, TOKEN, "roadfade", file).add()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert base64.b64encode(kek) not in file.read_bytes()
    vault.sealed = True
    with pytest.raises(OfficeError, match="answered 503"):
        VaultKek(vault.address, TOKEN, "roadfade", file).load()


def test_a_vault_that_does_not_help_is_named_without_its_token(
    vault: StubVault, tmp_path: Path
) -> None:
    file = tmp_path / "kek"
    wrong = VaultKek(vault.address, "s.wrong", "roadfade", file)
    with pytest.raises(OfficeError, match="answered 403: look at its token") as refused:
        wrong.add()
    assert "s.wrong" not in f"{refused.value}{wrong!r}"
    assert not file.exists()
    with pytest.raises(OfficeError, match="cannot be asked"):
        VaultKek("http://127.0.0.1:1", TOKEN, "roadfade", file).add()


@pytest.mark.parametrize("address", ["http://vault.example:8200", "ftp://127.0.0.1", "vault", ""])
def test_keys_travel_to_no_vault_in_clear(address: str, tmp_path: Path) -> None:
    with pytest.raises(OfficeError, match="https"):
        VaultKek(address, TOKEN, "roadfade", tmp_path / "kek")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("print('c2hvcnQ=')", "32 random bytes"),
        ("print('x' * 100_000)", "printed more than"),
        ("import time; time.sleep(60)", "did not answer `load`"),
    ],
    ids=["fails", "no key", "too much", "silent"],
)
def test_a_command_that_does_not_help_is_named_without_what_it_printed(
    program: str, said: str
) -> None:
    holder = CommandKek([sys.executable, "-c", program], answer_s_max=1.0)
    with pytest.raises(OfficeError, match=said) as refused:
        holder.load()
    assert "c2hvcnQ" not in str(refused.value)


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(OfficeError, match="cannot be run"):
        CommandKek(["/no/such/program"]).load()
    with pytest.raises(OfficeError, match="kek_command"):
        CommandKek([])
