"""Which envelope ids came again with another content: for a warning, so within bounds.

What is forgotten is not noticed any more; nothing else depends on it.
"""

from typing import Final, Protocol

IDS_KEPT_MAX: Final = 40_000
"""Per processor; an id takes some 150 bytes."""


class RememberedIds(Protocol):
    """What remembers ids; the core has one that both paths share."""

    def reused(self, device: str, envelope_id: str, content: bytes) -> bool:
        """Whether this id of this device is remembered with another content."""


class ReusedIds:
    """Remembers the first content of the latest ids."""

    def __init__(self, kept_max: int = IDS_KEPT_MAX) -> None:
        self._half = kept_max // 2
        self._newer: dict[int, bytes] = {}
        self._older: dict[int, bytes] = {}

    def reused(self, device: str, envelope_id: str, content: bytes) -> bool:
        """Whether this id of this device is remembered with another content.

        The first content stays remembered, so that a batch that is done again counts alike.
        """
        name = hash((device, envelope_id))
        first = self._newer.get(name) or self._older.get(name)
        if first is not None:
            return first != content
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[name] = content
        return False
