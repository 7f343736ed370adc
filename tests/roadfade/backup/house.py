"""An installation on files: an office with two people, their keys, their rows in a lake, a ledger.

Everything is as its processes leave it, but for topics, which are in memory.
"""

import asyncio
import shutil
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec.structs import replace
from sqlalchemy import select, text

from office.erasure.progress import Progress
from office.erasure.saga import State
from office.erasure.whereabouts import whereabouts
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.outbox import Outbox
from office.registry.erasure_requests import NewErasure
from office.registry.links import link_of
from office.store.tables import LINKS
from roadfade.backup.kept import Places
from roadfade.backup.making import Made, make
from roadfade.backup.restoring import Restored, restore
from roadfade.backup.steps import Hook, Step, go_on
from roadfade.ledger_file import LedgerFile
from roadfade.settings import Settings
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.stored import StoredLake
from sinks.lake.verify import search
from sinks.port.results import Written
from sinks.port.selection import FoundRow, Selection
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS
from tests.office.erasure.conftest import ANA, BEN, HORIZONS, SIGNING, Office
from tests.sinks.records import EXPIRES_MS, T0_MS, A, record
from tests.support.plans import PLAN

NOW_MS: Final = T0_MS + HOUR_MS
OUTPUT: Final = "service"
LAKE: Final = LakeSettings(buckets=2, compression="uncompressed")
SOON_MS: Final = EXPIRES_MS - 20 * DAY_MS
TABLES: Final = ("links", "consents", "restrictions", "events", "erasures")
ROWS_EACH: Final = 8
T = TypeVar("T")


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up."""


class KillAt:
    """A hook that kills at the n-th step, from 0; remembers the steps it let pass."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.passed: list[Step] = []

    def __call__(self, step: Step) -> None:
        if len(self.passed) == self.at:
            raise Killed
        self.passed.append(step)


def quiet(_done: int, _total: int) -> None:
    """Show no bar."""


