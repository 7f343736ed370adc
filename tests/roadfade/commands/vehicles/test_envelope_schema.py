"""The schema that a gateway is given takes what the pages tell gateways to send, and no more."""

import json
import re
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
    """The README's envelope as its recipe writes it, with an id and an instant put in."""
    [recipe] = [one for one in marked("README.md") if one.name == "gateway"]
    text = recipe.text.partition("<<END\n")[2].partition("\nEND\n")[0]
    text = re.sub(r"\$\(date \+[^)]*\)", "1764580530120000000", text)
    return json.loads(re.sub(r"\$\(date -u [^)]*\)", "2026-11-20T10:15:30.120Z", text))


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
