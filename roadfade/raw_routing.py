"""What keeps a device on its raw partition: the installation's routing key, made once.

In: the state folder. Out: a ``Routing``, or a refusal. ``office init`` makes the key, so that all
front doors of an installation have the same.
"""

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from bus.ports import Broker
from ingest.routing import ROUTING_KEY_BYTES, Routing
from roadfade.raw_partitions import raw_partitions
from roadfade.refusal import NotReady
from roadfade.settings import Settings

OTHERS: Final = 0o077


def make_routing_key(file: Path) -> None:
    """Write a random routing key that only its owner may read; one that is there stays."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(secrets.token_hex(ROUTING_KEY_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        # A link is made whole or not at all, and never in the place of another.
        with suppress(FileExistsError):
            file.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)


def routing_key(file: Path) -> bytes:
    """The installation's routing key; NotReady if there is none, or others may read it."""
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & OTHERS:
                msg = f"{file}: others may read the routing key; chmod 600 it"
                raise NotReady(msg)
            key = bytes.fromhex(opened.read().decode("ascii"))
    except FileNotFoundError as error:
        msg = (
            f"no routing key at {file}: run `roadfade office init`, or copy the file from where "
            "the installation has it, so that each device keeps its partition"
        )
        raise NotReady(msg) from error
    except ValueError as error:
        msg = f"{file} is no routing key: copy the file from another of the installation's folders"
        raise NotReady(msg) from error
    if len(key) != ROUTING_KEY_BYTES:
        msg = f"{file} is no routing key: copy the file from another of the installation's folders"
        raise NotReady(msg)
    return key


async def routing_of(settings: Settings, broker: Broker) -> Routing:
    """Where this installation's devices go; NotReady as ``routing_key`` and ``raw_partitions``."""
    key = await asyncio.to_thread(routing_key, settings.routing_key_path)
    return Routing(key, await raw_partitions(settings, broker))
