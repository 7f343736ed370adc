import os
import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from roadfade.demo.process_group import (
    GATEWAY_TOO,
    STOP_ORDER,
    ProcessGroup,
    child_environment,
    own_environment,
    write_environment,
)
from roadfade.settings import Settings
from telemetry.instants import Grain


def test_a_shell_that_sources_the_file_has_the_settings_of_the_run(tmp_path: Path) -> None:
    settings = Settings(
        kafka_bootstrap_servers="127.0.0.1:19092", state_dir=tmp_path / "a folder",
        grain_at_most=Grain.MINUTE, topic_retention_s_at_most=45, sweep_every_s=3.0,
    )  # fmt: skip
    write_environment(settings, tmp_path / "env")
    sourced = subprocess.run(
        ["bash", "-c", f"source {tmp_path / 'env'} && env -0"],
        check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]},
    ).stdout  # fmt: skip
    found = dict(line.partition("=")[::2] for line in sourced.split("\0") if line)
    assert found | own_environment(settings) == found
    assert found["ROADFADE_STATE_DIR"] == str(tmp_path / "a folder")
    assert found["ROADFADE_GRAIN_AT_MOST"] == "minute"


def test_the_file_for_joining_in_ends_with_the_run(tmp_path: Path) -> None:
    group = ProcessGroup(Settings(state_dir=tmp_path))
    write_environment(Settings(state_dir=tmp_path), group.environment_file)
    assert set(STOP_ORDER) == set(GATEWAY_TOO)
    for role in STOP_ORDER:
        group.stop(role)
    assert group.environment_file.exists(), "as long as a process may run"
    group.close()
    assert not group.environment_file.exists()
    group.close()


def test_children_are_given_a_secret_and_the_file_is_not(tmp_path: Path) -> None:
    settings = Settings(store="postgres", postgres_dsn=SecretStr("postgresql://u:secret@h/d"))
    given = child_environment(settings)["ROADFADE_POSTGRES_DSN"]
    assert given == "postgresql://u:secret@h/d"
    write_environment(settings, tmp_path / "env")
    written = (tmp_path / "env").read_text()
    assert "ROADFADE_STORE=postgres" in written
    assert "secret" not in written and "POSTGRES_DSN" not in written


def test_a_child_with_a_password_of_its_own_is_given_no_file_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROADFADE_KAFKA_PASSWORD_FILE", "ours")
    monkeypatch.setenv("ROADFADE_KAFKA_USER", "us")
    own = Settings(
        kafka_security="sasl_ssl", kafka_user="roadfade-sink", kafka_password=SecretStr("own"),
        kafka_password_file=None,
    )  # fmt: skip
    given = child_environment(own)
    assert given["ROADFADE_KAFKA_USER"] == "roadfade-sink"
    assert given["ROADFADE_KAFKA_PASSWORD"] == "own"
    assert "ROADFADE_KAFKA_PASSWORD_FILE" not in given
