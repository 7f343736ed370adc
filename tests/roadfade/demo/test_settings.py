"""A run has settings of its own, under which all ends come within minutes; given ones count."""

from pathlib import Path

from roadfade.demo.run import DEMO_PARTITIONS, DEMO_SWEEP_S, demo_settings
from roadfade.settings import Settings
from telemetry.instants import Grain


def test_what_was_given_counts_and_all_else_is_the_runs_own(tmp_path: Path) -> None:
    given = Settings(state_dir=tmp_path, sink_batch_s=0.5, partitions=6)
    used = given.model_copy(update=demo_settings(given, tmp_path / "run"))
    assert (used.sink_batch_s, used.partitions, used.state_dir) == (0.5, 6, tmp_path / "run")
    assert (used.sweep_every_s, used.grain_at_most) == (DEMO_SWEEP_S, Grain.MINUTE)
    own = demo_settings(Settings(state_dir=tmp_path), tmp_path / "run")
    assert own["partitions"] == DEMO_PARTITIONS
    assert set(own) <= set(Settings.model_fields)
