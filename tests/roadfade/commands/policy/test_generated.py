from pathlib import Path

import pytest
from typer.testing import CliRunner

from roadfade.cli import policy_app as app
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.commands.policy.generated import artefacts
from roadfade.in_force.documents import shipped_policy_path

GENERATED = Path(__file__).parents[4] / "docs" / "generated"


def test_what_is_committed_is_what_the_shipped_policy_makes() -> None:
    """Red after a change of the document: `roadfade policy generate docs/generated`."""
    made = artefacts(policy_or_exit(None))
    files = {path.relative_to(GENERATED).as_posix(): path for path in GENERATED.rglob("*.*")}
    assert set(files) == set(made)
    stale = [n for n, text in made.items() if files[n].read_text(encoding="utf-8") != text]
    assert stale == [], "run: roadfade policy generate docs/generated"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("topics", "telemetry.raw"),
        ("acls", "--add --allow-principal User:roadfade-gateway"),
        ("ttls", "purpose.product_rnd"),
        ("asyncapi", '"asyncapi": "3.0.0"'),
        ("contracts", '"apiVersion": "v3.1.0"'),
        ("notice", "<!doctype html>"),
        ("page --purpose product_rnd", "<!doctype html>"),
        ("record", "<!doctype html>"),
        ("coverage", "47 clauses: "),
    ],
)
def test_every_artefact_is_printed_and_is_one_object_as_json(command: str, said: str) -> None:
    plain = CliRunner().invoke(app, command.split())
    assert plain.exit_code == 0 and said in plain.stdout
    as_json = CliRunner().invoke(app, [*command.split(), "--json"])
    assert as_json.exit_code == 0 and as_json.stdout.startswith("{")


def test_artefacts_are_written_into_a_folder(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["generate", str(tmp_path / "out")]).exit_code == 0
    assert (tmp_path / "out" / "contracts" / "product_rnd.json").is_file()


def test_a_contract_of_an_output_that_is_not_there_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["contracts", "--output", "nobody"]).exit_code == 2


def test_a_purpose_is_one_page_in_a_file_and_a_mistyped_one_is_wrong_usage(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    asked = ["page", "--purpose", "product_rnd", "--lang", "ja", "--html", str(page)]
    written = CliRunner().invoke(app, asked)
    assert (written.exit_code, written.stdout) == (0, "")
    assert "製品・サービスの研究開発" in page.read_text(encoding="utf-8")
    mistyped = CliRunner().invoke(app, ["page", "--purpose", "product_rd"])
    assert mistyped.exit_code == 2 and "write `product_rnd`" in mistyped.stderr


def test_a_difference_is_a_page_too(tmp_path: Path) -> None:
    page, shipped = tmp_path / "page.html", str(shipped_policy_path())
    asked = ["diff", shipped, shipped, "--html", str(page), "--lang", "ja"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert "変わることはありません。" in page.read_text(encoding="utf-8")
