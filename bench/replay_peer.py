"""One measured process of ``bench.replay``: a capture to encoded envelopes, some times over.

Imports nothing of ``bench``, so that it runs on another checkout as well. Prints one JSON object:
CPU seconds (user and system) of the best pass, and a digest of the envelopes.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import telemetry
from ingest.can.recording import Recording
from telemetry.identity import DeviceId
from telemetry.signals import parse_catalogue
from telemetry.wire.envelope import encode_envelope

NOW_MS: Final = 1_795_398_293_000


def main(log: str, database: str, map_name: str, passes: int) -> None:
    """Measure and print."""
    catalogue = parse_catalogue(
        (Path(telemetry.__file__).parent / "catalogue.json").read_bytes(),
    )
    collected = frozenset(signal.path for signal in catalogue)
    taken = Recording(Path(log), Path(database), map_name, catalogue)

    def replay() -> list[bytes]:
        envelopes = taken.envelopes(DeviceId("bench"), collected, NOW_MS)
        return list(map(encode_envelope, envelopes))

    # The first pass loads what reads the form.
    payloads = replay()
    told = {
        "frames": taken.capture.counts.data,
        "readings": taken.counts.readings,
        "read_s": _best(lambda: list(taken.capture.frames()), passes),
        "replay_s": _best(replay, passes),
        "digest": hashlib.sha256(b"\n".join(payloads)).hexdigest(),
    }
    print(json.dumps(told))


def _best(work: Callable[[], object], passes: int) -> float:
    spent = []
    for _ in range(passes):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return min(spent)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
