"""What a file is that is no capture we read, and the way in for what it holds.

In: the first bytes of a file. Out: a phrase that names it and a remedy. Recognised by content.
"""

import re
from itertools import pairwise
from typing import Final, NamedTuple


class Stranger(NamedTuple):
    """``what`` completes "This file is …"; ``remedy`` is what to do, without a full stop."""

    what: str
    remedy: str


_SAVVYCAN: Final = "open it in SavvyCAN and save it as candump"
_LOGCONVERT: Final = "convert it with python-can: can_logconvert FILE drive.log"
_ENVELOPES: Final = (
    "send its values as envelopes: `roadfade publish` takes them, docs/gateways.md says how"
)
_UNPACK: Final = "unpack it and give the file that is inside"
_EXPORT: Final = (
    "export its CAN frames as MDF 4 (bus logging), ASC or BLF with the tool that recorded it"
)

_BINARY: Final = (
    (b"\x1f\x8b", Stranger("compressed (gzip)", _UNPACK)),
    (b"PK\x03\x04", Stranger("compressed (ZIP)", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Stranger("compressed (Zstandard)", _UNPACK)),
    (b"\xfd7zXZ\x00", Stranger("compressed (xz)", _UNPACK)),
    (b"BZh", Stranger("compressed (bzip2)", _UNPACK)),
    (b"7z\xbc\xaf", Stranger("compressed (7-Zip)", _UNPACK)),
    (b"SQLite format 3\x00", Stranger("an SQLite database", _LOGCONVERT)),
    (b"PAR1", Stranger("a Parquet table", _ENVELOPES)),
    (
        b"\x89HDF\r\n",
        Stranger("an HDF5 file", "export its CAN frames as candump, ASC, BLF or MF4"),
    ),
    (b"\xd4\xc3\xb2\xa1", Stranger("a packet capture (pcap)", _SAVVYCAN)),
    (b"\xa1\xb2\xc3\xd4", Stranger("a packet capture (pcap)", _SAVVYCAN)),
    (b"\x0a\x0d\x0d\x0a", Stranger("a packet capture (pcapng)", _SAVVYCAN)),
)

_TEXT: Final = (
    (r"^\*\*\*BUSMASTER", Stranger("a BUSMASTER log", _SAVVYCAN)),
    (r"\ATime Stamp,ID,Extended", Stranger("a GVRET log", _SAVVYCAN)),
    (r"\ATime\s+ID\s+DLC\s+Data", Stranger("a CANHacker trace", _SAVVYCAN)),
    (
        r"^\d+\.\d+ (\d?[RT](11|29) [0-9A-Fa-f]+( [0-9A-Fa-f]{2})*|\d?C(XX|EV|VR|ER|ST|BC) .*)\s*$",
        Stranger("a CRTD log (OVMS)", _SAVVYCAN),
    ),
    (
        r"\Atimestamp,arbitration_id,extended",
        Stranger("a CSV table of python-can", _LOGCONVERT),
    ),
    (
        r"^\s*\S+\s+([RT]X \S \S\s+)?[0-9A-Fa-f]{3,8}\s+\[\d+\]\s",
        Stranger(
            "a candump without times",
            "record it again with `candump -l`, or with -ta if it goes to the screen",
        ),
    ),
    (
        r"^VERSION\s+\"|^BO_ \d+ |^FormatVersion=",
        Stranger("a CAN database and no capture", "give it with --dbc beside a capture"),
    ),
    (
        r"<(NetworkDefinition|AUTOSAR|CANDELA)\b",
        Stranger("a CAN database and no capture", "give it with --dbc beside a capture"),
    ),
    (
        r"\A(#.*\n|\s)*map:\s.*(\n.*)*^signals:",
        Stranger("a map of signals and no capture", "give it with --map beside a capture"),
    ),
    (
        r"\A\s*\{\s*\"v\"\s*:|\"series\"\s*:\s*\{",
        Stranger("an envelope and no capture", "publish it: `roadfade publish FILE`"),
    ),
    (
        r"\A\s*\{.*\"name\"\s*:.*\"value\"\s*:",
        Stranger("an OpenXC trace, which holds no CAN frames", _ENVELOPES),
    ),
    (r"<gpx\b", Stranger("a GPX track, which holds no CAN frames", _ENVELOPES)),
    (r"\A\s*[{\[]", Stranger("JSON, which holds no CAN frames as we know them", _ENVELOPES)),
    (
        r"\A[^\n,;]+([,;][^\n,;]*){2,}\r?\n",
        Stranger("a table (CSV) and no CAN log as we know it", _ENVELOPES),
    ),
)
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.MULTILINE), stranger) for pattern, stranger in _TEXT
)
_DELTAS: Final = Stranger(
    "a candump whose times are differences (-td)", "record it again with -ta or `candump -l`"
)
_TRC_VERSION: Final = re.compile(r"^;\$FILEVERSION=\s*([\d.]{1,8})", re.MULTILINE)
_TRC_READ: Final = ("1.0", "1.1", "1.3", "2.0", "2.1")
_SCREEN_STAMP: Final = re.compile(r"^\s*\((\d+\.\d+)\)\s+\S+\s+.*\[\d+\]", re.MULTILINE)
_EPOCH_LIKE_S: Final = 1e8


def stranger_in(head: bytes, text: str) -> Stranger:
    """What the file with this beginning is, as far as it can be said."""
    if not head:
        return Stranger("in no known form (it is empty)", "record the drive again")
    for magic, stranger in _BINARY:
        if head.startswith(magic):
            return stranger
    for pattern, stranger in _PATTERNS:
        if pattern.search(text):
            return stranger
    return Stranger("in no known form", "convert it with SavvyCAN or python-can's can_logconvert")


def old_measurement(version: str) -> Stranger:
    """An MDF file older than version 4, in which bus logging is not defined."""
    return Stranger(f"MDF {version}, and only MDF 4 is read", _EXPORT)


def unread_trace(text: str) -> Stranger | None:
    """A TRC of a version whose columns python-can does not know: it would take them for others."""
    found = _TRC_VERSION.search(text)
    if found is None or found[1] in _TRC_READ:
        return None
    remedy = "save it as version 2.1 with PEAK's own tools"
    return Stranger(f"a TRC of version {found[1]}, and {', '.join(_TRC_READ)} are read", remedy)


def signals_only() -> Stranger:
    """An MDF 4 file without bus logging (ASAM MDF 4.1, bus logging)."""
    return Stranger("MDF 4 with measured signals and no CAN frames", _EXPORT)


def differences(text: str) -> Stranger | None:
    """The screen form of candump with ``-td``: stamps that do not grow, told by their falls."""
    stamps = [float(stamp) for stamp in _SCREEN_STAMP.findall(text)]
    falls = sum(1 for before, after in pairwise(stamps) if after < before)
    small = bool(stamps) and max(stamps) < _EPOCH_LIKE_S
    return _DELTAS if small and falls * 10 > len(stamps) else None