class House:
    """One installation, and the two places of its backups."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(state_dir=folder / "state", lake_compression="uncompressed")
        self.places = Places(folder / "backups", folder / "backup-keys")
        self.now_ms = NOW_MS
        self.office = Office(self.settings.state_dir)
        self.pseudonyms: dict[SubjectId, list[str]] = {}
        self._runner = asyncio.Runner()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What the office's loop comes to."""
        return self._runner.run(work)

    def furnish(self) -> None:
        """Two people who agreed, rows of each, half of them with an end that comes soon."""
        self.open()
        self.do(self.office.furnish())
        self.office.now_ms = self.now_ms
        self.publish()
        links = self.do(self._links())
        for who in (ANA, BEN):
            mine = [link for link in links if link.subject == who]
            found = whereabouts(mine, [PLAN], self.office.keyring, self.now_ms).by_output
            self.pseudonyms[who] = sorted(map(str, found[OUTPUT]))
        self.write(self.records(0))
        LedgerFile(self.settings.ledger_path)

    async def _links(self) -> list[Any]:
        async with self.office.database.reading() as connection:
            return [link_of(row) for row in await connection.execute(select(LINKS))]

    def open(self) -> None:
        """Open what the office's process opens."""
        self.do(self.office.open())
        office = self.office
        office.outbox = Outbox(office.database, lambda: self.now_ms)
        keyring = Keyring.open(self.settings.keyring_path, FileKek(self.settings.kek_file))
        office.keyring = keyring  # type: ignore[assignment]
        office.progress = Progress(office.database, keyring, SIGNING.sign, HORIZONS)

    def publish(self) -> None:
        """What waits in the outbox goes out."""
        self.do(self.office.outbox.drain(self.office.topics.publish))

    def close(self) -> None:
        """As processes end."""
        self.do(self.office.database.close())

    def end(self) -> None:
        """Give the loop back."""
        self.close()
        self._runner.close()

    def records(self, first: int) -> list[Arrived]:
        """Two rows in each of eight records, of both people, from an offset on."""
        who = [one for name in (ANA, BEN) for one in self.pseudonyms[name][:2]]
        ends = (EXPIRES_MS, SOON_MS)
        found = [
            record(first + n, A, pseudonym=one, expires_ms=ends[n % 2])
            for n, one in enumerate(who * 2)
        ]
        return [replace(one, headers=_of_output(one.headers)) for one in found]

    def write(self, records: Sequence[Arrived]) -> Written:
        """What a sink keeps of these."""
        lake = Lake(self.settings.lake_dir, {A: OUTPUT}, LAKE, wait_s=0)
        try:
            lake.refuse([one for one in self.office.commands() if one.output == OUTPUT])
            return lake.write(records, self.now_ms)
        finally:
            lake.close()

    def selection(self, who: SubjectId) -> Selection:
        """All rows of a person."""
        return Selection(frozenset(map(Pseudonym, self.pseudonyms[who])))

    def rows_of(self, who: SubjectId) -> list[FoundRow]:
        """Rows of a person in the lake that have not ended."""
        lake = StoredLake(self.settings.lake_dir)
        return list(lake.rows_of(OUTPUT, self.selection(who), self.now_ms))

    def located(self, who: SubjectId) -> int:
        """How many rows of a person lie in the lake, whatever has ended."""
        return StoredLake(self.settings.lake_dir).locate(OUTPUT, self.selection(who)).rows

    def erased(self, new: NewErasure, until: State = State.GONE) -> str:
        """Carry an erasure out, in the lake, too."""
        self.office.now_ms = self.now_ms
        asked = self.do(self.office.ask(new))
        self.do(self.office.run(asked.erasure, until))
        self.now_ms = self.office.now_ms
        self.publish()
        lake = StoredLake(self.settings.lake_dir, "uncompressed")
        for one in self.office.commands():
            if one.output == OUTPUT:
                lake.erase(OUTPUT, Selection.of(one), self.now_ms)
        return asked.erasure

    def make(self, at: Hook = go_on) -> Made:
        """A backup."""
        return make(self.settings, self.places, lambda: self.now_ms, quiet, at)

    def restore(
        self, made: Made, at: Hook = go_on, *, lost: bool = False, keys: Made | None = None
    ) -> Restored:
        """Go back to it; with the keys of another, if one is named."""
        name, of_keys = made.data.name, (keys or made).keys.name
        return restore(
            self.settings, self.places.data / name, self.places.keys / of_keys,
            lambda: self.now_ms, quiet, lost=lost, at=at,
        )  # fmt: skip

    def lose(self, *more: Path) -> None:
        """Lose office, ledger and lake, and what else is named."""
        self.close()
        mine = self.settings
        for path in (mine.office_path, mine.ledger_path, mine.lake_dir, *more):
            for one in path.parent.glob(f"{path.name}*"):
                if one.is_dir():
                    shutil.rmtree(one)
                else:
                    one.unlink()

    def count(self, table: str, who: SubjectId) -> int:
        """Rows of a person in a table of the office."""
        return len(self.found(f"SELECT 1 FROM {table} WHERE subject = :who", who=str(who)))  # noqa: S608  # constants

    def found(self, query: str, **named: object) -> list[Any]:
        """What a query of the office's tables finds."""

        async def ask() -> list[Any]:
            async with self.office.database.reading() as connection:
                return list(await connection.execute(text(query), named))

        return self.do(ask())

    def traces_of(self, who: SubjectId) -> int:
        """Files of the state folder that hold the id or a pseudonym of a person."""
        names = [str(who), *self.pseudonyms[who]]
        hits = [search(self.settings.state_dir, one.encode()) for one in names]
        return sum(one.in_bytes + one.in_names for one in hits)


def _of_output(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, OUTPUT.encode() if name == "purpose" else said) for name, said in headers]
