"""How many partitions the raw topic had at first: a fence around rules over time.

In: the state folder and the cluster. Out: the number, or a refusal. It is recorded with the topic's
id when the topic is seen first. If the same topic has another number later, devices move between
its partitions, and what a worker remembers of them is with another.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Final, NamedTuple

from bus.failures import BrokerError
from bus.ports import Broker
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.topics import RAW

MOVED: Final = (
    "topic {topic} has {found} partitions, and had {recorded} when it was first used here: devices "
    "would change partitions, and rules over time would take their readings for new ones. Stop "
    "what sends, let the workers come to the topic's end, delete it, and run `roadfade topics "
    "apply`: it makes it anew with as many partitions as are set"
)


class _Recorded(NamedTuple):
    topic: str
    topic_id: str
    """Empty: the broker did not tell it."""
    partitions: int

    def is_other_than(self, recorded: "_Recorded") -> bool:
        """Whether this is another topic for certain; what is not known proves nothing."""
        known = self.topic_id and recorded.topic_id
        return self.topic != recorded.topic or bool(known and self.topic_id != recorded.topic_id)


def recorded_partitions(file: Path) -> int | None:
    """How many there were at first; None if that was not recorded yet."""
    recorded = _read(file)
    return None if recorded is None else recorded.partitions


async def raw_partitions(settings: Settings, broker: Broker) -> int:
    """How many partitions the raw topic has; NotReady if it is not there, or had another number."""
    async with broker.admin() as admin:
        found = (await admin.describe([RAW]))[RAW]
    if found is None:
        msg = f"topic {RAW} is not there: run `roadfade topics apply`"
        raise NotReady(msg)
    try:
        async with broker.topic_ids() as ids:
            topic_id = (await ids.of([RAW])).get(RAW, "")
    except BrokerError:
        topic_id = ""
    now = _Recorded(f"{settings.topic_prefix}{RAW}", topic_id, found.partitions)
    return await asyncio.to_thread(_compared, settings.raw_partitions_path, now)


def _compared(file: Path, now: _Recorded) -> int:
    recorded = _read(file)
    if recorded is None or now.is_other_than(recorded):
        _write(file, now)
    elif recorded.partitions != now.partitions:
        raise NotReady(MOVED.format(topic=RAW, found=now.partitions, recorded=recorded.partitions))
    elif now.topic_id and not recorded.topic_id:
        _write(file, now)
    return now.partitions


def _write(file: Path, now: _Recorded) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(json.dumps(now._asdict()), encoding="utf-8")
    fresh.replace(file)


def _read(file: Path) -> _Recorded | None:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return _Recorded(str(said["topic"]), str(said["topic_id"]), int(said["partitions"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
