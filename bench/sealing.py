"""What sealing costs: ``python -m bench.sealing``.

In: the envelopes of the fixed job. Out: CPU time of the way from a front door into the worker's
hands and through it, sealed and in the clear, taken in turns in one process, and their ratio. In
the clear a front door's batches of 500 are compressed as Kafka's client does (zstd) and unpacked
for the worker; sealed they are neither. The front door encodes each envelope, the worker is the
real handler with the core, and what it makes is let go. There is no broker, so nothing is sent.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import cramjam

from bench.fleet import envelopes
from bench.job import NOW_MS, SeededKeyring, everybody, load_plan
from ingest.sealing import Seal
from office.keyring.memory import MemoryKeyring
from office.keyring.period_keys import length_s, name_of, public_key
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from roadfade.processes.worker.batch_handler import BatchHandler, Sealing
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.opening import Opener
from roadfade.processes.worker.raw_keys import raw_keys
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from telemetry.arrived import Arrived
from telemetry.periods import period_at
from telemetry.topics import RAW
from telemetry.wire.envelope import Envelope, decode_envelope, encode_envelope
from telemetry.wire.sealing_key import SealingKey

ENVELOPES: Final = 20_000
ROUNDS: Final = 5
AT_ONCE: Final = 500
SLICE: Final = 200
T = TypeVar("T")


class Way:
    """From a front door through a worker, sealed or not."""

    def __init__(self, *, sealed: bool) -> None:
        plan = load_plan()
        self._seal: Seal | None = None
        keyring = MemoryKeyring()
        if sealed:
            period = period_at(NOW_MS, length_s(plan))
            private = keyring.ensure([name_of(period)])[name_of(period)]
            key = SealingKey(period, public_key(private))
            self._seal = Seal(key, 0, secrets.token_bytes, b"")
        keys = KeyCache(SeededKeyring())
        processor = Processor(build_program(plan), everybody(), keys, lambda _, key: key[0] % 4)
        ready = ReadyVersion(processor.program, processor, core_path(processor))
        period_keys = raw_keys(keyring)
        opener = Opener(period_keys, 100, allow_unsealed=not sealed)
        remembered = Remembered(lambda: ready, lambda: NOW_MS, 1_000_000, opener)
        remembered.begin(0)
        self._handler = BatchHandler(
            RAW, remembered, keys, lambda: NOW_MS, sealing=Sealing(opener, period_keys)
        )

    async def cpu_s(self, sent: Sequence[Envelope]) -> float:
        """CPU seconds for all of these."""
        begun_s = time.process_time()
        for some in _cut(sent, AT_ONCE):
            for slice_ in _cut(self._arriving([encode_envelope(one) for one in some]), SLICE):
                arrived = [
                    Arrived(RAW, 0, number, NOW_MS, b"k", value, [])
                    for number, value in enumerate(slice_)
                ]
                await self._handler.handle(0, arrived)
                self._handler.take()
                self._handler.acknowledged()
        return time.process_time() - begun_s

    def _arriving(self, values: Sequence[bytes]) -> Sequence[bytes]:
        """The values as a worker's client hands them over."""
        if self._seal is not None:
            return [self._seal.seal(one) for one in values]
        batch = bytes(cramjam.zstd.compress(b"".join(values)))
        whole = memoryview(bytes(cramjam.zstd.decompress(batch)))
        found, at = [], 0
        for one in values:
            found.append(bytes(whole[at : at + len(one)]))
            at += len(one)
        return found


def _cut(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (of[at : at + size] for at in range(0, len(of), size))


async def measured(count: int, rounds: int) -> dict[str, float]:
    """Microseconds of CPU for an envelope, and the ratio: the middle of the rounds."""
    sent = [decode_envelope(value) for _, value in envelopes(count)]
    plain, sealed, ratios = [], [], []
    for _ in range(rounds):
        clear_s = await Way(sealed=False).cpu_s(sent)
        sealed_s = await Way(sealed=True).cpu_s(sent)
        plain.append(clear_s / count * 1e6)
        sealed.append(sealed_s / count * 1e6)
        ratios.append(sealed_s / clear_s)
    return {
        "clear_least_us": round(min(plain), 1),
        "sealed_least_us": round(min(sealed), 1),
        "ratio_of_least": round(min(sealed) / min(plain), 3),
        "envelopes": count,
        "rounds": rounds,
        "clear_us": round(statistics.median(plain), 1),
        "sealed_us": round(statistics.median(sealed), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_least": round(min(ratios), 3),
        "ratio_most": round(max(ratios), 3),
    }


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--envelopes", type=int, default=ENVELOPES)
    ask.add_argument("--rounds", type=int, default=ROUNDS)
    asked = ask.parse_args()
    print(json.dumps(asyncio.run(measured(asked.envelopes, asked.rounds)), indent=1))


if __name__ == "__main__":
    main()
