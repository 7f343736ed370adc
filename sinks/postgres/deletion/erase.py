"""Erasing rows that are meant: rewrite only the buckets that hold some.

In: one output, and a selection of its rows. Out: a receipt. Each partition is one transaction, so
that a kill in between leaves it old or new, and running again finishes the work. One that cannot be
rewritten stops no other: its rows are located afterwards. Rows that arrive later are not hindered
here: the caller has them refused first.
"""

from hashlib import sha256

import psycopg
from psycopg import errors

from sinks.port.results import Located, Receipt
from sinks.port.selection import Selection
from sinks.postgres import locks
from sinks.postgres.connection import Connection
from sinks.postgres.counts import Part, held, parts
from sinks.postgres.deletion.log import pass_log
from sinks.postgres.deletion.patience import patiently
from sinks.postgres.deletion.rewrite import Rewritten, count_meant, take_out
from sinks.postgres.meant import MEANT, asked
from sinks.postgres.migrations import KIND
from sinks.postgres.names import leaf_table, rows_table
from sinks.postgres.steps import Hook, Step

WAIT_S_MAX = 30.0
"""For so long an erasure waits for one turn of a restatement, which is bounded, to end."""


def locate(connection: Connection, output: str, selection: Selection) -> Located:
    """Count the rows of an output that are meant, expired ones included."""
    rows = files = unreadable = file_bytes = 0
    for part in parts(connection):
        if part.output != output:
            continue
        try:
            found = count_meant(connection, part.place, MEANT, asked(selection))
        except errors.UndefinedTable:
            continue  # dropped meanwhile
        except psycopg.Error:
            if connection.closed:
                raise
            unreadable += 1
            continue
        rows, files = rows + found.rows, files + found.files
        file_bytes += found.file_bytes
    return Located(rows, files, unreadable, file_bytes)


def erase(
    connection: Connection, schema: str, output: str, selection: Selection, now_ms: int, at: Hook
) -> Receipt:
    """Remove the rows of an output that are meant; idempotent. Blocks."""
    before, full = 0, False
    lines: list[str] = []
    with locks.held(connection, schema, locks.CHANGING, WAIT_S_MAX):
        for part in parts(connection):
            if part.output != output:
                continue
            try:
                done = _without(connection, schema, part, selection, at)
            except psycopg.Error as error:
                if connection.closed:
                    raise
                full = full or isinstance(error, errors.DiskFull)
                continue  # its rows are still there, and located below
            before += sum(one.before - one.left for one in done)
            lines += (f"{one.table} {one.before} {one.left}\n" for one in done)
        after = locate(connection, output, selection)
        if lines:
            pass_log(connection)
    digest = sha256("".join(sorted(lines)).encode()).hexdigest()
    return Receipt(KIND, before + after.rows, after.rows, digest, now_ms, after.unreadable, full)


def _without(
    connection: Connection, schema: str, part: Part, selection: Selection, at: Hook
) -> list[Rewritten]:
    rows = count_meant(connection, part.place, MEANT, asked(selection)).rows
    if not rows:
        return []  # what nobody has to leave is held for nobody

    def change() -> list[Rewritten]:
        buckets = held(connection, part.place)
        if buckets is None:
            return []  # swept meanwhile
        done = take_out(connection, part.place, buckets, MEANT, asked(selection))
        at(Step.SWAPPED)
        return done

    leaves = [leaf_table(*part.place, bucket) for bucket in range(part.buckets)]
    tables = [rows_table(part.place.output), part.place.table, *leaves]
    return patiently(connection, schema, tables, change)
