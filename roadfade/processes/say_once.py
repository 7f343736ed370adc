"""Messages that a loop would log in every turn, logged only when they change."""

import logging
from collections.abc import Hashable


class SayOnce:
    """Logs what differs from what it logged last about the same thing."""

    def __init__(self, logger: logging.Logger, level: int = logging.WARNING) -> None:
        self._logger = logger
        self._level = level
        self._said: dict[Hashable, str] = {}

    def __call__(self, what: str, *, about: Hashable = None) -> None:
        """Log ``what``, unless it was the last message logged ``about`` this."""
        if self._said.get(about) != what:
            self._said[about] = what
            self._logger.log(self._level, "%s", what)

    def forget(self) -> None:
        """Log the next message even if it equals the last: the condition ended in between."""
        self._said.clear()
