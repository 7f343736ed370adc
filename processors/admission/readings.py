"""An envelope's admitted columns, as they are handed on."""

from typing import Any, NamedTuple

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
    singles: Singles
