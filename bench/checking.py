"""Whether the outputs are what the fixed job demands: every record counted, a sample compared.

In: the topics of one run, and raw envelopes of some devices in their order. Out: how many
records were compared; WrongOutputError if one is missing, doubled or different.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.job import PURPOSES, consenting
from bench.reference import Expected, pseudonym, reference
from bench.stage import Raw
from bench.topic_records import records_of
from bus.client.connection import Connection
from telemetry.wire.record import CE_ID, HEADERS

TOLERANCE: Final = 1e-9
BYTES_APART_MAX: Final = 0.02


class WrongOutputError(Exception):
    """An output differs from the reference; the text names purpose and place only."""


@dataclass(slots=True)
class Outputs:
    """All records of a run's purpose topics: counted, and kept for the sampled pseudonyms."""

    records: Counter[str] = field(default_factory=Counter)
    headers: int = 0
    """Of all records together."""
    sent_bytes: int = 0
    ids: set[bytes] = field(default_factory=set)
    sampled: dict[tuple[str, str], list[tuple[bytes, dict[str, bytes]]]] = field(
        default_factory=dict
    )


async def read_outputs(run: Connection, devices: Sequence[str]) -> Outputs:
    """Read the purpose topics of a run from beginning to end."""
    outputs = Outputs()
    for purpose in PURPOSES:
        for name in devices:
            outputs.sampled[purpose, pseudonym(purpose, name)] = []
    purposes = {run.topic(f"purpose.{purpose}"): purpose for purpose in PURPOSES}
    async for record in records_of(run, [f"purpose.{purpose}" for purpose in PURPOSES]):
        _take(outputs, purposes[record.topic], record)
    return outputs


def _take(outputs: Outputs, purpose: str, record: Any) -> None:
    headers = dict(record.headers)
    outputs.records[purpose] += 1
    outputs.headers += len(record.headers)
    outputs.sent_bytes += len(record.key or b"") + len(record.value)
    outputs.sent_bytes += sum(len(name) + len(text) for name, text in record.headers)
    if CE_ID in headers:
        outputs.ids.add(headers[CE_ID])
    sample = outputs.sampled.get((purpose, (record.key or b"").decode()))
    if sample is not None:
        sample.append((record.value, headers))


def compare(
    outputs: Outputs,
    raw: Mapping[str, Sequence[bytes]],
    agreed: frozenset[str],
    *,
    times: int = 1,
    few_headers: bool = False,
) -> int:
    """Compare the sampled outputs with the reference, in order; return how many records.

    The envelopes were read ``times`` over.
    """
    held = 0
    for name, values in raw.items():
        wanted = [reference(value, consented=name in agreed) for value in values] * times
        for purpose in PURPOSES:
            due = [one[purpose] for one in wanted if purpose in one]
            came = outputs.sampled[purpose, pseudonym(purpose, name)]
            if len(due) != len(came):
                msg = f"purpose {purpose}: {len(came)} records, but {len(due)} are due"
                raise WrongOutputError(msg)
            for expected, (value, headers) in zip(due, came, strict=True):
                check(purpose, expected, value, headers, few_headers=few_headers)
            held += len(due)
    return held


def judge(outputs: Outputs, raw: Raw, *, few_headers: bool = False) -> int:
    """Count all outputs and compare the sampled ones; return how many were compared.

    WrongOutputError for a record too few or too many, a difference, or an id twice. A peer whose
    records carry few headers carries no ids.
    """
    due = {"a": raw.records, "b": raw.records, "c": raw.of_consenting}
    for purpose, records in due.items():
        if outputs.records[purpose] != records:
            msg = f"purpose {purpose}: {outputs.records[purpose]} records, but {records} are due"
            raise WrongOutputError(msg)
    if not few_headers and len(outputs.ids) != outputs.records.total():
        msg = "two records carry one id, or one carries none"
        raise WrongOutputError(msg)
    return compare(outputs, raw.sampled, consenting(), times=raw.times, few_headers=few_headers)


def judge_copy(outputs: Outputs, model: Outputs) -> None:
    """WrongOutputError unless a copy loop wrote as many records and bytes as its model."""
    apart = abs(outputs.sent_bytes / model.sent_bytes - 1)
    if outputs.records != model.records or apart > BYTES_APART_MAX:
        msg = "the copy loop did not write what roadfade wrote: the two cannot be compared"
        raise WrongOutputError(msg)


def check(
    purpose: str,
    expected: Expected,
    value: bytes,
    headers: Mapping[str, bytes],
    *,
    few_headers: bool = False,
) -> None:
    """Compare one output record with the reference; of few headers, those that are there."""
    if not same(expected.value, json.loads(value)):
        msg = f"purpose {purpose}: a value differs"
        raise WrongOutputError(msg)
    due = {n: text for n, text in expected.headers.items() if n in headers or not few_headers}
    wrong = [name for name, text in due.items() if headers.get(name) != text]
    unknown = headers.keys() - set(HEADERS)
    if wrong or unknown:
        msg = f"purpose {purpose}: headers differ: {', '.join([*wrong, *unknown])}"
        raise WrongOutputError(msg)


def same(one: Any, other: Any) -> bool:
    """Equal JSON, numbers within the tolerance."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < TOLERANCE
    return bool(one == other)
