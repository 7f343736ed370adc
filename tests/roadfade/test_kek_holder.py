"""Who holds the KEK follows the settings, and no process starts with it beside the keyring."""

import base64
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from office.keyring.command_kek import CommandKek
from office.keyring.kek import EnvironmentKek, FileKek
from office.keyring.vault_kek import VaultKek
from roadfade.kek_holder import has_kek, kek_holder, raw_kek_holder, require_kek_apart
from roadfade.logs.process_log import Named
from roadfade.processes.office import process as office
from roadfade.processes.worker import process as worker
from roadfade.refusal import NotReady
from roadfade.settings import Settings


def random_kek() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_a_kek_beside_the_keyring_is_refused_with_three_ways_out(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"KEK_DIR.*KEK_SOURCE=vault.*KEK_BESIDE_KEYRING"):
        require_kek_apart(Settings(state_dir=tmp_path))
    for place in (tmp_path / "x" / "..", tmp_path / "kek", tmp_path.parent):
        with pytest.raises(NotReady):
            require_kek_apart(Settings(state_dir=tmp_path, kek_dir=place))


def test_a_kek_elsewhere_or_said_to_be_beside_is_taken(tmp_path: Path) -> None:
    require_kek_apart(Settings(state_dir=tmp_path, kek_dir=tmp_path.parent / "apart"))
    require_kek_apart(Settings(state_dir=tmp_path, kek_beside_keyring=True))
    vault = {"vault_address": "https://vault.example", "vault_token": "t", "vault_key": "k"}
    require_kek_apart(Settings.model_validate({"kek_source": "vault", **vault}))


def test_the_kek_of_raw_data_is_a_file_whatever_the_source_so_that_it_needs_a_folder() -> None:
    given = {"kek_source": "environment", "kek": random_kek()}
    with pytest.raises(NotReady, match="KEK_DIR"):
        require_kek_apart(Settings.model_validate(given))
    require_kek_apart(Settings.model_validate(given | {"kek_dir": "elsewhere"}))
    assert isinstance(raw_kek_holder(Settings.model_validate(given)), FileKek)


@pytest.mark.parametrize("main", [worker.main, office.main], ids=["worker", "office"])
def test_no_process_with_keys_starts_beside_its_kek(main: object, tmp_path: Path) -> None:
    assert callable(main)
    with pytest.raises(NotReady, match="beside the keyrings"):
        main(Settings(state_dir=tmp_path), Named("worker"))


def test_each_source_has_its_holder(tmp_path: Path) -> None:
    given = {"state_dir": tmp_path, "kek_dir": tmp_path / "apart"}
    assert isinstance(kek_holder(Settings.model_validate(given)), FileKek)
    from_environment = given | {"kek_source": "environment", "kek": random_kek()}
    assert isinstance(kek_holder(Settings.model_validate(from_environment)), EnvironmentKek)
    command = given | {"kek_source": "command", "kek_command": "wallet 'the one'"}
    assert isinstance(kek_holder(Settings.model_validate(command)), CommandKek)
    vault = given | {
        "kek_source": "vault", "vault_address": "https://vault.example", "vault_token": "t",
        "vault_key": "roadfade",
    }  # fmt: skip
    assert isinstance(kek_holder(Settings.model_validate(vault)), VaultKek)
    assert isinstance(raw_kek_holder(Settings.model_validate(vault)), VaultKek)


@pytest.mark.parametrize("source", ["environment", "command", "vault"])
def test_a_source_without_what_it_needs_is_no_setting(source: str) -> None:
    with pytest.raises(ValidationError, match="kek_source is"):
        Settings.model_validate({"kek_source": source})


def test_a_kek_is_there_once_it_was_made(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    assert not has_kek(settings)
    kek_holder(settings).add()
    assert has_kek(settings)
    settings.kek_file.chmod(0o644)
    assert not has_kek(settings)
