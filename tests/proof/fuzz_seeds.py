"""What fuzzing of the core begins with: real tables, what it is really taught, and envelopes.

``python -m tests.proof.fuzz_seeds core/fuzz/corpus`` fills the folder of each target that needs some.
"""

import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from processors.core_path import CorePath
from processors.core_tables import table_bytes
from tests.proof.cases import Case, make_case, program_of
from tests.proof.populace import LateKeys, Populace
from tests.proof.two_ways import ROOM, Worker

SEEDS: Final = 40
SECTION_BYTES_MAX: Final = 0xFFFF
WRITTEN: Final = Path(__file__).parents[2] / "core" / "fuzz" / "seeds" / "envelopes"


class _Overheard:
    """The core, and the last bytes of each kind that it was taught."""

    def __init__(self, path: Any) -> None:
        self._path = path
        self.taught = dict.fromkeys(("teach_device", "teach_minute", "teach_column_plan"), b"")

    def __getattr__(self, name: str) -> Any:
        called = getattr(self._path, name)

        def overheard(*given: Any) -> Any:
            if name in self.taught:
                self.taught[name] = given[-1]
            return called(*given)

        return overheard


def tables_of(case: Case) -> Iterator[bytes]:
    """Seeds of ``tables``: each value behind its length in two bytes."""
    program = program_of(case.plan)
    populace = Populace(program.plan, case.devices, case.stages[0].now_ms, case.seed)
    for stage in case.stages:
        for one in stage.sent:
            worker = Worker(program, populace.people, ROOM, core=True, keys=LateKeys(0))
            assert isinstance(worker.core, CorePath)
            heard = _Overheard(worker.core._path)
            worker.core._path = heard  # type: ignore[assignment]  # it is one in all but type
            state = program.empty_state(worker.room)
            worker.handle([one], stage.now_ms, state, batches=False)
            sections = [table_bytes(program), *heard.taught.values(), one.value]
            if all(heard.taught.values()) and max(map(len, sections)) <= SECTION_BYTES_MAX:
                yield b"".join(len(some).to_bytes(2, "big") + some for some in sections)


def main(folder: Path) -> None:
    """Fill the corpora."""
    tables, envelopes = folder / "tables", folder / "envelopes"
    for corpus in (tables, envelopes, folder / "record_batches"):
        corpus.mkdir(parents=True, exist_ok=True)
    for file in WRITTEN.iterdir():
        shutil.copy(file, envelopes)
    cases = (make_case(seed, 20) for seed in count())
    found = (seed for case in cases if case.plan == "every operation" for seed in tables_of(case))
    for number, seed in zip(range(SEEDS), found, strict=False):
        (tables / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
