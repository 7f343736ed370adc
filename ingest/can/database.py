"""A CAN database file (DBC, ARXML, KCD, SYM: what cantools reads), whatever wrote its text.

In: a path. Out: cantools' database, or ``Refused`` with a remedy. Names and numbers are ASCII;
comments and units are in the language of who wrote them, and cost nothing if misread.
"""

import logging
import re
from pathlib import Path
from typing import Final

import cantools
from cantools.database.can import Database
from cantools.database.diagnostics import Database as Diagnostics
from cantools.database.errors import UnsupportedDatabaseFormatError

from ingest.logs.encoding import readings_of
from ingest.refused import Refused

DATABASE_BYTES_MAX: Final = 64 * 1024 * 1024
MULTIPLEX_CODES_MAX: Final = 1_000_000
"""Codes that a file's ranges (``SG_MUL_VAL_``) may name: cantools holds each of them in memory."""
_RANGES: Final = re.compile(r"\bSG_MUL_VAL_\s([^;]*);")
_RANGE: Final = re.compile(r"([0-9]{1,4000})\s*[-+]\s*([0-9]{1,4000})")
_J1939: Final = "j1939"
_FORMATS: Final = ("arxml", "dbc", "kcd", "sym", "cdd")


def load_database(path: Path) -> Database:
    """Load a database file, overlapping signals allowed; ``Refused`` if it is none."""
    # Doubled message names would be logged one by one; ids, not names, are looked up.
    logging.getLogger("cantools").setLevel(logging.ERROR)
    suffix = path.suffix[1:].lower()
    known = suffix if suffix in _FORMATS else None
    reason: Exception | None = None
    for text in readings_of(_read(path)):
        _check_ranges(path, text)
        try:
            database = cantools.database.load_string(text, known, strict=False)
        except UnsupportedDatabaseFormatError as error:
            # In another encoding a backslash can end a text or not, so it may still be read.
            reason = reason or error
            continue
        if isinstance(database, Diagnostics):
            msg = f"{path.name} is a diagnostics database; a CAN database is needed."
            raise Refused(msg)
        _mark_j1939(database)
        return database
    msg = (
        f"{path.name} cannot be read as a CAN database (DBC, ARXML, KCD, SYM): open it in an "
        "editor of such files and save it again, as UTF-8 if it asks."
    )
    raise Refused(msg) from reason


def _check_ranges(path: Path, text: str) -> None:
    spans = (_RANGE.findall(found) for found in _RANGES.findall(text))
    codes = sum(max(0, int(last) - int(first) + 1) for found in spans for first, last in found)
    if codes > MULTIPLEX_CODES_MAX:
        msg = (
            f"{path.name} names {codes} codes of multiplexers (SG_MUL_VAL_), and at most "
            f"{MULTIPLEX_CODES_MAX} are read: leave out the ranges that no frame uses."
        )
        raise Refused(msg)


def _mark_j1939(database: Database) -> None:
    """A DBC says J1939 of each message (VFrameFormat), or once of its bus (ProtocolType)."""
    specifics = database.dbc
    if specifics is None or "VFrameFormat" in specifics.attribute_definitions:
        return
    bus = specifics.attributes.get("ProtocolType")
    default = specifics.attribute_definitions.get("ProtocolType")
    said = bus.value if bus is not None else default.default_value if default is not None else None
    if str(said).strip().casefold() == _J1939:
        for message in database.messages:
            if message.is_extended_frame and message.protocol is None:
                message.protocol = _J1939


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(DATABASE_BYTES_MAX + 1)
    except OSError as error:
        msg = f"{path.name} cannot be read as a CAN database: {error.strerror}."
        raise Refused(msg) from error
    if len(data) > DATABASE_BYTES_MAX:
        msg = f"{path.name} is longer than {DATABASE_BYTES_MAX} bytes: name a CAN database."
        raise Refused(msg)
    return data
