"""A few frames through a database and a map that stand in the test itself."""

from dataclasses import dataclass

import cantools
from cantools.database.can import Database

from ingest.batching import Source
from ingest.can.binding import bind
from ingest.can.bound_map import BoundMap
from ingest.can.decode import decoder
from ingest.can.mapping import parse_map
from ingest.can.one_bus import OneBus
from ingest.can.replay import ReplayCounts, replay
from ingest.logs.frame import LogCounts, LoggedFrame
from telemetry.identity import DeviceId
from tests.ingest.captures import ALL_PATHS, CATALOGUE

J1939 = """
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "StandardCAN";
"""


@dataclass(frozen=True, slots=True)
class Driven:
    """The readings' values by path, and the reasons of what gave none."""

    values: dict[str, list[object]]
    counts: ReplayCounts

    @property
    def unfit(self) -> dict[str, int]:
        return {str(reason): count for reason, count in self.counts.unfit.items()}

    @property
    def undecoded(self) -> dict[str, int]:
        return {str(reason): count for reason, count in self.counts.undecoded.items()}


def bound(dbc: str, signals: str, bus: str | None = None) -> BoundMap:
    database = cantools.database.load_string(f'VERSION ""\n{dbc}', "dbc", strict=False)
    assert isinstance(database, Database)
    text = signals if signals.startswith("map:") else f"map: m\nsignals:\n{signals}"
    return bind(parse_map(text, CATALOGUE, "m.yaml"), decoder(database, "own.dbc"), bus)


def frames(text: str) -> list[LoggedFrame]:
    """One frame a word, as ``123#0011`` or ``can1:18FEF100#00``: eight digits are 29 bits."""
    read = []
    for index, word in enumerate(text.split()):
        bus, _, rest = word.rpartition(":")
        can_id, _, data = rest.partition("#")
        read.append(
            LoggedFrame(
                1_700_000_000_000_000 + index * 100_000,
                bus or "can0",
                int(can_id, 16),
                ext=len(can_id) == 8,
                data=bytes.fromhex(data),
                direction="rx",
            )
        )
    return read


def drive(dbc: str, signals: str, text: str, bus: str | None = None) -> Driven:
    """Take the frames; every frame and every value has to be accounted for."""
    counts = ReplayCounts()
    own = bound(dbc, signals, bus)
    read = frames(text)
    one_bus = OneBus(own, "own.log")
    for frame in read:
        one_bus.see(frame)
    one_bus.require()
    source = Source(DeviceId("d"), "digest", "rtc", "can")
    values: dict[str, list[object]] = {}
    for envelope in replay(read, own, ALL_PATHS, source, 0, counts):
        for path, column in envelope.series.items():
            values.setdefault(path, []).extend(column.value)
    assert counts.unaccounted(LogCounts(data=len(read))) == 0
    return Driven(values, counts)
