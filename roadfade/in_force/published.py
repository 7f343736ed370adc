"""The versions of the policy as a process reads them from ``control.policies``.

Until any version is published, the document of the process's own settings is in force. From
then on only what is published counts, so that all processes go by the same versions.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from bus.failures import RowFault, TopicError, UnreadableRowError
from bus.ports import Broker
from bus.view import Beat, CompactedView
from policy.versions.in_force import InForce, in_force
from roadfade.in_force.control_rows import control_view
from roadfade.in_force.quarantine import UnreadableKeys
from telemetry.topics import CONTROL_POLICIES
from telemetry.wire.publication import Publication, PublicationError, decode_publication

ANSWER_S_MAX: Final = 30.0
"""How long a starting process waits to read what is published."""


class PublishedVersions:
    """Every version known to this process; ``generation`` grows with each that arrives.

    While one is ``unreadable`` nothing may be decided: it might be the one in force.
    """

    def __init__(self, own: Publication) -> None:
        self._own = own
        self._by_key: dict[bytes, Publication] = {}
        self.unreadable = UnreadableKeys()
        self.generation = 0

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of the topic; UnreadableRowError if it is no publication."""
        self.generation += 1
        if value is None:
            self._by_key.pop(key, None)
            self.unreadable.discard(key)
            return
        try:
            publication = decode_publication(value)
        except PublicationError:
            self.unreadable.add(key)
            raise UnreadableRowError(RowFault.UNDECODABLE) from None
        if publication.key != key:
            self.unreadable.add(key)
            raise UnreadableRowError(RowFault.FOREIGN)
        self._by_key[key] = publication
        self.unreadable.discard(key)

    @property
    def versions(self) -> tuple[Publication, ...]:
        """All that are published; the process's own document if none is."""
        return tuple(self._by_key.values()) or (self._own,)

    def in_force(self, now_ms: int) -> InForce:
        """The version that decides at an instant, and the next one."""
        return in_force(self.versions, now_ms)


def view_of(
    broker: Broker, published: PublishedVersions, beat: Callable[[Beat], None] = lambda _: None
) -> CompactedView:
    """The topic as a view that keeps ``published`` up to date while it runs."""
    return control_view(broker, CONTROL_POLICIES, published, beat)


async def read_published(broker: Broker, own: Publication) -> PublishedVersions:
    """What is published at this moment, read once; nothing if the topic is not there yet.

    TimeoutError if the broker does not answer within ANSWER_S_MAX seconds.
    """
    published = PublishedVersions(own)
    view = view_of(broker, published)
    reading = asyncio.create_task(view.run())
    ready = asyncio.create_task(view.ready.wait())
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await asyncio.wait((reading, ready), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ready.cancel()
        await view.stop()
    try:
        await reading
    except TopicError as missing:
        if missing.code != "UnknownTopicOrPartitionError":
            raise
    return published
