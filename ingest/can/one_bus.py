"""Whether each mapped message is on one bus of the capture: an id means something there only.

In: every frame of a capture. Out: nothing, or ``Refused`` at its end with the way out.
"""

from typing import Final

from ingest.can.bound_map import BoundMap
from ingest.can.decode import Undecoded
from ingest.can.layout import Layout
from ingest.logs.frame import LoggedFrame
from ingest.refused import Refused

_BUSES_TOLD: Final = 64
"""A capture has a few buses; names beyond are no longer held."""
_SENDERS_HELD: Final = 65_536
"""Ids and their buses that are asked once; those beyond are asked again with each frame."""


class OneBus:
    """Sees a capture with the eyes of its map. What a second bus sends is another signal."""

    def __init__(self, bound: BoundMap, log: str) -> None:
        self._bound = bound
        self._log = log
        self._seen: set[tuple[bool, int, str]] = set()
        self._first: dict[Layout, str] = {}
        self._buses: dict[str, None] = {}
        self._problem: Refused | None = None

    def see(self, frame: LoggedFrame) -> None:
        """Note who sends what on which bus."""
        sender = (frame.ext, frame.id, frame.bus)
        if sender in self._seen:
            return
        if len(self._seen) < _SENDERS_HELD:
            self._seen.add(sender)
        if self._problem is None:
            self._ask(frame)

    def _ask(self, frame: LoggedFrame) -> None:
        if len(self._buses) < _BUSES_TOLD:
            self._buses.setdefault(frame.bus)
        view = self._bound.view(frame)
        if isinstance(view, Undecoded) or not any(b.bus is None for b in view.bound.values()):
            return
        one = view.of
        if self._first.setdefault(one, frame.bus) != frame.bus:
            msg = (
                f"{self._log} has {one.name} (0x{frame.id:X}) on the buses {self._first[one]} and"
                f" {frame.bus}, and an id means something on its bus only: name the bus with"
                " --bus, or as bus in the map."
            )
            self._problem = Refused(msg)

    def require(self) -> None:
        """``Refused`` if a message is on two buses and the map names none, or one that is not."""
        if self._problem is not None:
            raise self._problem
        named = {b.bus for every in self._bound.by_layout.values() for b in every.values() if b.bus}
        for bus in sorted(named):
            if self._buses and len(self._buses) < _BUSES_TOLD and bus not in self._buses:
                there = ", ".join(each or "one without a name" for each in self._buses)
                msg = f"{self._log} has no bus {bus}; its buses are: {there}."
                raise Refused(msg)
