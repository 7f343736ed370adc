"""How long it takes until a person's rows are gone from PostgreSQL, while a writer writes.

In: a folder, in which a server is started. Out: seconds, and a ratio. Some people's rows lie in one
output and expiry; a sink goes on writing others' into the same buckets, and a store beside it
erases the people one after the other, as a sink's process does. Until no query finds a row: a query
of the output's view is asked again and again. Until no file holds the pseudonym: every file of the
server's data folder is searched byte by byte, its log too. A query that fails counts as one that
found something. Whoever is not meant must have the same rows afterwards, by a digest. Expiring
drops partitions of two sizes that the server has multiplied from a sink's rows; the ratio is of
medians.
"""

import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from msgspec.structs import replace
from psycopg import sql

from bench.filling import OUTPUT, TOPIC
from bench.sink_records import BEGIN_MS, EXPIRES_MS, OUTPUTS, ROWS_EACH, pseudonym_of, record
from roadfade.local.postgres import LocalPostgres, start_postgres
from sinks.port.selection import Selection
from sinks.postgres.connection import Connection, Database, first, named
from sinks.postgres.names import part_table, rows_table, view_of
from sinks.postgres.sink import PostgresSettings, PostgresSink
from sinks.postgres.stored import StoredPostgres
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym

BUCKETS: Final = 16
PEOPLE: Final = 200
"""Whose rows lie there."""
BATCH: Final = 1_000
BESIDE: Final = 100
"""Records that the writer writes at once, others' all of them."""
PAUSE_S: Final = 0.1
LOOK_EVERY_S: Final = 0.02
STAYS_S: Final = 3.0
"""So long nothing may have come back before it counts as gone."""
GONE_S_MAX: Final = 120.0
SWEEPS: Final = 3
SIZES_APART: Final = 10
OTHERS: Final = "W"
"""Begins the pseudonyms of those whom the writer writes."""
NUMBER: Final = 1
"""The output's: the first that the store has."""
ROWS: Final = named(rows_table(NUMBER))
_COUNTED: Final = sql.SQL("SELECT count(*) FROM {} WHERE pseudonym LIKE %s")
_DIGEST: Final = sql.SQL(
    "SELECT md5(string_agg(m, '' ORDER BY m)) FROM"
    " (SELECT md5(one::text) AS m FROM {} AS one WHERE pseudonym = ANY(%s)) AS found"
)
_ANY: Final = sql.SQL("SELECT 1 FROM {} WHERE pseudonym = %s LIMIT 1")
_MULTIPLIED: Final = sql.SQL("INSERT INTO {} SELECT one.* FROM {} one, generate_series(2, %s)")


class Gone(NamedTuple):
    """Seconds since the erasure was asked for."""

    rows_s: float
    bytes_s: float


def measured(folder: Path, rows: int, expired_rows: int, people: int) -> dict[str, Any]:
    """All figures; AssertionError if something is left, comes back or is lost.

    Without a server there are none, and ``postgres_absent`` says why.
    """
    folder.mkdir(mode=0o755)
    server = start_postgres(folder / "server")
    if isinstance(server, str):
        return {"postgres_absent": server}
    try:
        return _erased(server, rows, people) | {
            "postgres_expire_rows_ratio": _ratio(server, expired_rows)
        }
    finally:
        server.stop()


