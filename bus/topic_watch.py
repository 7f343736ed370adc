"""Whether names still stand for the topics that a reader began with. Asks over a client of its own.

In: ids by name. Out: nothing, or an error. A position is an offset in one topic; in another topic
of the same name it means nothing.
"""

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack

from bus.failures import BrokerError, TopicRemadeError
from bus.ports import Broker, TopicIds


class TopicWatch:
    """``known``: the id that each topic had; None for one that was not there.

    Of a topic in ``learn`` the first id that is seen is taken: who begins now has no place in it.
    """

    def __init__(
        self, broker: Broker, known: Mapping[str, str | None], learn: Collection[str] = ()
    ) -> None:
        self._broker = broker
        self._known = dict(known)
        self._learn = set(learn)
        self._stack = AsyncExitStack()
        self._ids: TopicIds | None = None

    async def check(self) -> None:
        """TopicRemadeError if one has another id now; BrokerError if that cannot be known.

        One that is not there has no id: it is being deleted, or made anew.
        """
        found = await self._ask()
        for topic in self._learn & found.keys():
            self._known[topic] = found[topic]
            self._learn.discard(topic)
        for topic, known in self._known.items():
            now = found.get(topic)
            if now is None and known is not None:
                msg = f"topic {topic} is not there"
                raise BrokerError(msg)
            if now is not None and now != known:
                raise TopicRemadeError(topic, known, now)

    def known(self, topic: str) -> str | None:
        """The id that a topic has as far as was asked."""
        return self._known.get(topic)

    def accept(self, remade: TopicRemadeError) -> None:
        """Take the topic that was found for the one to be watched."""
        self._known[remade.topic] = remade.found

    async def aclose(self) -> None:
        """Close the client; the next ``check`` opens another."""
        self._ids = None
        await self._stack.aclose()

    async def _ask(self) -> Mapping[str, str]:
        try:
            if self._ids is None:
                self._ids = await self._stack.enter_async_context(self._broker.topic_ids())
            return await self._ids.of([*self._known, *self._learn])
        except BaseException:
            await self.aclose()
            raise
