"""One session with an OBD-II adapter: starts the reader process, yields envelopes.

In: a port, the catalogue, what the policy collects. Out: envelopes. The adapter is asked
only for collected signals, so nothing else leaves the vehicle. The reader is a process of
its own for its licence's sake (see ``ingest.obd.reader``).
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final

from ingest.batching import READINGS_TARGET, Batch, Reading, Source, runs_on, to_envelope
from ingest.obd.answers import LINE_BYTES_MAX, Codes, Dropped, Signpost, commands, read_line
from ingest.refused import Refused
from telemetry.signals import Catalogue
from telemetry.wire.envelope import TROUBLE_CODES_MAX, Envelope
from telemetry.wire.record import TROUBLE_CODES

READ_FROM: Final = "obd"
"""The source that its envelopes name."""
WINDOW_MS: Final = 10_000
_STOP_S: Final = 5.0
_READER: Final = "ingest.obd.reader"


@dataclass(frozen=True, slots=True)
class Adapter:
    """How the adapter is reached and how often it is asked."""

    port: str
    baud: int = 38_400
    period_s: float = 1.0
    rounds: int = 0
    """0: until the adapter is gone."""
    codes_every: int = 60
    """Rounds between two readings of the trouble codes."""
    silence_s_max: float = 60.0
    """An adapter silent for this long counts as lost; connecting takes some 5 s."""


@dataclass(slots=True)
class SessionCounts:
    """The outcome of every line the reader wrote."""

    lines: int = 0
    readings: int = 0
    codes: int = 0
    envelopes: int = 0
    dropped: Counter[Dropped] = field(default_factory=Counter)
    lost: bool = False
    """The adapter or the car was disconnected (or never connected)."""


class Session:
    """A session; iterate ``envelopes`` once. ``source.digest`` is to be new for each session."""

    def __init__(
        self,
        adapter: Adapter,
        source: Source,
        catalogue: Catalogue,
        collected: AbstractSet[str],
    ) -> None:
        self.counts = SessionCounts()
        self._adapter = adapter
        self._source = source
        self._asked = commands(catalogue, collected)
        self._wants_codes = TROUBLE_CODES in collected
        self._reader: asyncio.subprocess.Process | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the reader; ``envelopes`` then yields what is held and ends. Idempotent."""
        self._stopped = True
        if self._reader is not None and self._reader.returncode is None:
            self._reader.terminate()

    async def envelopes(self) -> AsyncGenerator[Envelope, None]:
        """Envelopes of some ten seconds each, until the reader ends. No reading held is lost then.

        ``stop`` ends it early; closing the iterator (``aclosing``) ends the reader too, but
        what is held is lost.
        ``Refused`` if the extra is missing or the policy collects nothing of an adapter.
        """
        held: list[Reading] = []
        codes: list[str] = []
        t0_ms = last_ms = 0
        async with aclosing(self._answers()) as answers:
            async for answer in answers:
                new = _new_codes(answer, codes)
                full = (
                    len(held) >= READINGS_TARGET
                    or answer.t_ms - t0_ms >= WINDOW_MS
                    or len(codes) + len(new) > TROUBLE_CODES_MAX
                )
                # A clock that is set back begins anew: what is held keeps its own times.
                back = answer.t_ms < last_ms or not runs_on(t0_ms, last_ms, answer.t_ms)
                if (held or codes) and (full or back):
                    yield self._envelope(held, codes, t0_ms)
                    held, codes = [], []
                    new = _new_codes(answer, codes)
                if not held and not codes:
                    t0_ms = answer.t_ms
                last_ms = answer.t_ms
                if isinstance(answer, Codes):
                    codes += new
                else:
                    held.append(answer)
        if held or codes:
            yield self._envelope(held, codes, t0_ms)

    def _envelope(self, held: list[Reading], codes: list[str], t0_ms: int) -> Envelope:
        counts = self.counts
        counts.envelopes += 1
        counts.readings += len(held)
        counts.codes += len(codes)
        batch = Batch(tuple(held), tuple(codes))
        return to_envelope(batch, self._source, counts.envelopes - 1, t0_ms)

    async def _answers(self) -> AsyncGenerator[Reading | Codes, None]:
        process = self._reader = await self._start()
        if self._stopped:
            self.stop()
        try:
            while (line := await self._line(process)) is not None:
                self.counts.lines += 1
                answer = read_line(line, self._asked, self.counts.dropped)
                if isinstance(answer, Reading | Codes):
                    yield answer
                elif answer is Signpost.LOST:
                    self.counts.lost = True
        finally:
            await _end(process)

    async def _line(self, process: asyncio.subprocess.Process) -> bytes | None:
        """The next line; None at the end or after too long a silence."""
        assert process.stdout is not None  # noqa: S101  # it was asked for as a pipe
        try:
            async with asyncio.timeout(self._adapter.silence_s_max):
                return await process.stdout.readuntil(b"\n")
        except TimeoutError:
            self.counts.lost = True
            return None
        except asyncio.IncompleteReadError as error:
            return error.partial or None
        except asyncio.LimitOverrunError as error:
            # A piece of a line too long: it is no answer and will be counted as malformed.
            return await process.stdout.readexactly(error.consumed)

    async def _start(self) -> asyncio.subprocess.Process:
        if find_spec("obd") is None:
            msg = "Reading an adapter needs python-OBD: `pip install 'roadfade[obd]'` adds it."
            raise Refused(msg)
        if not self._asked and not self._wants_codes:
            msg = "The policy collects no signal that an adapter can read: there is nothing to ask."
            raise Refused(msg)
        adapter = self._adapter
        asked = [part for name in self._asked for part in ("--command", name)]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _READER,
            "--port",
            adapter.port,
            "--baud",
            str(adapter.baud),
            "--period",
            str(adapter.period_s),
            "--rounds",
            str(adapter.rounds),
            "--codes-every",
            str(adapter.codes_every if self._wants_codes else 0),
            *asked,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_BYTES_MAX,
        )


def _new_codes(answer: Reading | Codes, held: list[str]) -> list[str]:
    """What an answer adds to the codes held: a code that is still stored is no new one."""
    codes = answer.codes if isinstance(answer, Codes) else ()
    return [code for code in dict.fromkeys(codes) if code not in held]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
