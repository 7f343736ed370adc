"""Editors complete and complain by the same models that parse."""

from datetime import date
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policy.language.problems import Findings
from policy.language.schema import file_schema, schemas
from policy.language.yaml_text import read_yaml
from roadfade.in_force.documents import load_files, shipped_policy_path
from tests.support.documents import FILES, bent
from tests.support.write_schemas import FOLDER, texts


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas()[name])


def plain(value: Any) -> Any:
    """As an editor sees YAML: dates are text, sequences are lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def complaints(file: str, text: str) -> list[str]:
    read = read_yaml(file, text, Findings())
    assert read is not None
    return [error.message for error in validator(file_schema(file)).iter_errors(plain(read[0]))]


def test_the_committed_schemas_are_those_of_the_models() -> None:
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert committed == texts(), "run: make schemas"


def test_every_schema_is_a_schema() -> None:
    for name in schemas():
        Draft202012Validator.check_schema(schemas()[name])


def test_every_shipped_file_satisfies_its_schema_and_names_it() -> None:
    for file, text in load_files(shipped_policy_path()).items():
        assert complaints(file, text) == [], file
        up = "../" * (2 + file.count("/"))
        first = text.splitlines()[0]
        assert first == f"# yaml-language-server: $schema={up}schemas/{file_schema(file)}.json", (
            file
        )
        assert (shipped_policy_path() / file).parent.joinpath(first.split("=")[1]).exists()


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_small_document_satisfies_its_schemas(file: str) -> None:
    assert complaints(file, FILES[file]) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("purposes/study.yaml", "class: internal", "class: friend"),
        ("purposes/study.yaml", "at_most: 30 days", "at_most: 30 fortnights"),
        ("purposes/study.yaml", "at_most: 30 days, ", ""),
        ("purposes/study.yaml", "dpv: dpv:Res", "dpw: dpv:Res"),
        ("purposes/study.yaml", "dpv: dpv:Res", "dpv: dpv:Ras"),
        ("policy.yaml", "version: 1", "version: one"),
        ("categories.yaml", "C06:", "CAR:"),
    ],
)
def test_an_editor_complains_where_the_parser_would(file: str, old: str, new: str) -> None:
    assert complaints(file, bent(file, old, new)[file]) != []