def _erased(server: LocalPostgres, rows: int, people: int) -> dict[str, Any]:
    database = Database(server.dsn, "forgetting")
    with (
        closing(_sink(database)) as sink,
        StoredPostgres(database) as store,
        database.connect("digest") as asking,
    ):
        written = _fill(sink, rows)
        asking.execute("CHECKPOINT")  # else the table's own files would have no row yet
        left = [pseudonym_of(one) for one in range(people, PEOPLE)]
        before = _digest(asking, left)
        with _writing(sink, written // ROWS_EACH) as writer:
            found = [_gone(server, store, pseudonym_of(one)) for one in range(people)]
        _require(_digest(asking, left) == before, "others' rows are not what they were")
        beside = asking.execute(_COUNTED.format(ROWS), (f"{OTHERS}%",))
        _require(first(beside)[0] == writer.rows, "rows of the writer are lost, or doubled")
    return {
        "postgres_rows": written,
        "postgres_people_erased": people,
        "postgres_written_rows_per_s": round(writer.rows / writer.took_s),
        "postgres_erase_logical_s": _worst([one.rows_s for one in found]),
        "postgres_erase_logical_s_p50": _middle([one.rows_s for one in found]),
        "postgres_erase_physical_s": _worst([one.bytes_s for one in found]),
        "postgres_erase_physical_s_p50": _middle([one.bytes_s for one in found]),
    }


def _sink(database: Database) -> PostgresSink:
    return PostgresSink(database, {TOPIC: OUTPUTS[TOPIC]}, PostgresSettings(buckets=BUCKETS))


def _fill(sink: PostgresSink, rows: int) -> int:
    """Write at least so many rows of ``PEOPLE`` people; how many there are."""
    chance, written = random.Random(rows), 0
    while written < rows:
        batch = [
            record(TOPIC, 0, written // ROWS_EACH + n, chance, PEOPLE)
            for n in range(min(BATCH, -(-(rows - written) // ROWS_EACH)))
        ]
        written += sink.write(batch, BEGIN_MS).rows
    return written


def _digest(asking: Connection, people: Sequence[str]) -> str:
    """Of all rows of these, whole, whatever table they lie in."""
    found: str = first(asking.execute(_DIGEST.format(ROWS), (list(people),)))[0]
    _require(bool(found), "nobody else has rows")
    return found


class _Writer:
    """What a sink wrote beside the erasures."""

    rows = 0
    took_s = 0.0


@contextmanager
def _writing(sink: PostgresSink, next_offset: int) -> Iterator[_Writer]:
    """Rows of others come to the same expiry and buckets meanwhile."""
    done, writer, chance = threading.Event(), _Writer(), random.Random(1)
    failed: list[BaseException] = []
    begin = time.monotonic()

    def write() -> None:
        try:
            for offset in count(next_offset, BESIDE):
                some = [record(TOPIC, 0, offset + n, chance) for n in range(BESIDE)]
                writer.rows += sink.write([_of_another(one) for one in some], BEGIN_MS).rows
                if done.wait(PAUSE_S):
                    return
        except BaseException as failure:  # noqa: BLE001  # told below, in the thread that asked
            failed.append(failure)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield writer
    finally:
        done.set()
        thread.join()
        writer.took_s = time.monotonic() - begin
    if failed:
        raise failed[0]


def _of_another(one: Arrived) -> Arrived:
    """The record as one of somebody of whom none was there before."""
    if one.key is None or one.value is None:
        return one
    who = OTHERS.encode() + one.key[1:]
    return replace(one, key=who, value=one.value.replace(one.key, who))


def _gone(server: LocalPostgres, store: StoredPostgres, who: str) -> Gone:
    """Erase one person, and look until nothing of theirs is found any more, nor comes back."""
    with closing(_Rows(server.dsn, who)) as rows:
        there = rows.found() and _is_in_files(server.data, who.encode())
        _require(there, "nothing is there to be erased")
        begin = time.monotonic()
        with ThreadPoolExecutor(2) as beside:
            meant = Selection(frozenset({Pseudonym(who)}))
            erased = beside.submit(store.erase, OUTPUT, meant, BEGIN_MS)
            rows_gone = beside.submit(_until_gone, rows.found, LOOK_EVERY_S)
            bytes_gone_s = _until_gone(lambda: _is_in_files(server.data, who.encode()), 0)
            receipt = erased.result()
    _require(receipt.located_before > 0 == receipt.located_after, str(receipt))
    return Gone(rows_gone.result() - begin, bytes_gone_s - begin)


def _until_gone(found: Callable[[], bool], pause_s: float) -> float:
    """The end of the first look that found nothing, if none found something in ``STAYS_S`` more."""
    begin, gone = time.monotonic(), None
    while gone is None or time.monotonic() - gone < STAYS_S:
        if found():
            gone = None
        elif gone is None:
            gone = time.monotonic()
        _require(time.monotonic() - begin < GONE_S_MAX, "something is left")
        time.sleep(pause_s)
    return gone


class _Rows:
    """Asks what a reader of the output would ask."""

    def __init__(self, dsn: str, who: str) -> None:
        self._dsn = dsn
        self._asked = _ANY.format(named("forgetting", view_of(OUTPUT))), (who,)
        self._connection = psycopg.connect(dsn, autocommit=True)

    def found(self) -> bool:
        """Whether a query finds a row, or fails."""
        try:
            return self._connection.execute(*self._asked).fetchone() is not None
        except psycopg.Error:
            self._connection.close()
            self._connection = psycopg.connect(self._dsn, autocommit=True)
            return True

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _is_in_files(root: Path, mark: bytes) -> bool:
    """Whether any file of the server's holds it, or could not be read."""
    for path in root.rglob("*"):
        try:
            if path.is_file() and mark in path.read_bytes():
                return True
        except FileNotFoundError:
            continue  # it went meanwhile
    return False


def _ratio(server: LocalPostgres, rows: int) -> float:
    """How much longer a sweep takes whose partition has ``SIZES_APART`` times the rows."""
    sizes = (rows // SIZES_APART, rows)
    took: dict[int, list[float]] = {size: [] for size in sizes}
    database = Database(server.dsn, "expiring")
    with (
        closing(_sink(database)) as sink,
        StoredPostgres(database) as store,
        database.connect("multiply") as asking,
    ):
        for nth in range(SWEEPS):
            for number, size in enumerate(sizes):
                _fill_one(sink, asking, size, (nth * len(sizes) + number) * BATCH)
                begin = time.perf_counter()
                swept = store.expire(EXPIRES_MS)
                took[size].append(time.perf_counter() - begin)
                _require((swept.files, swept.rows) == (1, size), str(swept))
    small, large = (statistics.median(took[size]) for size in sizes)
    return round(large / small, 2)


def _fill_one(sink: PostgresSink, asking: Connection, rows: int, offset: int) -> None:
    """A partition of so many rows: what a sink wrote, multiplied by the server."""
    chance = random.Random(offset)
    some = [record(TOPIC, 0, offset + n, chance, PEOPLE) for n in range(BATCH)]
    written = sink.write(some, BEGIN_MS).rows
    table = named(part_table(NUMBER, EXPIRES_MS))
    times, rest = divmod(rows, written)
    _require(times > 0 == rest, "sizes are multiples of what is written at once")
    asking.execute(_MULTIPLIED.format(table, table), (times,))
    asking.execute("UPDATE _counts SET rows = %(rows)s, readings = %(rows)s", {"rows": rows})
    asking.execute("CHECKPOINT")  # else the sweep would write what the fill has left to do


def _require(held: bool, what: str) -> None:  # noqa: FBT001  # as ``assert`` has it
    if not held:
        raise AssertionError(what)


def _worst(found: Sequence[float]) -> float:
    return round(max(found), 3)


def _middle(found: Sequence[float]) -> float:
    return round(statistics.median(found), 3)
