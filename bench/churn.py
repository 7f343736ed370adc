"""What changes of consent cost the processors: ``python -m bench.churn``.

The job's envelopes run through one processor, without a broker, twice a round: as they are, and
with one consent given or withdrawn after every so many records. The figure is the CPU time of each,
best of the rounds, and their ratio.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.fleet import envelopes
from bench.job import NOW_MS, PARTITIONS, SeededKeyring, everybody, load_plan
from bus.partitions import partition_for
from processors.people import People
from processors.processor import Processor
from processors.program import Program, build_program
from processors.pseudonyms import KeysNeeded
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.processes.worker.key_cache import KeyCache
from telemetry.identity import SubjectId
from telemetry.wire.control import ConsentInterval

RECORDS: Final = 20_000
ROUNDS: Final = 5
EVERY: Final = 1_000


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.churn", description=__doc__)
    ask.add_argument("--records", type=int, default=RECORDS)
    ask.add_argument("--every", type=int, default=EVERY, help="records to one change of consent")
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    told = ask.parse_args()
    found = measure(told.records, told.every)
    if told.json:
        print(json.dumps(found))
        return
    print(f"{found['still_us_per_record']:.1f} µs CPU a record while nothing changes")
    print(f"{found['churn_us_per_record']:.1f} µs with a change every {told.every} records")
    print(f"{found['churn_ratio']:.2f} times as much")


def measure(records: int, every: int) -> dict[str, float]:
    """CPU microseconds a record without and with changes, and how many times as much it is."""
    program = build_program(load_plan())
    values = [value for _, value in envelopes(records)]
    still, churn = [], []
    for _ in range(ROUNDS):
        still.append(asyncio.run(_run(program, values, None)))
        churn.append(asyncio.run(_run(program, values, every)))
    return {
        "still_us_per_record": min(still) / records * 1e6,
        "churn_us_per_record": min(churn) / records * 1e6,
        "churn_ratio": min(churn) / min(still),
    }


async def _run(program: Program, values: Sequence[bytes], every: int | None) -> float:
    """CPU seconds for all of them; every device is known before the clock starts."""
    people, keys = everybody(), KeyCache(SeededKeyring())
    processor = Processor(program, people, keys, lambda _, key: partition_for(key, PARTITIONS))
    state = program.empty_state(Room(100_000))
    changed = itertools.count()
    for warm in (True, False):
        state = program.empty_state(Room(1_000_000))
        began_s = time.process_time()
        for number, value in enumerate(values):
            if every is not None and not warm and number % every == 0:
                _change(people, next(changed))
            while True:
                tally = Tally(program)
                try:
                    processor.process(value, NOW_MS, NOW_MS, tally, state)
                except KeysNeeded as needed:
                    await keys.fetch(needed.names)
                else:
                    break
        took_s = time.process_time() - began_s
    return took_s


def _change(people: People, number: int) -> None:
    """One more subject withdraws, or agrees if it had not."""
    subject = SubjectId(f"subject-{number}")
    row = ConsentInterval(f"c{number}", subject, "c", "opt_in", None, "c@1", 0, NOW_MS - 1)
    held = people.consents_of(subject)
    people.apply(f"c{number}".encode(), row if held else msgspec.structs.replace(row, to_ms=None))


if __name__ == "__main__":
    main()
