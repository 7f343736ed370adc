"""The same twins in PostgreSQL: what its catalogue, its tables and its sizes tell of who was erased.

In: a server's address, a seed. Out: how often the distinguisher of ``tests.proof.twins`` is right. It is
asked twice: with everything that the store has put there, and with the server's own numbers besides, which
no program sets: of objects, files and transactions, and of how often what was read and written.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from roadfade.local.postgres import SETTINGS as SERVER
from roadfade.local.postgres import start_postgres
from sinks.postgres.connection import Connection, Database, first, named
from sinks.postgres.sink import PostgresSettings, PostgresSink
from sinks.postgres.stored import StoredPostgres
from telemetry.instants import HOUR_MS
from tests.proof.twin_worlds import HOURS, live
from tests.proof.twins import NAIVE_MIN, PAIRS, RIGHT_MAX, Figures, differing, judged
from tests.sinks.postgres.stores import dropped
from tests.sinks.records import NOW_MS, OUTPUTS, whose

FAST: Final = {"fsync": "off", "full_page_writes": "off"}
"""No plug is pulled; what files hold is the same."""
SETTINGS: Final = PostgresSettings(buckets=4)
NOT_SEEN: Final = (
    "positions of topics, ids that are remembered, and their sequences (tables of the store's own)",
    "receipts, the ledger's counts, and what the office has on record",
)
BY_NUMBER: Final = (
    "the server's own numbers of objects, files and transactions, and its statistics of use"
)
END_MS: Final = NOW_MS + 2 * HOURS * HOUR_MS
Remove = Callable[[PostgresSink, Database, str, int], None]
_CLASSES: Final = """
SELECT c.oid, c.relname, c.relkind FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relname !~ '^_(seen|positions)' ORDER BY c.relname
"""
_CATALOGUE: Final = """
SELECT count(*) FILTER (WHERE relkind = 'r') AS tables,
  count(*) FILTER (WHERE relkind = 'p') AS partitioned,
  count(*) FILTER (WHERE relkind = 'i') AS indexes,
  count(*) FILTER (WHERE relkind = 'v') AS views,
  sum(length(relname)) AS "length of names",
  sum(relnatts) AS columns,
  sum(relpages) AS "pages as noted",
  sum(reltuples)::float8 AS "rows as noted",
  sum(relallvisible) AS "visible pages as noted",
  sum(coalesce(array_length(reloptions, 1), 0)) AS options,
  sum(coalesce(length(relacl::text), 0) - coalesce(array_length(relacl, 1), 0)) AS rights,
  sum((relpersistence <> 'p')::int) AS "of no permanence",
  sum((reltoastrelid <> 0)::int) AS "with long texts aside",
  sum(pg_relation_size(oid, 'main')) AS bytes,
  max(pg_relation_size(oid, 'main')) AS largest,
  sum(pg_relation_size(oid, 'fsm')) AS "bytes of free space maps",
  sum(pg_relation_size(oid, 'vm')) AS "bytes of visibility maps",
  sum((relkind = 'r' AND pg_relation_size(oid, 'main') = 0)::int) AS "empty tables",
  (SELECT count(*) FROM pg_attribute WHERE attrelid = ANY(%(oids)s)) AS attributes,
  (SELECT count(*) FROM pg_attribute WHERE attrelid = ANY(%(oids)s) AND attisdropped) AS "dropped columns",
  (SELECT coalesce(sum(attstattarget), 0) FROM pg_attribute WHERE attrelid = ANY(%(oids)s)) AS "statistics asked",
  (SELECT count(*) FROM pg_statistic WHERE starelid = ANY(%(oids)s)) AS "statistics kept",
  (SELECT count(*) FROM pg_constraint WHERE conrelid = ANY(%(oids)s)) AS constraints,
  (SELECT count(*) FROM pg_inherits WHERE inhrelid = ANY(%(oids)s)) AS inheriting,
  (SELECT sum(inhseqno) FROM pg_inherits WHERE inhrelid = ANY(%(oids)s)) AS "order of inheriting",
  (SELECT count(*) FROM pg_depend WHERE objid = ANY(%(oids)s) OR refobjid = ANY(%(oids)s)) AS dependencies
