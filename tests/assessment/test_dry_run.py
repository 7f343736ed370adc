import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assessment.dry_run import dry_run
from policy.vocabulary.operations import Keep
from roadfade.cli import policy_app as app
from telemetry.grids import jis_mesh, outline
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH
from tests.support.plans import FUEL, PLAN, SPEED, lane, output, plan
from tests.support.worlds import column, envelope

RUNNER = CliRunner()
TOKYO = (35.6812, 139.7671)


def drive(readings: int = 30) -> bytes:
    return envelope(
        {
            SPEED: column("km/h", [40.0 + i / 2 for i in range(readings)]),
            FUEL: column("percent", [52.4] * readings),
            LATITUDE: column("degrees", [TOKYO[0] + i / 10_000 for i in range(readings)]),
            LONGITUDE: column("degrees", [TOKYO[1]] * readings),
        }
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "drive.json"
    path.write_bytes(drive())
    return path


def test_what_each_purpose_gets_is_what_the_worker_would_send() -> None:
    done = dry_run(PLAN, [drive(10)], agreed=True)
    assert done.readings == 40
    assert done.after["service"][SPEED] == done.before[SPEED]
    assert [value for _, value in done.after["research"][SPEED]] == [40]
    assert MESH in done.after["research"] and LATITUDE not in done.after["research"]
    assert done.ledger["research"].withheld["unsupported"] == 10
    assert all(flow.closes for flow in done.ledger.values())


def test_without_consent_nothing_leaves_that_needs_one() -> None:
    done = dry_run(PLAN, [drive(10)], agreed=False)
    assert done.after["sharing"] == {}
    assert LATITUDE not in done.after["service"] and SPEED in done.after["service"]


def test_what_would_remain_without_consent_stands_beside_what_was_agreed_to() -> None:
    agreed, refused = (dry_run(PLAN, [drive(10)], agreed=agreed) for agreed in (True, False))
    assert agreed.unagreed == refused.ledger and refused.unagreed == {}
    assert agreed.unagreed["sharing"].delivered == 0 < agreed.ledger["sharing"].delivered


def test_a_role_that_a_forbid_names_gets_less_of_the_same_drive() -> None:
    kept = {SPEED: (Keep(),), FUEL: (Keep(),)}
    policy = plan(output("service", [lane("a", 30, 1_000, kept, not_for={SPEED: ("minor",)})]))
    assert set(dry_run(policy, [drive(2)], agreed=True).after["service"]) == {SPEED, FUEL}
    minor = dry_run(policy, [drive(2)], agreed=True, role="minor")
    assert set(minor.after["service"]) == {FUEL}
    assert minor.ledger["service"].withheld["forbidden"] == 2


def test_what_is_no_envelope_is_counted_and_not_shown() -> None:
    done = dry_run(PLAN, [b"{", drive(2)], agreed=True)
    assert (done.envelopes, done.rejected) == (2, {"malformed": 1})


def test_a_bad_trouble_code_costs_that_code_and_no_reading_beside_it() -> None:
    speeds = {SPEED: column("km/h", [40.0, 41.0, 42.0])}
    done = dry_run(PLAN, [envelope(speeds, dtc=["P0301", "P0171-00"])], agreed=True)
    assert done.rejected == {"out_of_range": 1}
    assert len(done.before[SPEED]) == len(done.after["service"][SPEED]) == 3


@pytest.mark.parametrize("size_m", [250, 500, 1_000, 10_000])
def test_a_position_lies_within_the_outline_of_its_cell(size_m: int) -> None:
    for latitude, longitude in (TOKYO, (26.2124, 127.6809), (43.0687, 141.3508)):
        cell = jis_mesh(latitude, longitude, size_m)
        assert cell is not None
        corners = outline(cell)
        assert min(c[0] for c in corners) <= latitude < max(c[0] for c in corners) + 1e-9
        assert min(c[1] for c in corners) <= longitude < max(c[1] for c in corners) + 1e-9


def test_an_h3_cell_has_an_outline_and_a_made_up_one_has_none() -> None:
    assert len(outline("8844c0a305fffff")) in (5, 6)
    with pytest.raises(ValueError, match="no known grid"):
        outline("nowhere")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_stands_alone_and_shows_every_output(
    language: str, file: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    result = RUNNER.invoke(app, ["dry-run", str(file), "--html", str(page), "--lang", language])
    assert result.exit_code == 0, result.output
    text = page.read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in text
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=\"(?!#)|url\(|@import|<script", text)
    assert 'id="product_rnd"' in text and text.count("<svg") > 5
    beside, first, data = {
        "en": ("Without consent", "0 min", "speed and driving, Vehicle.Speed: line"),
        "ja": ("同意がないとき", "0分", "速度と運転のしかた、Vehicle.Speed：線"),
    }[language]
    assert f">{beside}</th>" in text and f">{first}</text>" in text and data in text
    assert ">km/h</text>" in text and ">%</text>" in text


def test_a_run_without_consent_has_nothing_beside_it(file: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    asked = ["dry-run", str(file), "--no-consent", "--html", str(page)]
    assert RUNNER.invoke(app, asked).exit_code == 0
    assert "Without consent" not in page.read_text(encoding="utf-8")


def test_the_answer_as_json_has_counts_and_no_value(file: Path) -> None:
    result = RUNNER.invoke(app, ["dry-run", str(file), "--json"])
    shown = json.loads(result.stdout)
    assert result.exit_code == 0
    assert shown["readings"] == 120
    assert shown["outputs"]["product_rnd"]["in"] == 120
    shared = shown["outputs"]["third_party_provision"]
    assert shared["without_consent"] == 0 < shared["delivered"]
    assert "35.68" not in result.stdout


@pytest.mark.parametrize(
    ("options", "role", "agreed", "en", "ja"),
    [
        ([], "driver", True, "drivers, as if everybody", "運転者について、全員がすべてに同意した"),
        (["--role", "minor", "--no-consent"], "minor", False,
         "age), as if nobody", "方を含む）について、誰も何にも同意していない"),
    ],
)  # fmt: skip
def test_it_says_whose_drive_it_is_taken_to_be_and_what_they_agreed_to(
    options: list[str], role: str, en: str, ja: str, file: Path, tmp_path: Path, *, agreed: bool
) -> None:
    command = ["dry-run", str(file), *options]
    shown = json.loads(RUNNER.invoke(app, [*command, "--json"]).stdout)
    assert (shown["role"], shown["agreed"]) == (role, agreed)
    page = tmp_path / "page.html"
    for language, said in (("en", en), ("ja", ja)):
        screen = RUNNER.invoke(app, [*command, "--html", str(page), "--lang", language]).stdout
        assert said in screen and said in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_wrong_usage(file: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["dry-run", str(file), "--html", str(tmp_path / "no" / "x.html")])
    assert result.exit_code == 2
    assert result.stderr.startswith("cannot write") and len(result.stderr.splitlines()) == 1


def test_an_empty_file_fails_and_a_missing_one_is_wrong_usage(
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"no": "envelope"}')
    assert RUNNER.invoke(app, ["dry-run", str(bad)]).exit_code == 1
    assert RUNNER.invoke(app, ["dry-run", str(tmp_path / "none.json")]).exit_code == 2
    assert RUNNER.invoke(app, ["dry-run", str(bad), "--map", "css_gnss"]).exit_code == 2
