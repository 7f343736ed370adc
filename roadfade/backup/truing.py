"""A backup's copy made true again, before anything of it is served.

In: a backup, an empty folder, the memory of what was removed. Out: office, ledger, keyring and lake
in that folder, or rows in PostgreSQL beside their place, without whatever ended, was erased or
withdrawn since; and what was done, in counts.
"""

import asyncio
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from office.consent_evidence.officers_file import OfficersFile
from office.keyring.kek import KekHolder
from office.replay_memory.memory import ReplayMemory
from office.restored.amend import amend
from office.restored.amended import Amended, Since
from office.restored.commands import every_command
from office.restored.persons import secrets_to_forget
from office.store.database import Database
from roadfade.backup.copied_keyring import pseudonyms_of, require_key
from roadfade.backup.manifest import Tell, sync_folder
from roadfade.backup.schemas import EVIDENCE, KEYRING, LAKE, LEDGER, MEMORY, OFFICE, POSTGRES
from roadfade.backup.source import Source
from roadfade.backup.steps import Hook, Step
from roadfade.copied_stores import StoreBeside, lake_in
from roadfade.ledger_file import LedgerFile
from roadfade.refusal import Refusal
from roadfade.stores import HeldStore
from sinks.lake.durable import write_file
from sinks.port.selection import Selection
from telemetry.identity import LinkSecret, Pseudonym
from telemetry.instants import format_instant
from telemetry.wire.erasure import EraseCommand

_TOKEN_BYTES: Final = 8


@dataclass(slots=True)
class Trued:
    """What was done to a copy; nobody's own."""

    office: Amended = field(default_factory=Amended)
    commands: int = 0
    """Commands of erasure, living or not; each was carried out on the rows."""
    erased: int = 0
    """Rows that they meant, or of who asked to be forgotten and was not commanded."""
    expired: int = 0
    """Readings that had ended meanwhile."""
    rows: int = 0
    """Rows that are left."""
    left: int = 0
    """Rows that are meant, are overdue or cannot be judged: 0, or nothing is restored."""
    warnings: list[str] = field(default_factory=list)
    """What could not be seen, in words."""
    store: str | None = None
    """Where rows are put back: ``lake`` or ``postgres``; None: there are none."""
    compared: int = 0
    """Partitions in PostgreSQL that held what was copied, by the digests of their rows: all."""


@dataclass(frozen=True, slots=True)
class Today:
    """What there is beside the backup."""

    memory: ReplayMemory
    keyring: Path
    """It need not be there."""
    kek: KekHolder
    compression: str
    now_ms: int
    replay_ms: int
    beside: StoreBeside | None
    """Where rows of a store in PostgreSQL are put back to."""
    lost: bool = False
    """There is no memory but the backup's: what ended since is known to nobody."""


def make_true(source: Source, folder: Path, today: Today, tell: Tell, at: Hook) -> Trued:
    """Copy the backup into an empty folder, and bring it up to today. Blocks.

    Refusal if it cannot be, or something that should go is left.
    """
    source.copy(folder, tell)
    at(Step.COPIED)
    warning = require_key(folder / KEYRING, today.keyring, today.kek)
    today.memory.merge(folder / MEMORY, today.now_ms, today.replay_ms)
    (folder / MEMORY).unlink()
    _require_memory(source, today)
    at(Step.REMEMBERED)
    done = Trued(warnings=[] if warning is None else [warning])
    commands, asked = asyncio.run(_amend(folder / OFFICE, source, today, done))
    at(Step.AMENDED)
    store = _store(source, folder, today, done, tell, at)
    if store is not None:
        gone = _erase(store, commands, today.now_ms, done)
        found = pseudonyms_of(asked, (today.keyring, folder / KEYRING), today.kek)
        gone += _erase_asked(store, found, today.now_ms, done)
        at(Step.ERASED)
        _expire(store, folder / LEDGER, gone, today.now_ms, done)
    _expire_evidence(folder / EVIDENCE, today.now_ms)
    at(Step.EXPIRED)
    if today.keyring.is_file():
        (folder / KEYRING).unlink(missing_ok=True)  # today's knows what was destroyed
    return done


def _expire_evidence(file: Path, now_ms: int) -> None:
    evidence = OfficersFile(file)
    if evidence.found():
        evidence.expire(now_ms)
        evidence.scrub_if_needed()


