"""Frames to messages by a CAN database (DBC, ARXML, KCD, SYM: what cantools reads).

In: a database and frames. Out: which messages a frame may be, and its codes as
cantools takes them out, or the reason why not. Nothing is mapped, scaled or dropped here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cantools.database.can import Database, Message

from ingest.can.database import load_database
from ingest.can.layout import Codes, Layout, layout
from ingest.logs.frame import LoggedFrame

_PDU2_FORMAT_MIN: Final = 240
"""SAE J1939-21: below it the PDU-specific byte is a destination, not part of the PGN."""
_PROPRIETARY_A: Final = 0xEF00
_PROPRIETARY_B_MIN: Final = 0xFF00
"""SAE J1939-21: each maker gives EF00 and FF00 to FFFF a meaning of its own, on both pages."""
_TRANSPORT: Final = frozenset({0xEB00, 0xEC00})
"""SAE J1939-21: TP.DT and TP.CM carry the pieces of messages longer than 8 bytes."""
CLASSIC_BYTES_MAX: Final = 8


class Undecoded(StrEnum):
    """Why a data frame has no values."""

    UNKNOWN_ID = "unknown_id"
    """The database has no message of that id: ordinary, most of a bus is unknown."""
    OTHER_BUS = "other_bus"
    """The map means the message on another bus."""
    WRONG_LENGTH = "wrong_length"
    """The frame is too short for any signal of its message."""
    UNKNOWN_MULTIPLEX = "unknown_multiplex"
    """The multiplexer has a code under which the database has no signal."""
    TRANSPORT = "transport"
    """A piece of a message longer than a classic frame (ISO-TP, J1939 TP, NMEA 2000 fast
    packet); pieces are not put together."""
    UNSUPPORTED = "unsupported"
    """The message is a container; its parts are not decoded."""


@dataclass(frozen=True, slots=True)
class Decoder:
    """Messages by (extended, id), and those marked J1939 by parameter group as well."""

    name: str
    """The database's, for messages to people."""
    layouts: tuple[Layout, ...]
    containers: frozenset[tuple[bool, int]]
    by_id: Mapping[tuple[bool, int], tuple[Layout, ...]]
    by_group: Mapping[int, tuple[Layout, ...]]
    """Several only if they read the same values out of the same bytes."""
    transports: bool
    """Whether it has extended messages that come in pieces under ids of their own."""

    def candidates(self, frame: LoggedFrame) -> tuple[Layout, ...] | Undecoded:
        """The messages that the frame may be; several if the database gives an id twice."""
        found = self.by_id.get((frame.ext, frame.id), ())
        if found:
            return found
        if (frame.ext, frame.id) in self.containers:
            return Undecoded.UNSUPPORTED
        if not frame.ext:
            return Undecoded.UNKNOWN_ID
        group = parameter_group(frame.id)
        if self.transports and group in _TRANSPORT:
            return Undecoded.TRANSPORT
        return self.by_group.get(group) or Undecoded.UNKNOWN_ID


def read(of: Layout, data: bytes, wanted: Iterable[str] = ()) -> Codes | Undecoded:
    """The codes in a frame's bytes. ``wanted``: signals for whose sake a multiplexer is enough."""
    if of.message.length > CLASSIC_BYTES_MAX >= len(data) and not of.message.is_fd:
        return Undecoded.TRANSPORT
    found = of.read(data)
    if not found.codes and found.cut_off:
        return Undecoded.WRONG_LENGTH
    if of.only_unknown_multiplex(found.codes) and found.codes.keys().isdisjoint(wanted):
        return Undecoded.UNKNOWN_MULTIPLEX
    return found


def parameter_group(can_id: int) -> int:
    """The PGN of a 29-bit id (SAE J1939-21, 5.1)."""
    group = can_id >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= _PDU2_FORMAT_MIN else group & 0x3FF00


def is_proprietary(group: int) -> bool:
    """Whether its meaning is the sender's own, so that another sender's id tells nothing."""
    on_page = group & 0xFFFF
    return on_page == _PROPRIETARY_A or on_page >= _PROPRIETARY_B_MIN


def decoder(database: Database, name: str = "the database") -> Decoder:
    """Index a loaded database."""
    layouts = tuple(layout(m) for m in database.messages if not m.is_container)
    by_id: dict[tuple[bool, int], tuple[Layout, ...]] = {}
    groups: dict[int, tuple[Layout, ...]] = {}
    for one in layouts:
        key = _id(one.message)
        by_id[key] = (*by_id.get(key, ()), one)
        if one.message.protocol == "j1939" and one.message.is_extended_frame:
            group = parameter_group(one.message.frame_id)
            groups[group] = (*groups.get(group, ()), one)
    return Decoder(
        name,
        layouts,
        frozenset(_id(m) for m in database.messages if m.is_container),
        by_id,
        {
            group: found
            for group, found in groups.items()
            if not is_proprietary(group) and all(found[0].agrees(other) for other in found)
        },
        any(
            m.is_extended_frame and m.length > CLASSIC_BYTES_MAX and not m.is_fd
            for m in database.messages
        ),
    )


def _id(message: Message) -> tuple[bool, int]:
    return message.is_extended_frame, message.frame_id


def load_decoder(path: Path) -> Decoder:
    """Load a database file, overlapping signals allowed; ``Refused`` if it is none."""
    return decoder(load_database(path), path.name)
