"""An envelope's admitted columns, as they are handed to the minimiser."""

from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from processors.admission.admitted import Singles


class Readings(NamedTuple):
    """Times and values by column; ``present`` are the columns' places in the tally row."""

    present: tuple[int, ...]
    times: list[list[int]]
    values: list[list[Any]]
    trouble_codes: list[str]
    low_ms: int
    high_ms: int
    """No time lies below or above these."""
    singles: Singles = MappingProxyType({})


UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a text that it does not take."""
