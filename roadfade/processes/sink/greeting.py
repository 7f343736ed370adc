"""A store says that it is there before it takes a record: whoever asks for erasure awaits it then.

In: an open store, the outputs of which it keeps rows or may have some left. Out: a hello on
``audit.erasures``, at each start and each day, since its topic forgets. Until the broker has
acknowledged the first one nothing is written: a row of a store that nobody awaits could outlive the
request that means it.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from bus.failures import BrokerError, SendFailedError
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.clock import WallClock
from roadfade.processes.say_once import SayOnce
from sinks.port.sink import Store
from telemetry.instants import DAY_MS, SECOND_MS
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.store_hello import (
    HELLO_VERSION,
    OUTPUTS_MAX,
    StoreHello,
    encode_hello,
    is_output,
)

UNANNOUNCED: Final = "store not announced"
"""Why nothing is written meanwhile."""
AGAIN_S: Final = 1.0
"""How soon it is tried again after it failed."""
SAID_AGAIN_S: Final = DAY_MS / SECOND_MS
"""How soon it is said anew: well before its topic forgets it."""
logger = logging.getLogger(__name__)


class Greeting:
    """Of one open store, for the outputs that it was opened for."""

    def __init__(
        self,
        store: Store,
        outputs: Collection[str],
        ended: Collection[str],
        publisher: Publisher,
        clock: WallClock,
    ) -> None:
        """``ended``: of which nothing is written any more; ``clock`` dates what is said."""
        self._store = store
        # What lies in a store under a strange name no command can name.
        named = filter(is_output, [*sorted(outputs), *sorted(set(ended) - set(outputs))])
        self._outputs = list(named)[:OUTPUTS_MAX]
        self._publisher = publisher
        self._clock = clock
        self._say = SayOnce(logger)
        self._said = False

    def pause_reason(self) -> str | None:
        """Why nothing may be written now; None once it was said, and is durable."""
        return None if self._said or not self._outputs else UNANNOUNCED

    async def run(self) -> None:
        """Say it now and each day; until cancelled."""
        while self._outputs:  # noqa: ASYNC110  # it waits for a time, and for no event
            await asyncio.sleep(SAID_AGAIN_S if await self._tried() else AGAIN_S)

    async def _tried(self) -> bool:
        try:
            await self._hello()
        except (SendFailedError, BrokerError, TimeoutError):
            self._say("the store could not say yet that it is there: it waits for the broker")
        except Exception as failure:  # noqa: BLE001  # nothing is written before it is said
            # The message may quote what was read.
            self._say(f"the store could not say that it is there: {type(failure).__name__}")
        else:
            self._said = True
            self._say.forget()
            return True
        return False

    async def _hello(self) -> None:
        hello = StoreHello(
            v=HELLO_VERSION,
            kind="hello",
            store=await asyncio.to_thread(self._store.name),
            outputs=self._outputs,
            at_ms=self._clock(),
        )
        record = Outgoing(AUDIT_ERASURES, None, hello.key, encode_hello(hello))
        await self._publisher.publish([record])
