"""The last sweep of a local run goes by the clock that every sweep goes by."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bus.view import Beat
from roadfade.clock import wall_ms
from roadfade.demo.live_view import LiveView
from roadfade.processes.clocks.heard_clocks import HeardClocks
from roadfade.processes.sweep import once as sweep
from roadfade.settings import Settings
from telemetry.instants import MINUTE_MS
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import record


@pytest.mark.parametrize(("behind_ms", "left"), [(0, 0), (60 * MINUTE_MS, 1)])
def test_a_clock_that_others_say_is_ahead_deletes_nothing_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind_ms: int, left: int
) -> None:
    now_ms = wall_ms()
    ended_ms = now_ms // MINUTE_MS * MINUTE_MS - 10 * MINUTE_MS
    settings = Settings(state_dir=tmp_path, kafka_bootstrap_servers="127.0.0.1:9")

    def heard_live(_broker: object, heard: HeardClocks, *_: object) -> None:
        for _twice in range(2):
            heard.take(Beat(now_ms - behind_ms, now_ms - behind_ms, live=True))

    monkeypatch.setattr(sweep, "ask_clocks", heard_live)
    with lake_at(settings.lake_dir) as lake:
        lake.write([record(0, expires_ms=ended_ms)], ended_ms - 1)
    nothing: Any = None
    LiveView(Console(), settings, nothing, nothing)._sweep()
    assert len(parts(settings.lake_dir)) == left
