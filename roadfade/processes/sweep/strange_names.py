"""What lies in the store and should not, told to the operator once."""

import logging
from collections.abc import Sequence
from typing import Final

from sinks.port.results import Oddity, Strange

WORDS: Final = {
    Oddity.FOREIGN: "this is not the lake's; it is left alone and never removed: move it away",
    Oddity.UNREADABLE: "this part is damaged: answers lack its rows, and it goes when they end",
    Oddity.NOT_REMOVED: "what it holds cannot be removed in time: see why; every sweep tries again",
}


class StrangeNames:
    """Logs what was not there the last time; what went and comes back is told again."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._told: frozenset[Strange] = frozenset()

    def tell(self, found: Sequence[Strange]) -> None:
        """Name each of what was found that the last call did not have."""
        for one in found:
            if one not in self._told:
                what = f"{WORDS[one.oddity]} ({one.why})"
                self._logger.warning("in the lake, %s: %s", one.place, what)
        self._told = frozenset(found)
