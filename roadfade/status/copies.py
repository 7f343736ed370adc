"""What lies on broker and disk, held against the register of copies. Reads names, never contents.

In: a broker, the state folder, the store's own survey. Out: how much of each kind there is, what is
in no register, and what could not be looked at.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bus.failures import BrokerError
from bus.ports import Broker
from roadfade.in_force.source import PolicySource
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.status.copy_register import DEMO, LAKE, groups, kind_of, topics_of
from roadfade.stores import store_of
from sinks.port.results import Oddity

LAKES = (LAKE, f"{DEMO}{LAKE}")


@dataclass
class Copies:
    """What was found. Names of topics, groups and files alone."""

    topics: list[str] = field(default_factory=list)
    """Those that a version of the policy has."""
    files: Counter[str] = field(default_factory=Counter)
    """How many of each kind."""
    bytes: Counter[str] = field(default_factory=Counter)
    """How large they are together."""
    strange_topics: list[str] = field(default_factory=list)
    strange_groups: list[str] = field(default_factory=list)
    strange_files: list[str] = field(default_factory=list)
    """By path below the state folder, printable."""
    unknown: list[str] = field(default_factory=list)
    """What could not be looked at, in sentences."""

    @property
    def unregistered(self) -> int:
        """How many names are in no register."""
        return len(self.strange_topics) + len(self.strange_groups) + len(self.strange_files)


async def on_broker(settings: Settings, broker: Broker, found: Copies) -> None:
    """Look at topics and groups; NotReady if the broker does not answer, or is unfit."""
    try:
        async with PolicySource.open(settings, broker) as source:
            versions = source.published.versions
            plans = await asyncio.to_thread(
                lambda: [(one, source.plans.plan_if_it_holds(one)) for one in versions]
            )
            names, readers = await source.admin.names(), await source.admin.groups()
    except (BrokerError, TimeoutError) as error:
        msg = f"the broker's topics could not be listed ({type(error).__name__}): see its log"
        raise NotReady(msg) from error
    if source.published.unreadable:
        found.unknown.append("a published version cannot be read: its topics are not known")
    for one, plan in plans:
        if plan is None:
            found.unknown.append(
                f"version {one.version} of the policy does not hold here: its topics are not known"
            )
    known = topics_of(plan for _, plan in plans if plan is not None)
    found.topics = [name for name in names if name in known]
    found.strange_topics = [printable(name) for name in names if name not in known]
    found.strange_groups = [printable(name) for name in readers if name not in groups()]


def on_disk(settings: Settings, found: Copies) -> None:
    """Look at the state folder and the lake. Blocks."""
    for path, size in _files(settings.state_dir, found):
        kind = kind_of(path)
        if kind is None or size is None:
            found.strange_files.append(printable(path))
        else:
            found.files[kind] += 1
            found.bytes[kind] += size
    for lake in LAKES:
        where = settings.model_copy(update={"state_dir": (settings.state_dir / lake).parent})
        if not where.lake_dir.is_dir():
            continue
        strange = store_of(where).strange()
        foreign = [one.place for one in strange if one.oddity is Oddity.FOREIGN]
        found.strange_files += [f"{lake}/{place}" for place in foreign]


def printable(name: str) -> str:
    """A name as one printable line: it may hold any byte."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def _files(root: Path, found: Copies) -> Iterator[tuple[str, int | None]]:
    """Every file below the folder but the lake's: its path, and its size; a link has none."""

    def unread(error: OSError) -> None:
        place = printable(os.path.relpath(error.filename or root, root))
        found.unknown.append(f"the folder {place} cannot be listed ({error.strerror})")

    for folder, folders, names in os.walk(root, onerror=unread):
        below = os.path.relpath(folder, root)
        prefix = "" if below == "." else f"{below}/"
        folders[:] = sorted(name for name in folders if prefix + name not in LAKES)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder, name)
            try:
                yield prefix + name, None if path.is_symlink() else path.stat().st_size
            except FileNotFoundError:
                continue  # it went meanwhile
