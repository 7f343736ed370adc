"""Whether the store may go on with its topics, and the order to adopt one that was made anew.

In: how far the store has kept each topic, and what the broker has under its name now. Out: a
sentence for each topic that must not be kept as it is. A position is an offset in one topic: in
another one of the same name, or in one that lost its end, what is new would be taken for known.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from bus.failures import TopicRewoundError
from bus.ports import Broker
from sinks.port.results import Place

REWOUND: Final = "sink-rewound"
"""A folder in ``state_dir``: a file by the name of each topic that went back as it was read."""
ORDERED: Final = "sink-adopts"
"""A folder in ``state_dir``: a file by the name of each topic to adopt; it holds the topic's id."""
REWOUND_BEFORE: Final = "sink-topic-rewound"
"""What a version of before left: one file with the topic's name and two offsets."""


class TopicNow(NamedTuple):
    """What the broker has under a name; offsets by partition."""

    topic_id: str
    begins: Mapping[int, int]
    ends: Mapping[int, int]

    @property
    def records(self) -> int:
        """About how many records lie in it."""
        return sum(end - self.begins[number] for number, end in self.ends.items())


async def topics_now(broker: Broker, names: Collection[str]) -> dict[str, TopicNow]:
    """Those of these topics that are there; BrokerError if the broker does not say.

    The id is asked first: if a topic is made anew in between, its id is another one later on.
    """
    async with broker.topic_ids() as asked:
        ids = await asked.of(list(names))
    async with broker.admin() as admin:
        described = await admin.describe(list(ids))
    sizes = {name: one.partitions for name, one in described.items() if one is not None}
    async with broker.positions() as positions:
        begins, ends = await positions.begin(sizes), await positions.end(sizes)
    return {
        name: TopicNow(
            ids[name],
            {number: begins[name, number] for number in range(count)},
            {number: ends[name, number] for number in range(count)},
        )
        for name, count in sizes.items()
    }


def places_in(
    places: Mapping[tuple[str, int], Place], topics: Iterable[str]
) -> dict[str, dict[int, Place]]:
    """The places of each topic, by partition."""
    found: dict[str, dict[int, Place]] = {topic: {} for topic in topics}
    for (topic, number), place in places.items():
        if topic in found:
            found[topic][number] = place
    return found


def why_not(
    topic: str, places: Mapping[int, Place], now: TopicNow, *, rewound: bool = False
) -> str | None:
    """Why the store must not go on with a topic as it is; None if it may. Pure."""
    for number, place in sorted(places.items()):
        at = f"partition {number}, offset {place.next_offset}"
        if place.topic_id not in (None, now.topic_id):
            return (
                f"{topic} was deleted and made anew: the lake has read the topic {place.topic_id} "
                f"to {at}, and the broker has {now.topic_id}"
            )
        if place.next_offset > now.ends.get(number, 0):
            return (
                f"{topic} lost its end, or was made anew: the lake has read to {at}, and the "
                f"partition ends at {now.ends.get(number, 0)}"
            )
    if rewound:
        return f"{topic} lost its end, or was made anew, while it was read"
    return None


def remedy(topic: str) -> str:
    """What to do about such a topic."""
    return (
        "the sink keeps nothing of it, and what lies there is deleted when its time comes: "
        f"`roadfade lake adopt {topic}` makes the sink go on from the beginning of the topic as "
        "it is now, and keeps nothing twice"
    )


class AdoptionFiles:
    """What the sink found and what was ordered, in files beside the store. Blocks."""

    def __init__(self, state_dir: Path) -> None:
        self._rewound = state_dir / REWOUND
        self._ordered = state_dir / ORDERED
        self._before = state_dir / REWOUND_BEFORE

    def note(self, found: TopicRewoundError) -> None:
        """Remember that a topic went back; once it has grown, nothing else shows it."""
        self._rewound.mkdir(mode=0o700, parents=True, exist_ok=True)
        offsets = f"{found.partition} {found.due} {found.found}\n"
        (self._rewound / found.topic).write_text(offsets, encoding="utf-8")

    def rewound(self) -> frozenset[str]:
        """The topics that went back and were not adopted since."""
        return frozenset({*_names(self._rewound), *self._noted_before()})

    def order(self, topic: str, topic_id: str) -> None:
        """Let the sink adopt the topic with this id, when it looks or when it starts."""
        self._ordered.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self._ordered / f".{topic}"
        made.write_text(topic_id, encoding="utf-8")
        made.replace(self._ordered / topic)

    def ordered(self) -> dict[str, str]:
        """The id of each topic that is to be adopted."""
        names = _names(self._ordered)
        return {name: (self._ordered / name).read_text(encoding="utf-8") for name in names}

    def done(self, topic: str) -> None:
        """Forget a topic: it was adopted, or it is not the one any more that was to be."""
        (self._ordered / topic).unlink(missing_ok=True)

    def forgive(self, topic: str) -> None:
        """Forget that a topic went back: it is read from its beginning."""
        (self._rewound / topic).unlink(missing_ok=True)
        if topic in self._noted_before():
            self._before.unlink()

    def _noted_before(self) -> list[str]:
        try:
            return self._before.read_text(encoding="utf-8").split()[:1]
        except FileNotFoundError:
            return []


def _names(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    return [one.name for one in folder.iterdir() if not one.name.startswith(".")]
