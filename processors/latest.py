"""Answers kept up to a number: the one that was asked for longest ago goes first."""

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Latest(OrderedDict[Key, Answer]):
    """At most ``kept_max`` entries, in the order in which they were last used."""

    def __init__(self, kept_max: int) -> None:
        super().__init__()
        self._kept_max = kept_max

    def used(self, key: Key) -> Answer | None:
        """What is kept under the key, from now on the last to go; None if there is nothing."""
        found = self.get(key)
        if found is not None:
            self.move_to_end(key)
        return found

    def keep(self, key: Key, answer: Answer) -> tuple[Key, Answer] | None:
        """Keep it; what had to go for it, if something had to."""
        gone = None
        if len(self) >= self._kept_max and key not in self:
            gone = self.popitem(last=False)
        self[key] = answer
        self.move_to_end(key)
        return gone
