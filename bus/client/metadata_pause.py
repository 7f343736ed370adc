"""A short pause after a metadata update that failed.

When a broker stops gracefully with sends pending, aiokafka 0.14 asks for metadata in a loop
without waiting: a full core and ten thousand log lines a second. Nothing else changes.
"""

import asyncio
from typing import Any, Final

from aiokafka.client import AIOKafkaClient

PAUSE_S: Final = 0.25

_update = AIOKafkaClient._metadata_update  # noqa: SLF001  # no public place to wait in


async def _update_then_pause(client: Any, *args: Any, **options: Any) -> bool:
    updated = bool(await _update(client, *args, **options))
    if not updated:
        await asyncio.sleep(PAUSE_S)
    return updated


def install() -> None:
    """Put the pause into aiokafka's clients; calling it again changes nothing."""
    AIOKafkaClient._metadata_update = _update_then_pause  # noqa: SLF001  # as above
