"""Collection lists as a gateway keeps them: the rows of their topic, and whether that is fresh.

In: a broker and a clock. Out: the view that brings the rows, and the lists. A list that cannot be
read is gone for its device alone: the others are as good as before.
"""

from bus.failures import RowFault, UnreadableRowError
from bus.ports import Broker
from bus.view import CompactedView
from ingest.gateway.collection_lists import CollectionLists, UnreadableListError
from roadfade.clock import WallClock
from roadfade.in_force.control_rows import control_view
from roadfade.in_force.quarantine import UnreadableKeys
from telemetry.topics import CONTROL_COLLECTION


class CollectionRows:
    """Obeys ``Rows``; ``lists`` is what the gateway's doors ask. Run ``view`` beside them."""

    def __init__(self, broker: Broker, clock: WallClock, age_ms_max: int) -> None:
        """No list is handed out of a view that is older than ``age_ms_max``."""
        self.unreadable = UnreadableKeys()
        self.lists = CollectionLists(self.fresh)
        self.view: CompactedView = control_view(broker, CONTROL_COLLECTION, self)
        self._clock = clock
        self._age_ms_max = age_ms_max

    def fresh(self) -> bool:
        """Whether all that was published until lately is here."""
        return self.view.fresh(self._clock(), self._age_ms_max)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """As ``Rows``."""
        try:
            self.lists.apply(key, value)
        except UnreadableListError:
            self.unreadable.add(key)
            raise UnreadableRowError(RowFault.UNDECODABLE) from None
        self.unreadable.discard(key)
