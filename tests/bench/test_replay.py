"""The bench of replays runs on what it generates, and hears envelopes that differ."""

from pathlib import Path
from typing import Any

import pytest

from bench import replay, replay_files


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, replay_files.Drive]:
    nothing = (tmp_path / "absent", tmp_path / "absent")
    monkeypatch.setattr(replay_files, "_GNSS", nothing)
    monkeypatch.setattr(replay_files, "_CANDUMP", nothing)
    return replay_files.drives(tmp_path, 300)


def test_generated_captures_are_measured(generated: dict[str, replay_files.Drive]) -> None:
    found = replay.measure(generated, {"this": replay.HERE}, 1)
    assert found["recorded"] == {"mf4": False, "candump": False}
    for figures in (found["forms"][form]["this"] for form in ("mf4", "candump")):
        assert (figures["frames"], figures["readings"]) == (300, 240)
        assert figures["frames_per_s"] * figures["cpu_us_per_frame"] == pytest.approx(1e6)


def test_other_envelopes_of_another_checkout_end_it(
    generated: dict[str, replay_files.Drive], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_drive: replay_files.Drive, code: Path) -> dict[str, Any]:
        return {"digest": str(code)}

    monkeypatch.setattr(replay, "_run", run)
    with pytest.raises(replay.DifferentError, match="mf4"):
        replay.measure(generated, {"this": Path("a"), "other": Path("b")}, 1)
