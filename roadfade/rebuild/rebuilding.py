"""An office that is lost, made anew from the control topics: beside its place, then in it.

In: settings, a broker that lives. Out: an office's database, or a refusal and nothing. While
``_rebuilding`` lies in the state folder no process starts. Killed at any step there is either no
office, and the rebuild begins anew, or the new one in its place.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from bus.failures import BrokerError
from bus.ports import Broker
from office.rebuilt.build import Built, build
from office.rebuilt.sorted_rows import Rows, sort_out
from office.replay_memory.memory import ReplayMemory
from office.restored.amended import Since
from office.store.database import Database
from roadfade.backup.beside import NEW_MEMORY, memory_of
from roadfade.backup.manifest import sync_folder
from roadfade.backup.schemas import OFFICE
from roadfade.backup.sole_work import sole_work
from roadfade.in_force.broker import limits_on
from roadfade.in_force.plans import Plans, line_at
from roadfade.kek_holder import has_kek
from roadfade.rebuild.lacking import Lack, lacks
from roadfade.rebuild.place import make_durable, remove, require_place, take_place
from roadfade.rebuild.steps import Hook, Step, go_on
from roadfade.rebuild.topics import Found, Tell, missing_topics, read_topics, require_silence
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from telemetry.topics import CONTROL_CONSENTS, CONTROL_POLICIES, erase_topics

LINES_MAX: Final = 20
"""Of what is lacking, in a refusal."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lies on the topics, and what of it is lacking."""

    found: Found
    rows: Rows
    lacking: list[Lack]
    as_of_ms: int
    """When the oldest of the newest heartbeats was sent: what is known is of then, at least."""
    high_water: int
    """The highest sequence that may have been published."""
    unvouched: int
    """Records behind the newest heartbeats: the office's last, and no heartbeat tells of them."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did, or would do."""

    outlook: Outlook
    built: Built | None
    """None: it was only looked."""
    has_memory: bool
    has_keyring: bool
    heads: int
    """Files of heads of the receipts' chain that was lost."""
    moved_aside: Path | None = None


def look(settings: Settings, broker: Broker, clock: Callable[[], int], tell: Tell) -> Rebuilt:
    """What a rebuild would find; changes nothing, and may run beside an office. Blocks."""
    now_ms = clock()
    with TemporaryDirectory() as scratch:
        memory = memory_of(settings, Path(scratch) / NEW_MEMORY, now_ms)
        outlook = asyncio.run(_outlook(settings, broker, memory, now_ms, tell))
    return _rebuilt(settings, outlook, None)


def rebuild(
    settings: Settings,
    broker: Broker,
    clock: Callable[[], int],
    tell: Tell,
    *,
    incomplete: bool = False,
    move_aside: bool = False,
    at: Hook = go_on,
) -> Rebuilt:
    """Rebuild; Refusal if there is an office, the topics lack rows, or somebody publishes. Blocks.

    ``incomplete`` takes topics that lack rows; then every link and consent ends. ``move_aside``
    gives a database that is there another name.
    """
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with sole_work(settings.state_dir) as sole:
        if not sole:
            msg = "another rebuild is at work here, or a drill: let it end, and repeat"
            raise Refusal(msg)
        how = _How(incomplete, move_aside, at)
        return _rebuild(settings, broker, clock(), tell, how)


class _How(NamedTuple):
    incomplete: bool
    move_aside: bool
    at: Hook


def _rebuild(settings: Settings, broker: Broker, now_ms: int, tell: Tell, how: _How) -> Rebuilt:
    folder = settings.rebuilding_dir
    remove(folder)
    there = require_place(settings, move_aside=how.move_aside)
    folder.mkdir(mode=0o700, parents=True)
    sync_folder(folder.parent)
    how.at(Step.BEGUN)
    try:
        memory = memory_of(settings, folder / NEW_MEMORY, now_ms)
        outlook = asyncio.run(_outlook(settings, broker, memory, now_ms, tell))
        if not how.incomplete:
            _require_complete(outlook.lacking)
        with _answers():
            asyncio.run(require_silence(broker, outlook.found, settings.heartbeat_every_s))
        built = asyncio.run(_build(folder / OFFICE, outlook, memory, now_ms))
        make_durable(folder / OFFICE)
        how.at(Step.BUILT)
        # Whoever let one be moved aside saw that one, and none that came meanwhile.
        require_place(settings, move_aside=there)
    except Exception:
        # What was refused is no rebuild under way, and what it read is nobody's to keep.
        remove(folder)
        raise
    moved = take_place(settings, now_ms, how.at)
    remove(folder)
    return _rebuilt(settings, outlook, built, moved)