async def _amend(
    file: Path, source: Source, today: Today, done: Trued
) -> tuple[list[EraseCommand], list[LinkSecret]]:
    since = Since(source.data.made_ms, today.now_ms, today.lost)
    async with Database.opened(file) as database:
        with today.memory.known() as known:
            done.office = await amend(database, known, since)
            commands = await every_command(database, known)
        asked = await secrets_to_forget(database)
    done.commands = len(commands)
    return commands, asked


def _require_memory(source: Source, today: Today) -> None:
    with today.memory.known() as known:
        since_ms, copied_ms = known.since_ms, known.copied_ms
    if copied_ms is not None and not today.lost:
        msg = (
            f"{MEMORY} in the state folder is a backup's copy of {format_instant(copied_ms)}, and "
            "does not know what was removed later: put the one of the office that was lost there. "
            "If that is lost: move the copy away, and --memory-lost restores no rows, and ends "
            "every link and consent"
        )
        raise Refusal(msg)
    if source.data.made_ms + today.replay_ms <= today.now_ms:
        msg = (
            f"this backup is of {source.data.made_at}, and what was removed since is remembered "
            "for replay_days: use a newer one"
        )
        raise Refusal(msg)
    if not today.lost and since_ms > source.data.made_ms:
        msg = (
            f"what was removed before {format_instant(since_ms)} is not remembered here, and this "
            f"backup is of {source.data.made_at}: use a newer one, or put the file {MEMORY} of the "
            "office that was lost into the state folder. If that is lost, too: --memory-lost "
            "restores no rows, and ends every link and consent"
        )
        raise Refusal(msg)


def _store(
    source: Source, folder: Path, today: Today, done: Trued, tell: Tell, at: Hook
) -> HeldStore | None:
    """The rows as they were, where nobody reads them; None if none are to be put back."""
    if today.lost:
        if (folder / LAKE).is_dir():
            shutil.rmtree(folder / LAKE)
        return None
    if source.has_postgres and today.beside is not None:
        token = secrets.token_hex(_TOKEN_BYTES)
        # Named before it is there: what is named and lacks is never taken for done.
        write_file(folder / POSTGRES, token.encode())
        sync_folder(folder)
        done.store = POSTGRES
        done.compared = today.beside.put_back(source.data_dir / POSTGRES, token, tell)
        at(Step.PUT_BACK)
        return today.beside.store()
    if (folder / LAKE).is_dir():
        done.store = LAKE
        return lake_in(folder / LAKE, today.compression)
    return None


def _erase(
    store: HeldStore, commands: Sequence[EraseCommand], now_ms: int, done: Trued
) -> Counter[str]:
    """Have every command carried out; what is gone, by output."""
    by_output = Counter[str]()
    for command in commands:
        receipt = store.erase(command.output, Selection.of(command), now_ms)
        by_output[command.output] += receipt.located_before - receipt.located_after
        done.left += receipt.located_after + receipt.unreadable
    done.erased = by_output.total()
    return +by_output


def _erase_asked(
    store: HeldStore, pseudonyms: frozenset[Pseudonym], now_ms: int, done: Trued
) -> Counter[str]:
    """Remove what was asked to be, and was commanded nowhere: until the office is, it is served."""
    by_output = Counter[str]()
    for output in sorted(store.holdings().readings) if pseudonyms else ():
        receipt = store.erase(output, Selection(pseudonyms), now_ms)
        by_output[output] += receipt.located_before - receipt.located_after
        done.left += receipt.located_after + receipt.unreadable
    done.erased += by_output.total()
    return +by_output


def _expire(
    store: HeldStore, ledger: Path, by_output: Counter[str], now_ms: int, done: Trued
) -> None:
    """Remove what has ended, and account for all that is gone: else it would seem to be lost."""
    swept = store.expire(now_ms)
    done.expired = swept.rows
    by_output.update(swept.by_output)
    done.left += len(swept.left) + sum(one.files for one in store.overdue(now_ms))
    if ledger.is_file() and by_output:
        LedgerFile(ledger).add_expired(by_output)
    holdings = store.holdings()
    done.rows = sum(holdings.readings.values())
    done.left += sum(holdings.unreadable.values())
    if done.left:
        msg = (
            f"{done.left} rows or files that should be gone are left, or cannot be read, so that "
            "nothing was restored: look at the backup (roadfade backup verify), or use another"
        )
        raise Refusal(msg)
