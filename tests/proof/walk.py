"""Longer and more histories than ``make test`` walks: see ``tests/walk``."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from policy.plan.plan import Plan
from roadfade.commands.policy.choice import policy_or_exit
from roadfade.in_force.documents import shipped_policy_path
from roadfade.local.postgres import SETTINGS, start_postgres
from tests.walk.history import history
from tests.walk.program import Shelf
from tests.walk.shelves import LakeShelf, MemoryShelf, PostgresShelf
from tests.walk.walking import walked
from tests.walk.words import read_policy

ACTS: Final = 80
"""Of a history."""
FAST: Final = {"fsync": "off", "full_page_writes": "off"}
"""No proof pulls the plug: what the disk has not yet, the system has."""


def walk(times: int, seed: int) -> dict[str, Any]:
    """So many histories through each store; AssertionError where one disagrees."""
    plan, words = policy_or_exit(None).plan, read_policy(shipped_policy_path())
    figures, covered = Counter[str](), set[str]()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as dsn:
        for nth in range(times):
            shelves = _shelves(plan, dsn, nth)
            for number, (kind, made) in enumerate(shelves.items()):
                place = Path(folder) / f"{kind}-{nth}"
                acts = history(seed + len(shelves) * nth + number, ACTS)
                done = asyncio.run(walked(place / "office", plan, words, made(place), acts))
                figures += done.figures
                figures[f"histories_{kind}"] += 1
                covered |= done.model.covered
    return {"acts": ACTS, **dict(sorted(figures.items())), "cells": len(covered)}


def _shelves(plan: Plan, dsn: str, nth: int) -> dict[str, Callable[[Path], Shelf]]:
    from sinks.postgres.connection import Database  # noqa: PLC0415  # needs the driver

    return {
        "memory": lambda _: MemoryShelf(plan),
        "lake": lambda place: LakeShelf(plan, place / "lake"),
        "postgres": lambda _: PostgresShelf(plan, Database(dsn, f"walk{nth}")),
    }


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    folder.chmod(0o755)  # the user as which it runs has to enter
    server = start_postgres(folder / "server", {**SETTINGS, **FAST})
    assert not isinstance(server, str), server
    try:
        yield server.dsn
    finally:
        server.stop()
