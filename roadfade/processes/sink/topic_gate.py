"""Which topics the sink may keep now: those that are the ones it has read, or that it adopts.

In: an open store and the topics it is to keep. Out: the topics to read, with their ids. Every other
one is named in the log, with the remedy, and in a metric for as long as it waits.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from bus.failures import TopicRewoundError
from bus.ports import Broker
from roadfade import metrics
from roadfade.adoption import (
    AdoptionFiles,
    TopicNow,
    places_in,
    remedy,
    topics_now,
    why_not,
)
from roadfade.processes.say_once import SayOnce
from sinks.port.sink import Sink

logger = logging.getLogger(__name__)


class TopicGate:
    """Asked each time the store is opened."""

    def __init__(self, state_dir: Path, broker: Broker) -> None:
        self._files = AdoptionFiles(state_dir)
        self._broker = broker
        self._say = SayOnce(logger, logging.ERROR)

    async def open(self, sink: Sink, topics: Collection[str]) -> dict[str, str | None]:
        """The ids of the topics to read; None for one that is not there yet.

        Adopts what is ordered; binds the store to what it goes on with.
        """
        found = await topics_now(self._broker, topics)
        stopped = await asyncio.to_thread(self._sort, sink, found)
        metrics.SINK_STOPPED.clear()
        for topic, why in stopped.items():
            metrics.SINK_STOPPED.labels(topic).set(1)
            self._say(f"{why}; {remedy(topic)}", about=topic)
        names = [topic for topic in topics if topic not in stopped]
        return {topic: found[topic].topic_id if topic in found else None for topic in names}

    async def note(self, found: TopicRewoundError) -> None:
        """Remember that a topic went back while it was read."""
        await asyncio.to_thread(self._files.note, found)

    async def has_orders(self) -> bool:
        """Whether a topic is to be adopted."""
        return bool(await asyncio.to_thread(self._files.ordered))

    def _sort(self, sink: Sink, found: Mapping[str, TopicNow]) -> dict[str, str]:
        """Adopt and bind; why each of the others is stopped. Blocks."""
        ordered, rewound = self._files.ordered(), self._files.rewound()
        kept = places_in(sink.places(), found)
        stopped = dict[str, str]()
        for topic, now in found.items():
            if ordered.get(topic) == now.topic_id:
                sink.adopt(topic, now.topic_id, now.ends)
                self._files.forgive(topic)
                logger.warning("%s is kept from its beginning on", topic)
                continue
            places = kept[topic]
            why = why_not(topic, places, now, rewound=topic in rewound)
            if why is not None:
                stopped[topic] = why
                continue
            if any(place.topic_id is None for place in places.values()):
                logger.warning(
                    "the lake does not say which %s it has read: it is taken to be the one that "
                    "is there now (%s). If it was made anew since, `roadfade lake adopt --anyway "
                    "%s` keeps it from its beginning", topic, now.topic_id, topic,
                )  # fmt: skip
            sink.bind(topic, now.topic_id)
        for topic, topic_id in ordered.items():
            if topic not in found or found[topic].topic_id != topic_id:
                logger.error("%s is not the topic any more that was to be adopted", topic)
            self._files.done(topic)
        return stopped
