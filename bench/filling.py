"""A lake of very many rows, laid out as columns: what its sink's merges make of the same records.

In: a folder, and how many rows. Out: a lake with one part for each bucket, byte for byte the part
that a sink has once it has merged the same records; no record is encoded, and none read. What a
record says follows from its number. Some 30 MB are in memory for each million rows of all, and one
bucket's rows at a time. Rows are put in order, made into files and published by a checkpoint with
the lake's own code.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bench.sink_records import (
    APPENDED_MS,
    BEGIN_MS,
    EXPIRES_MS,
    OUTPUTS,
    PEOPLE,
    READINGS,
    ROWS_EACH,
    SECONDS,
    SIGNALS,
    UNIT,
    VERSION,
    consent_of,
    pseudonym_of,
    record_of,
)
from sinks.lake.checkpoints import At
from sinks.lake.columns import COLUMNS, INSTANT, in_order
from sinks.lake.gathered import Rows, write_parts
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.layout import bucket_of
from sinks.lake.part_file import Appended, only_used
from telemetry.arrived import Arrived

TOPIC: Final = next(iter(OUTPUTS))
OUTPUT: Final = OUTPUTS[TOPIC]
COMPRESSION: Final = "uncompressed"
"""Else no search of bytes would find a pseudonym."""
PEOPLE_MIN: Final = 20_000
"""With few, a person's own rows make their bucket larger than others."""
ROWS_OF_PERSON: Final = 500
_VALUES: Final = 1_200
"""Different ones, in tenths."""


def filled(root: Path, rows: int, buckets: int) -> Path:
    """A lake with at least so many rows of one output, merged. Blocks."""
    records = -(-rows // ROWS_EACH)
    people = max(PEOPLE_MIN, rows // ROWS_OF_PERSON)
    lake = _Filling(root, OUTPUTS, LakeSettings(buckets=buckets, compression=COMPRESSION))
    lake.put(records, people)
    lake.close()
    return root


class _Filling(Lake):
    """A lake that is given rows as they lie in it."""

    def put(self, records: int, people: int) -> None:
        """All of them in one checkpoint, as a merge puts them."""
        numbers = _by_bucket(records, people, self._settings.buckets)
        with self._changing():
            parts = write_parts(
                (_rows(mine, records, people) for mine in numbers.values()),
                self._workplace.path, self._settings.compression, self._at,
            )  # fmt: skip
            placed = [
                part._replace(bucket=bucket) for part, bucket in zip(parts, numbers, strict=True)
            ]
            self._checkpoints.close([At(TOPIC, 0, records)], {}, BEGIN_MS, placed)


def records(first: int, count: int, people: int) -> list[Arrived]:
    """The records that a filled lake has, as they would arrive."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    who, values = _who(numbers, people), _values(numbers)
    return [
        record_of(TOPIC, 0, first + n, pseudonym_of(int(who[n])), values[n].tolist())
        for n in range(count)
    ]


def _by_bucket(records: int, people: int, buckets: int) -> dict[int, Any]:
    """The numbers of the records of each bucket that has any, ascending."""
    of_person = np.array([bucket_of(pseudonym_of(n), buckets) for n in range(people)], np.uint16)
    of_record = of_person[_who(np.arange(records, dtype=np.uint64), people)]
    in_buckets = np.argsort(of_record, kind="stable").astype(np.uint32)
    ends = np.cumsum(np.bincount(of_record, minlength=buckets))
    found = {bucket: in_buckets[begin:end] for bucket, (begin, end) in enumerate(_spans(ends))}
    return {bucket: mine for bucket, mine in found.items() if len(mine)}


def _spans(ends: Any) -> Iterator[tuple[int, int]]:
    return pairwise([0, *ends.tolist()])


def _rows(mine: Any, records: int, people: int) -> Rows:
    """The sorted rows of one bucket. Topics took the records of all between two times."""
    begins = _begin_ms(np.arange(min(records, SECONDS), dtype=np.uint64)) + APPENDED_MS
    span = Appended(int(begins.min()), int(begins.max()))
    table = in_order(_table(mine.astype(np.uint64), people))
    return Rows(OUTPUT, EXPIRES_MS, only_used(table), span)


def _table(numbers: Any, people: int) -> pa.Table:
    """The rows of these records, in no order; their numbers ascend."""
    of_record = np.repeat(np.arange(len(numbers), dtype=np.int32), ROWS_EACH)
    rows = len(of_record)
    who, code_of_who = np.unique(_who(numbers, people), return_inverse=True)
    consents, code_of_consent = np.unique(numbers % np.uint64(PEOPLE), return_inverse=True)
    signals = np.repeat(np.arange(len(SIGNALS), dtype=np.int32), READINGS)
    nothing = np.zeros(rows, np.int32)
    steps = np.tile(np.arange(READINGS, dtype=np.int64) * 1_000, len(SIGNALS))
    t_ms = (_begin_ms(numbers)[:, None] + steps).ravel()
    found = {
        "record": _coded(of_record, [f"{n:032x}" for n in numbers.tolist()]),
        "pseudonym": _coded(code_of_who[of_record], [pseudonym_of(n) for n in who.tolist()]),
        "signal": _coded(np.tile(signals, len(numbers)), SIGNALS),
        "t": pa.array(t_ms * 1_000, INSTANT),
        "number": pa.array(_values(numbers).ravel(), pa.float64()),
        "text": _absent(rows),
        "unit": _coded(nothing, [UNIT]),
        "expires_at": pa.array(np.full(rows, EXPIRES_MS * 1_000), INSTANT),
        "policy_version": _coded(nothing, [VERSION]),
        "lane": _absent(rows),
        "consent": _coded(code_of_consent[of_record], [consent_of(n) for n in consents.tolist()]),
    }
    return pa.table({name: found[name] for name in COLUMNS})


def _coded(codes: Any, texts: Sequence[str]) -> Any:
    indices = pa.array(codes.astype(np.int32, copy=False))
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def _absent(rows: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string()))


def _begin_ms(numbers: Any) -> Any:
    return BEGIN_MS + (numbers % np.uint64(SECONDS)).astype(np.int64) * 1_000


def _who(numbers: Any, people: int) -> Any:
    return (_mixed(numbers) % np.uint64(people)).astype(np.uint32)


def _values(numbers: Any) -> Any:
    """Of each record, of each signal, of each of its readings."""
    places = numbers[:, None] * np.uint64(ROWS_EACH) + np.arange(ROWS_EACH, dtype=np.uint64)
    values = (_mixed(~places) % np.uint64(_VALUES)).astype(np.float64) / 10
    return values.reshape(len(numbers), len(SIGNALS), READINGS)


def _mixed(numbers: Any) -> Any:
    """Numbers as by chance, the same each time (splitmix64)."""
    found = numbers + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))
