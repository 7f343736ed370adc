"""What the processes of an installation say of themselves, asked of the broker.

No page, port, folder or proxy is between: who reaches the broker hears all, wherever they run.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bus.failures import BrokerError, TopicError
from bus.ports import Broker
from roadfade.clock import WallClock
from roadfade.status.processes import Process, Word, late, processes_of, still_told
from telemetry.instants import SECOND_MS
from telemetry.topics import AUDIT_PROCESSES
from telemetry.wire.process_report import take_report

READ_S_MAX: Final = 30.0
WATCH_S_MAX: Final = 20.0
"""For no longer is it waited whether one that seems silent speaks."""
STOP_DEADLINE_MS: Final = 10_000
PROCESSES_MAX: Final = 1_000
"""So many are told apart; a topic that names more is not only ours."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The processes, or why nobody knows them."""

    processes: tuple[Process, ...] = ()
    unknown: str | None = None
    """Why the processes are not known, as a sentence's end."""
    strange: int = 0
    """Records that are no report, or one too many: a process may be hidden by them."""


async def hear(broker: Broker, clock: WallClock) -> Heard:
    """Listen once; seconds longer if one seems silent, for the clocks may differ."""
    try:
        async with asyncio.timeout(READ_S_MAX):
            found = await _read(broker)
        if found is None:
            return Heard(
                unknown=f"there is no topic {AUDIT_PROCESSES}: run `roadfade topics apply`"
            )
        words, strange = found
        silent = late(words, clock())
        if silent:
            await asyncio.sleep(_watch_s(silent))
            async with asyncio.timeout(READ_S_MAX):
                again, strange = await _read(broker) or ({}, 0)
            words |= again
            silent = {key: was for key, was in silent.items() if words[key] == was}
    except (BrokerError, TopicError, TimeoutError) as error:
        why = type(error.__cause__ or error).__name__
        return Heard(unknown=f"topic {AUDIT_PROCESSES} could not be read ({why})")
    return Heard(processes_of(words, clock(), silent), strange=strange)


def _watch_s(silent: Mapping[bytes, Word]) -> float:
    every_ms = max(word.report.every_ms for word in silent.values())
    return min(every_ms / SECOND_MS + 1, WATCH_S_MAX)


async def _read(broker: Broker) -> tuple[dict[bytes, Word], int] | None:
    """The last word of each process, and how many records are none; None without the topic."""
    async with broker.admin() as admin:
        topic = (await admin.describe([AUDIT_PROCESSES]))[AUDIT_PROCESSES]
    if topic is None:
        return None
    words: dict[bytes, Word] = {}
    strange = 0
    reader = broker.reader(AUDIT_PROCESSES, topic.partitions)
    try:
        await reader.start()
        while not await reader.caught_up():
            for records in (await reader.fetch()).values():
                for record in records:
                    report = take_report(record.value)
                    known = len(words) < PROCESSES_MAX or record.key in words
                    if report is None or report.key != record.key or not known:
                        strange += 1
                    else:
                        words[report.key] = Word(report, record.timestamp)
        strange += sum(last - first + 1 for _, first, last in reader.set_aside())
    finally:
        await reader.stop(STOP_DEADLINE_MS)
    return still_told(words), strange
