"""A record on its way to Kafka."""

from typing import NamedTuple


class Outgoing(NamedTuple):
    """One record to send.

    ``topic`` is unprefixed. ``partition`` None is for the ``Publisher`` only, which then takes
    the partition from the key; processors always name one. ``value`` None deletes the key on
    a compacted topic.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = []  # noqa: RUF012  # shared by most records; nobody changes it

    def __repr__(self) -> str:
        return f"Outgoing({self.topic}, …)"
