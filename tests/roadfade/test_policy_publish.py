import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policy.publication import decode_publication
from roadfade.documents import load_files, shipped_policy_path
from roadfade.policy_commands import app

RUNNER = CliRunner()


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """The shipped document under its next number."""
    for name, text in load_files(shipped_policy_path()).items():
        file = tmp_path / "next" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            text.replace("\nversion: 1\n", "\nversion: 2\n") if name == "policy.yaml" else text,
            encoding="utf-8",
        )
    return tmp_path / "next"


def test_a_version_that_widens_nothing_is_published_with_its_texts(
    next_version: Path, tmp_path: Path
) -> None:
    out = tmp_path / "record"
    options = ["--policy", str(next_version), "--after", str(shipped_policy_path())]
    result = RUNNER.invoke(app, ["publish", *options, "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["version"] == 2
    assert decode_publication(out.read_bytes()).files == load_files(next_version)


def test_an_undecided_widening_is_not_published(next_version: Path, tmp_path: Path) -> None:
    page = next_version / "purposes" / "product_rnd.yaml"
    page.write_text(page.read_text().replace("bucket 10 km/h", "bucket 5 km/h"))
    out = tmp_path / "record"
    options = ["--policy", str(next_version), "--after", str(shipped_policy_path())]
    result = RUNNER.invoke(app, ["publish", *options, "--out", str(out)])
    assert result.exit_code == 1
    assert "NEEDS_DECISION" in result.output and not out.exists()


def test_a_version_that_does_not_follow_is_not_published() -> None:
    result = RUNNER.invoke(app, ["publish", "--after", str(shipped_policy_path())])
    assert result.exit_code == 1
    assert "does not follow" in result.output
