"""The schema that a gateway is given takes what the pages tell gateways to send, and no more."""

import ast
import json
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from roadfade.cli import app
from tests.docs.pages import REPOSITORY, blocks, marked


@pytest.fixture(scope="module")
def printed() -> str:
    done = CliRunner().invoke(app, ["envelope", "schema"])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def schema(printed: str) -> Any:
    return json.loads(printed)


def readme_envelope() -> Any:
    """The README's envelope as its recipe builds it, with an id and an instant put in."""
    [recipe] = [one for one in marked("README.md") if one.name == "gateway"]
    [dict_of] = [
        one.value
        for one in ast.parse(recipe.text).body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "ENVELOPE"
    ]
    text = ast.unparse(dict_of)
    text = text.replace("secrets.token_hex(16)", repr("0" * 32))
    return ast.literal_eval(
        text.replace("datetime.now(UTC).isoformat()", repr("2026-11-20T10:15:30.120Z"))
    )


def page_envelope() -> Any:
    return json.loads(
        next(one.text for one in blocks("docs/gateways.md") if one.language == "json")
    )


def test_it_is_the_committed_schema_and_json_either_way(printed: str) -> None:
    committed = REPOSITORY / "telemetry" / "schemas" / "envelope.v1.json"
    assert printed == committed.read_text()
    assert CliRunner().invoke(app, ["envelope", "schema", "--json"]).stdout == printed


@pytest.mark.parametrize("shown", [readme_envelope, page_envelope])
def test_what_the_pages_tell_gateways_to_send_fits(shown: Any, schema: Any) -> None:
    jsonschema.validate(shown(), schema)


@pytest.mark.parametrize(
    "change", [{"vin": "x"}, {"v": 2}, {"id": "short"}, {"clock": {"quality": "gnss"}}]
)
def test_what_a_worker_would_reject_does_not_fit(change: dict[str, Any], schema: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(page_envelope() | change, schema)
