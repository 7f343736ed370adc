"""Searching everything a road leaves behind for marks: topics, lake, logs, metrics, state.

In: marks and a road. Out: where each was found, in whatever form. Tests have to
prove the search itself by marks known to be there.
"""

import asyncio
import base64
import struct
from collections.abc import Iterable, Iterator, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from roadfade.in_force.broker import connection_of
from tests.support.road import Road
from tests.support.watching import page

Mark = str | int | float | bytes
SECRETS = ("office.sqlite", "keyring.sqlite", "kek")
"""Places that may hold identifiers and keys."""


def forms(mark: Mark) -> Iterator[tuple[str, bytes]]:
    """Forms of a mark in a file; all but ``base64`` and numbers are searched caselessly."""
    text = mark if isinstance(mark, bytes) else str(mark).encode()
    yield "plain", text
    yield "reversed", text[::-1]
    yield "hexadecimal", text.hex().encode()
    for lead in range(3):
        # Whatever precedes and follows it, these characters depend on the mark alone.
        encoded = base64.b64encode(b"\0" * lead + text)
        yield "base64", encoded[-(-lead * 8 // 6) : (lead + len(text)) * 8 // 6]
    if isinstance(mark, int | float):
        for order in "<>":
            yield "double", struct.pack(f"{order}d", mark)
    if isinstance(mark, int):
        for order in "<>":
            yield "integer", struct.pack(f"{order}q", mark)


def found(marks: Mapping[str, Mark], places: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """(mark, form, place) of every hit, by name; in contents and in places' own names."""
    hits = []
    for place, content in places.items():
        whole = place.encode() + b"\n" + content
        caseless = whole.lower()
        for name, mark in marks.items():
            for form, needle in forms(mark):
                exact = form in ("base64", "double", "integer")
                if (needle in whole) if exact else (needle.lower() in caseless):
                    hits.append((name, form, place))
    return hits


def everything(road: Road, topics: Iterable[str]) -> dict[str, bytes]:
    """What a run left outside, by place: kind of place and name."""
    places = asyncio.run(_records(road, topics))
    root = road.settings.state_dir
    for file in sorted(root.rglob("*")):
        name = str(file.relative_to(root))
        if file.is_file() and not name.startswith(SECRETS):
            kind = name.split("/", maxsplit=1)[0] if "/" in name else name.rpartition(".")[2]
            places[f"{kind}: {name}"] = file.read_bytes()
    for process in sorted(p.name for p in road.settings.ports_dir.iterdir()):
        places[f"metrics: {process}"] = page(road, process).encode()
    return places


async def _records(road: Road, topics: Iterable[str]) -> dict[str, bytes]:
    connection = connection_of(road.settings)
    consumer = AIOKafkaConsumer(**connection.client_options(), auto_offset_reset="earliest")
    await consumer.start()
    places: dict[str, bytes] = {}
    try:
        parts = [
            TopicPartition(connection.topic(topic), n)
            for topic in topics
            for n in range(road.settings.partitions)
        ]
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(parts)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for r in records:
                    topic = f"{connection.plain(r.topic)} {r.partition} {r.offset}"
                    heads = b"\n".join(name.encode() + b"=" + text for name, text in r.headers)
                    places[f"topic: {topic} key"] = r.key or b""
                    places[f"topic: {topic} value"] = r.value or b""
                    places[f"topic: {topic} headers"] = heads
    finally:
        await consumer.stop()
    return places
