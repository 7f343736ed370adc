"""Make what a version leaves behind, to be opened by every later one: see ``left/README.md``.

``python -m tests.upgrade.leave road NAME REVISION``: the processes of a commit on a broker of our own, and
what lies in their state folder after they ended. ``python -m tests.upgrade.leave house NAME``: an office
with requests, receipts, a memory and a backup, made by the program here, in memory but for files.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from office.registry.erasure_requests import NewErasure
from roadfade.clock import wall_ms
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.settings import Settings
from sinks.lake.digest import lake_digest
from tests.office.erasure.conftest import ANA
from tests.roadfade.backup.house import House
from tests.upgrade.on_record import ON_RECORD
from tests.upgrade.programs import RoadOf, tree_of
from tests.upgrade.world import PEOPLE, SETTINGS, furnish, places_of

LEFT: Final = Path(__file__).with_name("left")
SAID: Final = "said.json"
"""What the program that made it said of it."""
KEPT: Final = ("office.sqlite", "keyring.sqlite", "ledger.sqlite", "suppressions.sqlite", "kek")
_SAY: Final = """
import json, sqlite3, sys
from pathlib import Path
from roadfade.ledger_file import LedgerFile
from sinks.lake.digest import lake_digest
state = Path(sys.argv[1])
def asked(file, query):
    return [list(row) for row in sqlite3.connect(state / file).execute(query)]
ledger = LedgerFile(state / "ledger.sqlite").read()
print(json.dumps({
    "lake": list(lake_digest(state / "lake")),
    "office": {
        name: asked("office.sqlite", f"SELECT {columns} FROM {name} ORDER BY 1")
        for name, columns in json.loads(sys.argv[2]).items()
    },
    "keys": asked("keyring.sqlite", "SELECT purpose, recipient, epoch FROM keys ORDER BY 1, 2, 3"),
    "delivered": {name: flow.delivered for name, flow in sorted(ledger.outputs.items())},
}))
"""


def said_by(road: RoadOf) -> dict[str, Any]:
    """What the road's own program says of its files; no process may run."""
    done = subprocess.run(  # a constant script
        [sys.executable, "-c", _SAY, str(road.settings.state_dir), json.dumps(ON_RECORD)],
        env=dict(road.environment), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def packed(state: Path, said: dict[str, Any], into: Path, *more: Path) -> None:
    """The files that matter, and what was said of them, as a zip file."""
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        for name in KEPT:
            if (state / name).exists():
                shutil.copy2(state / name, folder)
        for one in (state / "lake", *more):
            shutil.copytree(one, folder / one.name, ignore=shutil.ignore_patterns("*.lock"))
        (folder / SAID).write_text(json.dumps(said, indent=1, sort_keys=True))
        shutil.make_archive(str(into.with_suffix("")), "zip", folder)


def of_road(revision: str, into: Path) -> None:
    """What the processes of a commit leave."""
    with tempfile.TemporaryDirectory(prefix="roadfade-leave-") as named:
        folder = Path(named)
        tree = tree_of(revision, folder / "tree")
        with LocalBroker(folder / "kafka", kafka_libs(), heap_max_mib=256) as broker:
            settings = Settings(
                kafka_bootstrap_servers=broker.bootstrap_servers, topic_prefix="left.",
                state_dir=folder / "state", sweep_every_s=3600, **SETTINGS,
            )  # fmt: skip
            settings.state_dir.mkdir()
            road = RoadOf(settings, tree)
            try:
                furnish(road)
            finally:
                road.stop_all()
            now_ms = wall_ms()
            said = said_by(road) | {
                "revision": revision,
                "at_ms": now_ms,
                "positions": {who: places_of(settings.lake_dir, who, now_ms) for who in PEOPLE},
            }
        packed(settings.state_dir, said, into)


def of_house(into: Path) -> None:
    """What the program here leaves of requests, receipts, the memory and backups."""
    with tempfile.TemporaryDirectory() as named:
        house = House(Path(named))
        house.furnish()
        made = house.make()
        house.erased(NewErasure("erase", ANA, "access_request"))
        receipts = house.found("SELECT count(*) FROM receipts")[0][0]
        house.end()
        said = {
            "at_ms": house.now_ms,
            "backup": made.data.name,
            "receipts": receipts,
            "lake": list(lake_digest(house.settings.lake_dir)),
        }
        packed(house.settings.state_dir, said, into, house.places.data, house.places.keys)


def main() -> None:
    """Make one of them."""
    words = argparse.ArgumentParser(prog="python -m tests.upgrade.leave")
    words.add_argument("what", choices=["road", "house"])
    words.add_argument("name", help="of the zip file in left/")
    words.add_argument("revision", nargs="?", default="HEAD", help="a commit, of a road")
    given = words.parse_args()
    into = LEFT / f"{given.name}.zip"
    LEFT.mkdir(exist_ok=True)
    if given.what == "road":
        of_road(given.revision, into)
    else:
        of_house(into)
    sys.stdout.write(f"{into}: {into.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
