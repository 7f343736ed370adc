"""What tables, views and roles of the store are called.

Tables that are the store's own begin with ``_``; a view has its output's name. Names show outputs
and expiry instants, as the folders of a lake do, and nothing of any row.
"""

import re
from hashlib import sha256
from typing import Final

NAME_BYTES_MAX: Final = 63
"""PostgreSQL cuts longer ones off."""
_HASH_LENGTH: Final = 8
_OUTPUT: Final = re.compile(r"[a-z0-9][a-z0-9_.]*")
_PART: Final = re.compile(r"_rows_(\d+)_(\d+)")


def rows_table(output: int) -> str:
    """All rows of an output, by its number."""
    return f"_rows_{output}"


def part_table(output: int, expires_ms: int) -> str:
    """Its rows that end at one instant."""
    return f"_rows_{output}_{expires_ms}"


def leaf_table(output: int, expires_ms: int, bucket: int) -> str:
    """Those of them whose pseudonyms fall into one bucket."""
    return f"{part_table(output, expires_ms)}_{bucket}"


def read_part_table(name: str) -> tuple[int, int] | None:
    """The number of the output and the expiry that a partition's name says; None if none is one."""
    found = _PART.fullmatch(name)
    return None if found is None else (int(found[1]), int(found[2]))


def view_of(output: str) -> str:
    """What readers of an output select from. ValueError if it could be a table of the store's."""
    if _OUTPUT.fullmatch(output) is None:
        msg = "an output's id begins with a letter or digit and has no others but _ and ."
        raise ValueError(msg)
    return _fitting(output)


def role_of(schema: str, output: str) -> str:
    """Who is granted this role may read this output."""
    return _fitting(f"{schema}_read_{output}")


def _fitting(name: str) -> str:
    """The name, if need be shortened so that it stays the only one of its kind."""
    if len(name) <= NAME_BYTES_MAX:
        return name
    digest = sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: NAME_BYTES_MAX - _HASH_LENGTH - 1]}_{digest}"
