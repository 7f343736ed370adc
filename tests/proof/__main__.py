"""Run a proof, and write what it found to docs/proofs: see the README there.

``python -m tests.proof NAME --times N --jobs J``. Exit 0: it held; 1: it did not, and nothing is written.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.proof.envelopes import envelopes
from tests.proof.residue import residue
from tests.proof.residue_road import residue_road
from tests.proof.twins import twins
from tests.proof.upgrade import upgrade
from tests.proof.walk import walk
from tests.support.mutants import survey
from tests.support.times import VARIABLE

RESULTS: Final = Path(__file__).parents[2] / "docs" / "proofs"
Figures = Mapping[str, Any]


class Asked(NamedTuple):
    """How much is to be tried, in how many processes, which random cases, and from which version."""

    times: int
    jobs: int
    seed: int
    revision: str


def _suite(marks: str, times: int) -> Figures:
    """Tests of the suite that try more than usual; their own closing line."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", marks, "-o", "timeout=0"],
        env={**os.environ, VARIABLE: str(times)}, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, "a test failed"
    return {"times": times, "pytest": done.stdout.strip().rpartition("\n")[2]}


def _mutants(_: Asked) -> Figures:
    found = survey()
    assert found["noticed"] >= 0.95 * found["mutants"], found["survivors"]
    assert not found["silent"], found["silent"]
    return found


def _twins(asked: Asked) -> Figures:
    from tests.proof.twins_postgres import twins_postgres  # noqa: PLC0415  # needs the driver

    return {**twins(asked.seed), "postgres": twins_postgres(asked.seed)}


PROOFS: Final[Mapping[str, Callable[[Asked], Figures]]] = {
    "fuzzing": lambda asked: _suite("hypothesis", asked.times),
    "faults": lambda asked: _suite("faults", asked.times),
    "mutants": _mutants,
    "envelopes": lambda asked: envelopes(asked.times, asked.jobs, asked.seed),
    "walk": lambda asked: walk(asked.times, asked.seed),
    "twins": _twins,
    "residue": lambda asked: residue(asked.seed),
    "upgrade": lambda asked: upgrade(asked.revision),
    "residue-road": lambda asked: residue_road(asked.seed),
}


def main() -> None:
    """Run one proof and write its figures."""
    words = argparse.ArgumentParser(prog="python -m tests.proof")
    words.add_argument("proof", choices=PROOFS)
    words.add_argument("--times", type=int, default=100, help="how many times more than usual")
    words.add_argument("--jobs", type=int, default=1, help="processes, of envelopes")
    words.add_argument("--from", dest="revision", default="", help="a commit, of upgrade")
    words.add_argument(
        "--seed", type=int, default=0, help="the first case, of envelopes, walk and twins"
    )
    given = words.parse_args()
    if given.proof == "upgrade" and not given.revision:
        words.error("upgrade needs --from REV: a commit whose installation is taken over")
    asked = Asked(given.times, given.jobs, given.seed, given.revision)
    began = time.monotonic()
    figures = PROOFS[given.proof](asked)
    seeded = f" --seed {asked.seed}" if asked.seed else ""
    begun = f" --from {asked.revision}" if asked.revision else f" --times {asked.times}"
    result = {
        "command": f"python -m tests.proof {given.proof}{begun}{seeded}",
        "on": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.monotonic() - began),
        **figures,
    }
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (RESULTS / f"{given.proof}.json").write_text(f"{text}\n", encoding="utf-8")
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
