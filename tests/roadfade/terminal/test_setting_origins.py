"""Where each setting comes from, what is no setting, and what cannot be read: each in one sentence."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer

from roadfade.settings import Settings
from roadfade.terminal.answers import answering, settings
from roadfade.terminal.setting_origins import Origin, origins, strangers


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "ROADFADE_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    tmp_path.chmod(0o700)


def test_a_name_that_is_no_setting_is_told_with_the_nearest_that_is() -> None:
    environment = {
        "ROADFADE_STATE_DRI": "x",
        "roadfade_partitions": "2",
        "ROADFADE_QQQ": "",
        "A": "",
    }
    assert dict(strangers(environment)) == {
        "ROADFADE_STATE_DRI": "ROADFADE_STATE_DIR",
        "ROADFADE_QQQ": None,
    }


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_no_setting_is_taken_for_a_stranger(name: str) -> None:
    assert list(strangers({f"ROADFADE_{name.upper()}": "x"})) == []


def test_variables_of_the_compose_file_and_of_tests_are_not_told() -> None:
    known = ("ROADFADE_BASE", "ROADFADE_TESTS_WITHOUT_BROKER", "ROADFADE_PROOF_TIMES")
    assert list(strangers(dict.fromkeys(known, "1"))) == []


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(here: Path) -> None:
    (here / "roadfade.toml").write_text('partitions = 7\ntopic_prefix = "t."\n')
    environment = {"ROADFADE_PARTITIONS": "9", "KAFKA_BOOTSTRAP_SERVERS": "k:1"}
    found = origins(environment)
    assert set(found) == set(Settings.model_fields)
    assert found["partitions"] == Origin("environment", "ROADFADE_PARTITIONS")
    assert found["kafka_bootstrap_servers"] == Origin("environment", "KAFKA_BOOTSTRAP_SERVERS")
    assert found["topic_prefix"] == Origin("toml", str(here / "roadfade.toml"))
    assert found["replication"] == Origin("default", "")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_an_origin_is_where_the_settings_take_it_from(
    name: str, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    del here
    values = {
        "bins_max": "1000",
        "gateway_bytes_per_minute": "2000000",
        "gateway_envelopes_per_minute": "200",
        "gateway_mqtt_receive_maximum": "40",
        "grain_at_most": "hour",
        "kafka_security": "ssl",
        "kek_beside_keyring": "true",
        "kek_source": "command",
        "lake_compression": "uncompressed",
        "lake_duplicates_window": "1000",
        "log_format": "json",
        "postgres_schema": "other",
        "raw_allow_unsealed": "false",
        "replication": "3",
        "sink_batch_s": "7",
        "store": "postgres",
    }
    monkeypatch.setenv(f"ROADFADE_{name.upper()}", values.get(name, "11"))
    if name == "fixed_now_ms":
        monkeypatch.setenv("ROADFADE_TOPIC_PREFIX", "t.")
    if name == "kek_source":
        monkeypatch.setenv("ROADFADE_KEK_COMMAND", "wallet")
    if name == "store":
        monkeypatch.setenv("ROADFADE_POSTGRES_DSN", "postgresql://")
    if name in ("backup_dir", "backup_keys_dir"):
        for place in ("BACKUP_DIR", "BACKUP_KEYS_DIR"):
            monkeypatch.setenv(f"ROADFADE_{place}", place.lower())
    if name in ("kafka_user", "kafka_password", "kafka_password_file"):
        monkeypatch.setenv("ROADFADE_KAFKA_USER", "u")
        whole = "PASSWORD" if name == "kafka_user" else name.upper().removeprefix("KAFKA_")
        monkeypatch.setenv(f"ROADFADE_KAFKA_{whole}", "p")
        monkeypatch.setenv("ROADFADE_KAFKA_SECURITY", "sasl_ssl")
    if name in ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"):
        for file in ("CERTIFICATE_FILE", "KEY_FILE"):
            monkeypatch.setenv(f"ROADFADE_KAFKA_{file}", file.lower())
        monkeypatch.setenv("ROADFADE_KAFKA_SECURITY", "ssl")
    taken = Settings()
    assert name in taken.model_fields_set
    assert origins(os.environ)[name].kind == "environment"


def exits_2(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as ended:
        settings()
    assert ended.value.exit_code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_a_broken_file_is_one_sentence(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "roadfade.toml").write_text("partitions = = 3\n")
    told = exits_2(capsys)
    assert told.startswith(f"{here / 'roadfade.toml'} is not TOML: ")
    assert "line 1" in told


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = '\xff'"], ids=["no text", "half a text"])
def test_a_file_that_is_no_text_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (here / "roadfade.toml").write_bytes(content)
    assert "is not TOML" in exits_2(capsys)


def test_a_file_that_cannot_be_read_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    told = exits_2(capsys)
    assert told.startswith(f"{here / 'roadfade.toml'} cannot be read (Permission denied): ")


def made_folder(file: Path) -> None:
    file.mkdir()


def made_ring(file: Path) -> None:
    file.symlink_to(file)


@pytest.mark.parametrize("make", [made_folder, made_ring])
def test_what_is_there_and_no_file_is_not_passed_over(
    here: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None]
) -> None:
    make(here / "roadfade.toml")
    assert exits_2(capsys).startswith(f"{here / 'roadfade.toml'} is no file: ")


def test_what_is_wrong_in_the_file_is_said_to_stand_there(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = here / "roadfade.toml"
    file.write_text('state_dirr = "x"\n')
    assert exits_2(capsys) == f"{file}: state_dirr is no setting: write state_dir, or remove it\n"
    file.write_text("qqq = 1\n")
    assert exits_2(capsys) == f"{file}: qqq is no setting: remove it\n"
    file.write_text('partitions = "none"\n')
    assert exits_2(capsys).startswith(f"setting ROADFADE_PARTITIONS in {file}: ")
    monkeypatch.setenv("ROADFADE_PARTITIONS", "none")
    assert exits_2(capsys).startswith("setting ROADFADE_PARTITIONS: ")


def test_a_stranger_is_told_on_the_error_stream_and_the_work_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADFADE_PARTITION", "9")
    with answering(as_json=False):
        assert settings().partitions == settings().partitions == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        "warning: ROADFADE_PARTITION is no setting and changes nothing: "
        "did you mean ROADFADE_PARTITIONS?\n"
    )
