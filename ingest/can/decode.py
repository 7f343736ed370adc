"""Frames to named values by a CAN database (DBC, ARXML, KCD, SYM: what cantools reads).

In: a database and frames. Out: each frame's message and its values as cantools decodes
them, or the reason why not. Nothing is mapped, scaled or dropped here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from cantools.database.can import Database, Message
from cantools.database.errors import DecodeError

from ingest.can.database import load_database
from ingest.logs.frame import LoggedFrame

_PDU2_FORMAT_MIN = 240
"""SAE J1939-21: below it the PDU-specific byte is a destination, not part of the PGN."""


class Undecoded(StrEnum):
    """Why a data frame has no values."""

    UNKNOWN_ID = "unknown_id"
    """The database has no message of that id: ordinary, most of a bus is unknown."""
    WRONG_LENGTH = "wrong_length"
    UNKNOWN_MULTIPLEX = "unknown_multiplex"
    UNSUPPORTED = "unsupported"
    """The message is a container; its parts are not decoded."""


class Decoded(NamedTuple):
    """One decoded frame: numbers by signal name, choices not applied."""

    message: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Messages by (extended, id), and those marked J1939 by parameter group as well."""

    by_id: Mapping[tuple[bool, int], Message]
    by_group: Mapping[int, Message]

    def decode(self, frame: LoggedFrame) -> Decoded | Undecoded:
        """The frame's values; never raises for what a bus may carry."""
        message = self.by_id.get((frame.ext, frame.id))
        if message is None and frame.ext:
            message = self.by_group.get(parameter_group(frame.id))
        if message is None:
            return Undecoded.UNKNOWN_ID
        if message.is_container:
            return Undecoded.UNSUPPORTED
        if len(frame.data) < message.length:
            return Undecoded.WRONG_LENGTH
        try:
            values = message.decode(frame.data, decode_choices=False)
        except DecodeError:
            return Undecoded.UNKNOWN_MULTIPLEX
        return Decoded(message.name, values)  # type: ignore[arg-type]  # no choices, no container: numbers


def parameter_group(can_id: int) -> int:
    """The PGN of a 29-bit id (SAE J1939-21, 5.1)."""
    group = can_id >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= _PDU2_FORMAT_MIN else group & 0x3FF00


def decoder(database: Database) -> Decoder:
    """Index a loaded database. If an id occurs twice the later message wins."""
    by_id = {(m.is_extended_frame, m.frame_id): m for m in database.messages}
    j1939 = [m for m in database.messages if m.protocol == "j1939" and m.is_extended_frame]
    return Decoder(by_id, {parameter_group(m.frame_id): m for m in j1939})


def load_decoder(path: Path) -> Decoder:
    """Load a database file, overlapping signals allowed; ``Refused`` if it is none."""
    return decoder(load_database(path))
