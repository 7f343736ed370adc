"""What becomes of records that cannot be read: counted, logged once, and never quoted.

Whoever takes the rows of a topic decides what must wait for a row that cannot be read: it
keeps the row's key among its ``UnreadableKeys`` until a good row, or a tombstone, comes.
"""

import logging
from typing import Final

from bus.failures import RowFault

KEYS_MAX: Final = 10_000

logger = logging.getLogger(__name__)
_said: set[tuple[str, RowFault]] = set()


def set_aside(topic: str, fault: RowFault) -> None:
    """Count one record, and say once that there are such."""
    from roadfade import metrics  # noqa: PLC0415  # commands that read a topic serve no metrics

    metrics.QUARANTINED.labels(topic, fault).inc()
    if (topic, fault) not in _said:
        _said.add((topic, fault))
        logger.error("%s holds a record that cannot be read (%s); it is set aside", topic, fault)


class UnreadableKeys:
    """Keys whose newest row cannot be read. True while there are any.

    It remembers ``KEYS_MAX``; from one more on it stays true until a process reads the topic anew
    and does not find them.
    """

    def __init__(self) -> None:
        self._keys: set[bytes] = set()
        self._any = False

    def __bool__(self) -> bool:
        return self._any or bool(self._keys)

    def add(self, key: bytes) -> None:
        """The newest row of this key cannot be read."""
        if len(self._keys) < KEYS_MAX:
            self._keys.add(key)
        elif key not in self._keys:
            self._any = True

    def discard(self, key: bytes) -> None:
        """The newest row of this key can be read, or is a tombstone."""
        self._keys.discard(key)
