"""Which asyncio tasks a test left behind."""

import asyncio

GRACE_S = 0.5


async def left_behind(before: set[asyncio.Task[object]]) -> list[str]:
    """End the tasks that came after ``before`` and still run, and return what they are."""
    mine = asyncio.current_task()
    new = {task for task in asyncio.all_tasks() if task not in before and task is not mine}
    if not new:
        return []
    # A client that was stopped may need a turn of the loop to end its own tasks.
    _, leaked = await asyncio.wait(new, timeout=GRACE_S)
    names = [repr(task.get_coro()) for task in leaked]
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    return sorted(names)
