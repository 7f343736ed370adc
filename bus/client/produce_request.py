"""A produce request is written out in one go: aiokafka copies a batch once for each level it is in.

Batches make most of a request, and stand in it as they are: in a list of partitions, in a list of
topics, in the request. ``install`` has a client write each request as ``encoded`` does; the bytes
are the same (Kafka's protocol guide, "Produce API"). A request is not to be part of a cycle: what
it holds is freed as soon as it is answered.
"""

from collections.abc import Awaitable, Iterator
from functools import cache
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.struct import Struct
from aiokafka.protocol.types import Array, Bytes, Int32, Schema

HOLDS_FOR: Final = frozenset({"0.14.0"})
"""Versions of aiokafka of which ``send`` and ``build`` were read. A test asks which is here."""


def install(client: AIOKafkaClient) -> None:
    """Have this client write its produce requests in one go."""
    send = client.send

    def sending(node_id: Any, request: Any, **options: Any) -> Awaitable[Any]:
        if isinstance(request, ProduceRequest):
            request.__class__ = _InOneGo
        sent: Awaitable[Any] = send(node_id, request, **options)
        return sent

    client.send = sending


class _InOneGo(ProduceRequest):  # type: ignore[misc]  # aiokafka has no types
    """The same request."""

    def build(self, request_struct_class: Any) -> Any:
        """As it was, of a class that is written in one go."""
        return super().build(_written_in_one_go(request_struct_class))


@cache
def _written_in_one_go(version: Any) -> Any:
    """The same version of the request; there are eight."""
    return type(version.__name__, (version,), {"encode": encoded})


def encoded(request: Struct) -> bytes:
    """The bytes of a request, as its own ``encode`` makes them."""
    fields = zip(request.SCHEMA.names, request.SCHEMA.fields, strict=True)
    return b"".join(
        part for name, field in fields for part in _parts(field, getattr(request, name))
    )


def _parts(field: Any, item: Any) -> Iterator[bytes]:
    """What a field is written as, in order; nothing that may be large is copied."""
    if item is None:
        yield field.encode(item)
    elif isinstance(field, Schema):
        for part, of_part in zip(item, field.fields, strict=True):
            yield from _parts(of_part, part)
    elif isinstance(field, Array):
        yield Int32.encode(len(item))
        for one in item:
            yield from _parts(field.array_of, one)
    elif field is Bytes:
        yield Int32.encode(len(item))
        yield item
    else:
        yield field.encode(item)
