"""What newcomers write, the message they get, and that following it is enough."""

from pathlib import Path
from typing import Any

import pytest

from policy.language.problems import Findings
from policy.language.yaml_text import read_yaml
from tests.support.documents import FILES, errors

STORIES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
BASE = {
    **FILES,
    "policy.yaml": FILES["policy.yaml"]
    .replace("scope:", "profiles: {jp-appi-2022: true}\nscope:")
    .replace("dpv:CommercialResearch", "dpv:ResearchAndDevelopment"),
    "categories.yaml": FILES["categories.yaml"].replace(
        "signals: [Vehicle.Speed]}", "signals: [Vehicle.Speed], position_like: [Vehicle.Speed]}"
    ),
}


def story(file: Path) -> Any:
    read = read_yaml(file.name, file.read_text(encoding="utf-8"), Findings())
    assert read is not None
    return read[0]


def with_passage(example: Any, passage: str) -> dict[str, str]:
    text = BASE[example["file"]]
    assert text.count(example["original"]) == 1
    return {**BASE, example["file"]: text.replace(example["original"], passage)}


def test_there_are_twenty_and_more_and_the_document_itself_is_whole() -> None:
    assert len(STORIES) >= 20
    assert errors(BASE) == []


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_the_message_says_where_what_and_what_to_write(file: Path) -> None:
    example = story(file)
    assert errors(with_passage(example, example["writes"])) == list(example["says"])
    assert all(says.startswith(example["file"] + ":") for says in example["says"])


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_following_the_message_fixes_the_document(file: Path) -> None:
    example = story(file)
    assert errors(with_passage(example, example["fix"])) == []
