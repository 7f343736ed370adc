"""How a Kafka client is ended when the broker does not answer.

aiokafka's own ``stop`` waits for whatever is pending, an idempotent producer for ever, and may
leave halfway when one of its tasks was cancelled. Here every ending has a deadline, after which
what is left is cancelled and connections are cut; a batch that was not yet on its way is never
sent, so that it cannot arrive after what is sent in its place.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from aiokafka.errors import KafkaError

LAST_WORD_S: Final = 1.0
"""For tasks that were cancelled to notice it."""


async def end_producer(producer: Any, deadline_ms: int) -> None:
    """Drop what is queued, let requests on their way finish, close; in bounded time."""
    producer._closed = True  # noqa: SLF001  # stop() would wait for the queue that is dropped here
    accumulator = producer._message_accumulator  # noqa: SLF001  # as above
    for batch in accumulator._pending_batches:  # noqa: SLF001  # as above
        batch.future.add_done_callback(_observe)
    accumulator._batches.clear()  # noqa: SLF001  # as above
    if not await _in_time(producer._sender.close(), deadline_ms):  # noqa: SLF001  # as above
        await _cut([producer._sender.sender_task])  # noqa: SLF001  # as above
    await _in_time(producer.client.close(), deadline_ms)


async def end_consumer(consumer: Any, deadline_ms: int) -> None:
    """Leave the group (a dynamic member) and close; in bounded time."""
    if await _in_time(consumer.stop(), deadline_ms):
        return
    # stop() was left halfway: end what its parts still run.
    tasks: list[asyncio.Task[Any] | None] = []
    for part in (consumer._coordinator, consumer._fetcher):  # noqa: SLF001  # no public way
        tasks += [value for value in vars(part or _Nothing).values() if _is_task(value)]
    if consumer._fetcher is not None:  # noqa: SLF001  # as above
        tasks += consumer._fetcher._pending_tasks  # noqa: SLF001  # as above
    await _cut(tasks)
    await _in_time(consumer._client.close(), deadline_ms)  # noqa: SLF001  # as above


class _Nothing:
    """Takes the place of a part that was never made."""


def _is_task(value: object) -> bool:
    return isinstance(value, asyncio.Task)


async def _in_time(ending: Coroutine[Any, Any, Any], deadline_ms: int) -> bool:
    """Whether it ended by itself and cleanly; any error but the broker's absence is raised.

    It runs as a task: a cancelled part of the client must not look like our own cancellation.
    """
    task = asyncio.create_task(ending)
    done, _ = await asyncio.wait({task}, timeout=deadline_ms / 1000)
    if not done:
        await _cut([task])
        return False
    if task.cancelled() or isinstance(task.exception(), KafkaError | OSError):
        return False
    task.result()
    return True


async def _cut(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    running = {task for task in tasks if task is not None and not task.done()}
    for task in running:
        task.cancel()
        task.add_done_callback(_observe)
    if running:
        await asyncio.wait(running, timeout=LAST_WORD_S)


def _observe(future: asyncio.Future[Any]) -> None:
    # No task awaits this one any more; an unobserved failure would be logged as a leak.
    if not future.cancelled():
        future.exception()
