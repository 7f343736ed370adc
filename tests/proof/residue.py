"""What is left of erased people, byte by byte: in all files, and in the memory of a fresh process.

Two hundred canaries: of 20 people their id, their link and its secret, three of their pseudonyms and
four values as read. Each has to be found before, and none in any encoding afterwards.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Self

from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from telemetry.identity import EpochKey, LinkSecret
from telemetry.keyed_hashes import pseudonym
from tests.proof.needles import Mark, Needles
from tests.proof.places import files_in, in_files, in_memory
from tests.proof.residue_world import CANARIES, people
from tests.support.watching import until

OF: Final = (
    ("device_engineering", "engineering"),
    ("product_rnd", "rnd"),
    ("service_provision", "app"),
)
"""Purposes and recipients whose pseudonyms are looked for."""


def residue(seed: int) -> dict[str, Any]:
    """How many are found at each stage; AssertionError unless it is 200 before and 0 after."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _Process("plant", folder, str(seed)) as planting:
            planting.reaches("planted")
            spilled = folder / "lake" / "_tmp"
            until(lambda: any(spilled.rglob("spill/*")), "that a query spills")
            canaries = _canaries(folder, seed)
            before, in_memory = in_files(folder, canaries), planting.holds(canaries)
            in_spill = in_files(spilled, canaries)
        with _Process("die", folder) as dying:
            assert dying.ended() == -9
        after_kill = in_files(folder, canaries)
        with _Process("obey", folder) as obeying:
            obeying.reaches("gone")
            gone = in_files(folder, canaries)
            obeying.goes_on()
            obeying.reaches("closed")
        with _Process("rest", folder) as resting:
            resting.reaches("resting")
            after, memory_after = in_files(folder, canaries), resting.holds(canaries)
            spilled_after = len(list(spilled.rglob("spill/*")))
            searched = sum(path.stat().st_size for path in files_in(folder))
    at_d2 = by_kind(gone)
    found = {
        "canaries": len(canaries),
        "found_before": len(before),
        "in_memory_before": len(in_memory),
        "in_spill_before": len(in_spill),
        "found_after_kill": len(after_kill),
        "found_at_d2": at_d2,
        "found_after": len(after),
        "in_memory_after": len(memory_after),
        "spilled_files_after": spilled_after,
        "bytes_of_files": searched,
        "bytes_of_memory": resting.searched,
    }
    assert len(canaries) == len(before) == 200, found
    # Commands that refuse what may still come name pseudonyms until they are taken back.
    assert set(at_d2) <= {"pseudonym"}, found
    assert not spilled_after, found
    assert not after and not memory_after, (found, by_kind(after | memory_after))
    return found


def _canaries(folder: Path, seed: int) -> Needles:
    keyring = Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek"))
    keys = {}
    for of in OF:
        (keys[of],) = [key for key in keyring.epochs(*of).values() if key]
    keyring.close()
    return Needles(marks_of(folder / "office.sqlite", keys, seed))


def marks_of(office: Path, keys: Mapping[tuple[str, str], EpochKey], seed: int) -> dict[str, Mark]:
    """The two hundred, by what they are; ``keys`` are those of the epoch in which they drove."""
    found: dict[str, Mark] = {}
    with closing(sqlite3.connect(office)) as database:
        rows = database.execute("SELECT subject, link, secret FROM links").fetchall()
    links = {subject: (link, LinkSecret(secret)) for subject, link, secret in rows}
    for number, one in enumerate(list(people(seed))[:CANARIES]):
        link, secret = links[one.subject]
        found |= {
            f"subject {number}": one.subject.encode(),
            f"link {number}": link.encode(),
            f"secret {number}": bytes(secret),
        }
        for of in OF:
            found[f"pseudonym {number} {of[0]}"] = pseudonym(keys[of], secret).encode()
        found |= {f"value {number} {n}": value for n, value in enumerate(one.values)}
    return found


def by_kind(found: set[str]) -> dict[str, int]:
    return dict(Counter(name.split()[0] for name in found))


class _Process:
    """A child that is killed in the end, never asked to tidy up."""

    def __init__(self, mode: str, folder: Path, *more: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.residue_world", mode, str(folder), *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.searched = 0
        """Bytes of its memory, as it was looked into last."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def reaches(self, word: str) -> None:
        assert self._child.stdout is not None
        said = self._child.stdout.readline().strip()
        assert said == word, said

    def goes_on(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def ended(self) -> int:
        return self._child.wait(600)

    def holds(self, canaries: Needles) -> set[str]:
        """What its memory holds."""
        found, self.searched = in_memory(self._child.pid, canaries)
        return found