FROM pg_class WHERE oid = ANY(%(oids)s)
"""
_LEAF: Final = sql.SQL("""
SELECT count(*), coalesce(max((ctid::text::point)[0]), -1) + 1, coalesce(max((ctid::text::point)[1]), 0),
  count(*) FILTER (WHERE pseudonym < before), count(DISTINCT pseudonym),
  coalesce(sum(pg_column_size(one)), 0),
  coalesce(sum(((ctid::text::point)[0] * 1000 + (ctid::text::point)[1])), 0),
  coalesce(md5(string_agg(ctid::text || md5(ROW(record, pseudonym, signal, t_ms, number, text)::text), ''
    ORDER BY (ctid::text::point)[0], (ctid::text::point)[1])), ''),
  count(DISTINCT xmin::text), coalesce(max(xmin::text::bigint) - min(xmin::text::bigint), 0)
FROM (SELECT ctid, xmin, *, lag(pseudonym) OVER (ORDER BY ctid) AS before FROM {}) AS one
""")
_NUMBERS: Final = """
SELECT max(oid::bigint) - min(oid::bigint) AS "span of objects",
  sum((relfilenode::bigint <> oid::bigint AND relfilenode <> 0)::int) AS "files of another number",
  count(DISTINCT relfrozenxid::text) AS "ages",
  coalesce((SELECT sum(seq_scan) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS scans,
  coalesce((SELECT sum(seq_tup_read) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS "rows scanned",
  coalesce((SELECT sum(n_tup_ins) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS "rows put in",
  coalesce((SELECT sum(n_tup_upd) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS "rows changed",
  coalesce((SELECT sum(n_tup_del) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS "rows deleted",
  coalesce((SELECT sum(n_dead_tup) FROM pg_stat_all_tables WHERE relid = ANY(%(oids)s)), 0) AS "dead rows"
FROM pg_class WHERE oid = ANY(%(oids)s)
"""


def twins_postgres(seed: int, pairs: int = PAIRS) -> dict[str, Any]:
    """Both claims; AssertionError if one does not hold."""
    with _server() as dsn:
        erased = _figures(dsn, seed, pairs, erase)
        naive = _figures(dsn, seed, pairs, delete_rows)
    right, learned = judged([_without_numbers(one) for one in erased])
    by_numbers, learned_by_numbers = judged([_whole(one) for one in erased])
    naive_right, naive_learned = judged([_without_numbers(one) for one in naive])
    found = {
        "pairs": pairs,
        "right": right,
        "learned": learned,
        "right_naive_delete": naive_right,
        "learned_naive_delete": naive_learned,
        "figures": len(erased[0][0][0]),
        "not_seen": [*NOT_SEEN, BY_NUMBER],
        "right_by_servers_numbers": by_numbers,
        "learned_by_servers_numbers": learned_by_numbers,
        "differ": differing([_without_numbers(one) for one in erased]),
    }
    if pairs == PAIRS:
        assert right <= RIGHT_MAX, found
        assert naive_right >= NAIVE_MIN, found
    return found


Seen = tuple[Figures, Figures]
"""What the store has put there, and what the server has numbered."""


def _without_numbers(pair: tuple[Seen, Seen]) -> tuple[Figures, Figures]:
    return pair[0][0], pair[1][0]


def _whole(pair: tuple[Seen, Seen]) -> tuple[Figures, Figures]:
    return {**pair[0][0], **pair[0][1]}, {**pair[1][0], **pair[1][1]}


def erase(sink: PostgresSink, _database: Database, pseudonym: str, now_ms: int) -> None:
    """As a sink carries a command out."""
    for output in OUTPUTS.values():
        assert sink.erase(output, whose(pseudonym), now_ms).located_after == 0


def delete_rows(_sink: PostgresSink, database: Database, pseudonym: str, _now_ms: int) -> None:
    """The naive way: rows are deleted, and all that is said of them stays."""
    with database.connect("naive") as connection:
        for number in range(1, len(OUTPUTS) + 1):
            table = named(f"_rows_{number}")
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE pseudonym = %s").format(table), (pseudonym,)
            )


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # it does not run as root
        server = start_postgres(Path(folder) / "server", {**SERVER, **FAST})
        assert not isinstance(server, str), server
        try:
            yield server.dsn
        finally:
            server.stop()


def _figures(dsn: str, seed: int, pairs: int, remove: Remove) -> list[tuple[Seen, Seen]]:
    found = []
    for pair in range(seed, seed + pairs):
        worlds: dict[bool, Seen] = {}
        # Neither is always the first, nor has it always the same name.
        for nth, there in enumerate((pair % 2 == 0, pair % 2 != 0)):
            with dropped(dsn, f"twin_{pair}_{nth}") as database:
                worlds[there] = _lived(database, pair, remove, there=there)
        found.append((worlds[True], worlds[False]))
    return found


def _lived(database: Database, seed: int, remove: Remove, *, there: bool) -> Seen:
    sink = PostgresSink(database, OUTPUTS, SETTINGS, wait_s=0)
    live(seed, sink, lambda who, now_ms: remove(sink, database, who, now_ms), there=there)
    sink.oldest_ms()  # as a sweep does every minute
    sink.close()
    with database.connect("adversary") as connection:
        return figures_of(database, connection)


def figures_of(database: Database, connection: Connection) -> Seen:
    """Everything that is looked at of one store."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    classes = connection.execute(_CLASSES).fetchall()
    asked = {"oids": [oid for oid, _, _ in classes]}
    numbers = _named(connection, _NUMBERS, asked)
    leaves = [
        (name, oid) for oid, name, kind in classes if kind == "r" and name.startswith("_rows_")
    ]
    rows = [first(connection.execute(_LEAF.format(named(name)))) for name, _ in leaves]
    catalogue = {**_named(connection, _CATALOGUE, asked), "tables of readings": len(leaves)}
    seen = {
        **catalogue,
        **_of_rows(rows),
        **_notes(connection),
        **_answers(database),
        "bytes a row": catalogue["bytes"] / max(1, sum(row[0] for row in rows)),
    }
    return seen, {**numbers, **_orders(leaves), **_transactions(rows)}


def _named(connection: Connection, statement: str, asked: Mapping[str, object]) -> dict[str, float]:
    cursor = connection.execute(statement.encode(), asked)
    names = [column.name for column in cursor.description or ()]
    return {name: float(value) for name, value in zip(names, first(cursor), strict=True)}


def _of_rows(rows: Sequence[tuple[Any, ...]]) -> Figures:
    """Of how rows lie in the pages of their tables, in the order in which a query finds them."""
    full = [row for row in rows if row[0]]
    digest = hashlib.sha256("".join(sorted(row[7] for row in rows)).encode()).digest()
    return {
        "rows": sum(row[0] for row in rows),
        "fewest rows": min(row[0] for row in full),
        "most rows": max(row[0] for row in full),
        "pages with rows": sum(row[1] for row in rows),
        "last places in pages": sum(row[2] for row in rows),
        "steps back in the order of pseudonyms": sum(row[3] for row in rows),
        "tables in the order of pseudonyms": sum(row[0] > row[4] and row[3] == 0 for row in full),
        "people a table": sum(row[4] for row in rows) / len(full),
        "bytes of rows": sum(row[5] for row in rows),
        "sum of places": float(sum(row[6] for row in rows)),
        "digest": int.from_bytes(digest[:4]),
    }


def _notes(connection: Connection) -> Figures:
    """What the store's own tables say of rows, and in how many cases it is not so."""
    parts = connection.execute(
        "SELECT output, expires_ms, buckets, oldest_ms, oldest_is_known::int FROM _parts"
    ).fetchall()
    counts = connection.execute(
        "SELECT output, expires_ms, rows::bigint, readings::bigint FROM _counts"
    ).fetchall()
    wrong = 0
    for output, expires_ms, rows, _ in counts:
        table = named(f"_rows_{output}_{expires_ms}")
        counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table))
        wrong += first(counted)[0] != rows
    return {
        "parts": len(parts),
        "buckets": sum(part[2] for part in parts),
        "oldest of parts": sum(part[3] for part in parts),
        "oldest not known": sum(not part[4] for part in parts),
        "notes of counts": len(counts),
        "rows as counted": sum(one[2] for one in counts),
        "readings as counted": sum(one[3] for one in counts),
        "counts that are wrong": wrong,
    }


def _answers(database: Database) -> Figures:
    """What commands answer of a store."""
    with StoredPostgres(database) as store:
        return {
            "readings": sum(store.holdings().readings.values()),
            "outputs": len(store.outputs()),
            "oldest": min(store.oldest_ms().values()),
            "strange": len(store.strange()),
            "overdue": len(store.overdue(END_MS)),
        }


def _orders(leaves: Sequence[tuple[str, int]]) -> Figures:
    """By their names tables have an order, and by their numbers."""
    numbers = [oid for _, oid in leaves]
    return {
        "inversions of numbers": sum(
            earlier > later for n, earlier in enumerate(numbers) for later in numbers[n + 1 :]
        )
    }


def _transactions(rows: Sequence[tuple[Any, ...]]) -> Figures:
    full = [row for row in rows if row[0]]
    return {
        "transactions a table": sum(row[8] for row in full) / len(full),
        "tables of one transaction": sum(row[8] == 1 for row in full),
        "span of transactions": sum(row[9] for row in full),
    }
