"""How a Kafka client is ended when the broker does not answer.

aiokafka's own ``stop`` waits for whatever is pending, an idempotent producer for ever. Here
every ending has a deadline, after which connections are cut; a batch that was not yet on
its way is never sent, so that it cannot arrive after what is sent in its place.
"""

import asyncio
from typing import Any


async def end_producer(producer: Any, deadline_ms: int) -> None:
    """Drop what is queued, let requests on their way finish, close. Never raises a timeout."""
    producer._closed = True  # noqa: SLF001  # stop() would wait for the queue that is dropped here
    accumulator = producer._message_accumulator  # noqa: SLF001  # as above
    for batch in accumulator._pending_batches:  # noqa: SLF001  # as above
        batch.future.add_done_callback(_observe)
    accumulator._batches.clear()  # noqa: SLF001  # as above
    await _in_time(producer._sender.close(), deadline_ms)  # noqa: SLF001  # as above
    await _in_time(producer.client.close(), deadline_ms)


async def end_consumer(consumer: Any, deadline_ms: int) -> None:
    """Leave the group (a dynamic member) and close. Never raises a timeout."""
    if await _in_time(consumer.stop(), deadline_ms):
        return
    if consumer._fetcher is not None:  # noqa: SLF001  # stop() was cut before these
        await _in_time(consumer._fetcher.close(), deadline_ms)  # noqa: SLF001
    await _in_time(consumer._client.close(), deadline_ms)  # noqa: SLF001


async def _in_time(ending: Any, deadline_ms: int) -> bool:
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            await ending
    except TimeoutError:
        return False
    return True


def _observe(future: asyncio.Future[Any]) -> None:
    # Nobody waits for this one any more; an unobserved failure would be logged as a leak.
    if not future.cancelled():
        future.exception()
