"""A worker lets go of keys that were destroyed, within a second, while it runs.

In: the keyring's mark, once a second. Out: keys that are in memory no more, and nothing that was
computed of them: pseudonyms, record ids. What is in hand and not sent yet is decided again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from bus.pacing import until
from office.errors import OfficeError
from office.keyring.keyring import KeyState
from processors.pseudonyms import KeyName
from roadfade import metrics
from roadfade.processes.say_once import SayOnce
from roadfade.processes.worker.key_cache import KeyCache

LOOK_EVERY_S: Final = 1.0
logger = logging.getLogger(__name__)


class Forgetful(Protocol):
    """Whatever computes of keys, and keeps it."""

    def forget_keys(self) -> None:
        """Let go of all of it."""


class KeyWatch:
    """Looks again and again. Not thread-safe; lives on the worker's event loop.

    ``wanted`` gives keys that somebody waits for who cannot fetch them; they are fetched, and
    ``answered`` told what the keyring said.
    """

    def __init__(
        self,
        keys: KeyCache,
        processors: Callable[[], Iterable[Forgetful]],
        wanted: set[KeyName] | None = None,
        answered: dict[KeyName, KeyState | None] | None = None,
    ) -> None:
        self._keys = keys
        self._processors = processors
        self._wanted = set[KeyName]() if wanted is None else wanted
        self._answered = dict[KeyName, KeyState | None]() if answered is None else answered
        self._say = SayOnce(logger)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until ``stop``; a keyring that cannot be asked ends nothing, and keeps no key."""
        while not self._stopping.is_set():
            await self.look()
            await until(self._stopping, LOOK_EVERY_S)

    async def stop(self) -> None:
        """End ``run``."""
        self._stopping.set()

    async def look(self) -> None:
        """Let go of what was destroyed since the last look."""
        try:
            gone = await self._keys.let_go()
            if self._wanted:
                names = frozenset(self._wanted)
                self._answered.update(await self._keys.fetch(names))
                self._wanted -= names
        except Exception as failure:  # noqa: BLE001  # what needs a key waits for the keyring
            why = str(failure) if isinstance(failure, OfficeError) else type(failure).__name__
            self._say(f"the keyring cannot be asked, so no key is kept in memory: {why}")
            gone = True
        else:
            self._say.forget()
        if gone:
            metrics.KEYS_LET_GO.inc()
            for processor in self._processors():
                processor.forget_keys()
