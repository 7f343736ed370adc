"""Which of the engine's functions are harmless, and which are of one row's values.

The engine is asked once in a process: a look through its catalogue costs more than opening it, and
no statement can change what it finds.
"""

from typing import Final, NamedTuple

import duckdb

# Volatile functions are refused (they reveal the engine and its settings), except these.
_HARMLESS: Final = ("now", "today", "current_date", "random", "unnest")
_FUNCTIONS: Final = """
SELECT function_name,
       bool_and(function_type IN ('scalar', 'aggregate', 'window', 'macro')
                OR function_name IN ('range', 'generate_series', 'unnest'))
   AND bool_and(coalesce(stability = 'CONSISTENT', true) AND NOT coalesce(has_side_effects, false))
   AND bool_and(coalesce(macro_definition, '') NOT ILIKE '%select%')
   AND NOT regexp_matches(function_name, '^(pg_|duckdb_|pragma_|current_)'),
       bool_and(function_type = 'scalar')
FROM duckdb_functions() GROUP BY function_name
"""


class Functions(NamedTuple):
    """Names of functions, as the engine has them."""

    harmless: frozenset[str]
    """They reveal nothing but what they are given, and change nothing."""
    scalar: frozenset[str]
    """They are of the values of one row."""


_known: dict[str, Functions] = {}
"""By the engine's version, so of one."""


def functions_of(engine: duckdb.DuckDBPyConnection) -> Functions:
    """The engine's functions; ``engine`` is asked if none of this process was before. Blocks."""
    found = _known.get(duckdb.__version__)
    if found is None:
        rows = engine.execute(_FUNCTIONS).fetchall()
        harmless = {name for name, is_harmless, _ in rows if is_harmless}
        scalar = {name for name, _, is_scalar in rows if is_scalar}
        found = Functions(frozenset({*harmless, *_HARMLESS}), frozenset(scalar))
        _known[duckdb.__version__] = found
    return found
