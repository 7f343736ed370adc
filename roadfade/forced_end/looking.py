"""Who reads a topic, and how far each has it for good: asked of the broker and of the store."""

import asyncio
from collections.abc import Callable, Collection, Mapping

from bus.failures import BrokerError
from bus.ports import Broker
from roadfade.adoption import TopicNow, places_in, topics_now
from roadfade.forced_end.cutting import Places, places
from sinks.port.results import Place

Stored = Callable[[], Mapping[tuple[str, int], Place]]
"""What the store has of each topic; blocks. Empty if no sink keeps one here."""


async def look(broker: Broker, names: Collection[str], stored: Stored) -> dict[str, Places]:
    """Each of these topics; BrokerError if one is not there, or the broker does not say."""
    kept = places_in(await asyncio.to_thread(stored), names)
    now = await topics_now(broker, names)
    missing = [name for name in names if name not in now]
    if missing:
        msg = f"topic {missing[0]} is not there"
        raise BrokerError(msg)
    async with broker.positions() as positions:
        readers = await positions.readers(list(names))
    return {
        name: places(name, now[name].begins, now[name].ends, readers, _had(kept[name], now[name]))
        for name in names
    }


def _had(kept: Mapping[int, Place], now: TopicNow) -> dict[int, int]:
    """What the store has of this topic: nothing, if it read another one of that name."""
    return {
        number: place.next_offset if place.topic_id in (None, now.topic_id) else 0
        for number, place in kept.items()
    }