def _require_complete(lacking: list[Lack]) -> None:
    """Refusal if anything is lacking."""
    if not lacking:
        return
    lines = [str(one) for one in lacking[:LINES_MAX]]
    if len(lacking) > LINES_MAX:
        lines.append(f"and {len(lacking) - LINES_MAX:,} more")
    msg = (
        "the control topics do not hold all that the office had published, so a rebuilt one could "
        "lack a withdrawal or an objection:\n"
        + "\n".join(lines)
        + "\nGo back to a backup (roadfade restore), which takes out what was removed since; or "
        "take what lies there with --incomplete-too: every link and consent ends then, and people "
        "have to be registered, and asked, again"
    )
    raise Refusal(msg)


async def _outlook(
    settings: Settings, broker: Broker, memory: ReplayMemory, now_ms: int, tell: Tell
) -> Outlook:
    with _answers():
        found = await read_topics(broker, tell)
        rows = sort_out(found.records())
        needed, unknown = await _needed(settings, broker, rows, now_ms)
    with memory.known() as known:
        missing = missing_topics(found, needed)
        lacking = unknown + lacks(found, missing, rows.unreadable, known, now_ms)
    every = found.lying.values()
    unvouched = sum(one.unvouched for one in every)
    return Outlook(
        found,
        rows,
        lacking,
        min([now_ms, *(one.beat.at_ms for one in every if one.beat and one.beat.at_ms)]),
        max((one.high_water for one in every), default=0) + unvouched,
        unvouched,
    )


async def _needed(
    settings: Settings, broker: Broker, rows: Rows, now_ms: int
) -> tuple[tuple[str, ...], list[Lack]]:
    """The topics of commands that the version in force has; what is not known of them."""
    if not rows.versions:
        return (), [Lack(CONTROL_POLICIES, None, "no version of the policy lies there")]
    async with broker.admin() as admin:
        limits = await limits_on(settings, admin)
    plans = await asyncio.to_thread(Plans, limits, settings.state_dir)
    versions = [version for version, _ in rows.versions]
    judged_ms = settings.fixed_now_ms or now_ms
    try:
        line = await asyncio.to_thread(line_at, versions, plans, judged_ms)
    except NotReady:
        why = "no version that lies there is in force and holds here (`roadfade policy check`)"
        return (), [Lack(CONTROL_POLICIES, None, why)]
    return erase_topics(one.topic for one in line.plan.outputs), []


async def _build(file: Path, outlook: Outlook, memory: ReplayMemory, now_ms: int) -> Built:
    since = Since(outlook.as_of_ms, now_ms, bool(outlook.lacking))
    database = await Database.create(file)
    try:
        with memory.known() as known:
            new = outlook.found.new(CONTROL_CONSENTS)
            return await build(database, outlook.rows, known, since, outlook.high_water, new)
    finally:
        await database.close()


def _rebuilt(
    settings: Settings, outlook: Outlook, built: Built | None, moved: Path | None = None
) -> Rebuilt:
    heads = settings.receipt_heads_dir
    return Rebuilt(
        outlook,
        built,
        has_memory=settings.suppressions_path.is_file(),
        has_keyring=settings.keyring_path.is_file() and has_kek(settings),
        heads=len(list(heads.glob("*.json"))) if heads.is_dir() else 0,
        moved_aside=moved,
    )


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (BrokerError, TimeoutError) as failure:
        msg = (
            f"the control topics could not be read ({type(failure).__name__}): see that the broker "
            "runs and that this user may read them, and repeat"
        )
        raise Refusal(msg) from None
