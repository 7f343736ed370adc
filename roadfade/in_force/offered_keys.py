"""The keys that the office offers to seal with, as a front door reads them and keeps them fresh.

In: a broker. Out: the key of an instant. A key is good for its period, whether or not the office
answers meanwhile: what is sealed waits on the topic. A broker that is away is asked again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from bus.failures import BrokerError, RowFault, TopicError, UnreadableRowError, ViewOutdatedError
from bus.ports import Broker
from bus.view import CompactedView
from roadfade.in_force.control_rows import control_view
from roadfade.in_force.quarantine import UnreadableKeys
from telemetry.topics import CONTROL_SEALING
from telemetry.wire.sealing_key import SealingKey, SealingKeyError, decode_sealing_key, row_of

AGAIN_AFTER_S: Final = 1.0
logger = logging.getLogger(__name__)


class OfferedKeys:
    """Takes the rows of ``control.sealing``."""

    def __init__(self) -> None:
        self.unreadable = UnreadableKeys()
        self._rows: dict[bytes, SealingKey] = {}

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row; UnreadableRowError if it cannot be read: its period has no key then."""
        self._rows.pop(key, None)
        self.unreadable.discard(key)
        if value is None:
            return
        try:
            row = decode_sealing_key(value)
        except SealingKeyError:
            self.unreadable.add(key)
            raise UnreadableRowError(RowFault.UNDECODABLE) from None
        if row_of(row.period).encode() != key:
            self.unreadable.add(key)
            raise UnreadableRowError(RowFault.FOREIGN)
        self._rows[key] = row

    def key_at(self, at_ms: int) -> SealingKey | None:
        """The key of the period in which an instant lies; of two lengths, the shorter one's."""
        found = (
            one for one in self._rows.values() if one.period.from_ms <= at_ms < one.period.to_ms
        )
        return min(found, key=lambda one: one.period.length_s, default=None)


@asynccontextmanager
async def offered_keys(broker: Broker) -> AsyncIterator[OfferedKeys]:
    """The keys, kept fresh within the block; none may be there yet."""
    keys = OfferedKeys()
    reading = asyncio.create_task(_read(broker, keys))
    try:
        yield keys
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def _read(broker: Broker, keys: OfferedKeys) -> None:
    said = ""
    while True:
        view: CompactedView = control_view(broker, CONTROL_SEALING, keys)
        try:
            await view.run()
        except (BrokerError, TopicError, ViewOutdatedError, TimeoutError) as failure:
            if str(failure) != said:
                said = str(failure)
                logger.warning("keys to seal with cannot be read, so that no new one is: %s", said)
            # Rows that are known stay: each is good until its period ends.
            await asyncio.sleep(AGAIN_AFTER_S)
