"""``python -m bench.replay``: frames a second of a replay, from file to encoded envelopes.

Each form is replayed in a process of its own, several rounds; the database and what reads the
form are loaded before. With ``--against FOLDER`` the code of another checkout takes turns with
this one, and envelopes that differ end the program with an error.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.replay_files import Drive, drives

ROUNDS: Final = 5
PASSES: Final = 3
FRAMES: Final = 10_000
RUN_S_MAX: Final = 300
HERE: Final = Path(__file__).parents[1]


class DifferentError(Exception):
    """The two checkouts made other envelopes of one capture."""


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    ask.add_argument("--rounds", type=int, default=ROUNDS, help="processes of each form")
    ask.add_argument("--frames", type=int, default=FRAMES, help="frames of generated captures")
    ask.add_argument("--against", type=Path, help="another checkout, to be measured in turn")
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    told = ask.parse_args()
    codes = {"this": HERE} | ({"other": told.against.resolve()} if told.against else {})
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        found = measure(drives(Path(folder), told.frames), codes, told.rounds)
    if told.json:
        print(json.dumps(found))
        return
    for form, peers in found["forms"].items():
        for name, figures in peers.items():
            print(
                f"{form:8} {name:6} {figures['frames_per_s']:>9,.0f} frames/s "
                f"{figures['cpu_us_per_frame']:6.1f} µs CPU per frame, "
                f"reading alone {figures['read_frames_per_s']:,.0f} frames/s"
            )


def measure(found: dict[str, Drive], codes: dict[str, Path], rounds: int) -> dict[str, Any]:
    """Figures by form and checkout: medians of the rounds. ``DifferentError`` as it says."""
    forms = {}
    load = os.getloadavg()[0]
    for form, drive in found.items():
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in codes}
        for _ in range(rounds):
            for name, folder in codes.items():
                runs[name].append(_run(drive, folder))
        if len({run["digest"] for every in runs.values() for run in every}) > 1:
            msg = f"{form}: the envelopes differ"
            raise DifferentError(msg)
        forms[form] = {name: _figures(every) for name, every in runs.items()}
    recorded = {form: drive.recorded for form, drive in found.items()}
    return {"forms": forms, "recorded": recorded, "rounds": rounds, "load": load}


def _run(drive: Drive, code: Path) -> dict[str, Any]:
    command = [
        sys.executable, "-P", str(HERE / "bench" / "replay_peer.py"), str(drive.log),
        str(drive.database), drive.map_name, str(PASSES),
    ]  # fmt: skip
    done = subprocess.run(
        command, stdout=subprocess.PIPE, timeout=RUN_S_MAX, check=True,
        env=os.environ | {"PYTHONPATH": str(code)},
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _figures(runs: list[dict[str, Any]]) -> dict[str, float]:
    frames = runs[0]["frames"]
    replay_s = median(run["replay_s"] for run in runs)
    return {
        "frames_per_s": frames / replay_s,
        "cpu_us_per_frame": 1e6 * replay_s / frames,
        "read_frames_per_s": frames / median(run["read_s"] for run in runs),
        "frames": frames,
        "readings": runs[0]["readings"],
    }


if __name__ == "__main__":
    main()
