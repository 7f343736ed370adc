"""How a fetch is cut, so that the event loop gets a turn and heartbeats go out."""

from collections.abc import Iterator, Sequence

from bus.ports import ConsumedRecord


def sliced(
    records: Sequence[ConsumedRecord], *, records_max: int, bytes_max: int
) -> Iterator[Sequence[ConsumedRecord]]:
    """Cut so that no slice is long in records or in bytes; a large record is a slice alone."""
    start = held_bytes = 0
    for at, record in enumerate(records):
        held_bytes += len(record.value or b"")
        if held_bytes >= bytes_max or at + 1 - start >= records_max:
            yield records[start : at + 1]
            start, held_bytes = at + 1, 0
    if start < len(records):
        yield records[start:]
