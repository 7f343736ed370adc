"""What ``roadfade hold …`` does at the office's desk, and how it answers.

Exit 0: done. 1: refused, not copied in time (it goes on all the same), or some of what is held does
not open.
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer

from office.errors import OfficeError
from office.holds import register
from office.holds.commanding import commanded
from office.holds.opening import Opened, open_copies
from office.holds.overview import HoldOverview, list_holds, show_hold
from office.keyring.hold_keys import name_of, private_key
from office.keyring.keyring import Keyring
from office.store.database import Database
from roadfade.clock import judging_clock
from roadfade.commands.office_desk import OfficeDesk, desk_of
from roadfade.kek_holder import kek_holder
from roadfade.person.asking import versions
from roadfade.terminal.answers import FAILS, print_json, settings, usage
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant
from telemetry.wire.hold import HoldCommand

LOOK_EVERY_S: Final = 0.2
NOT_YET: Final = (
    "placed, but not every store has copied it yet: see that the office and the sink run "
    "(`roadfade status`); it goes on by itself (`roadfade hold show`), do not place it again"
)
DAMAGED: Final = (
    "{count} files do not open, and their rows are not among these: they were changed, or are of "
    "another hold; what the store still has of them is copied again by itself"
)
NONE: Final = "no legal hold was ever placed: `roadfade hold place` does that"
KEY_LOST: Final = "the keyring has no key for this hold: name the state folder of the office"


class Asked(NamedTuple):
    """What was typed."""

    basis: str
    reference: str
    owner: str
    review_ms: int
    subject: str | None
    device: str | None
    purposes: tuple[str, ...]
    from_ms: int | None
    to_ms: int | None
    end_ms: int | None


def place_hold(ctx: typer.Context, asked: Asked, *, wait_s: float, as_json: bool) -> None:
    """Put it on record, and wait if told so; exit 2 if no version had such a purpose."""
    _require_purposes(asked.purposes)
    desk = desk_of(ctx)
    now_ms, days_max = desk.now_ms(), settings().hold_review_days_max
    new = register.NewHold(
        basis=asked.basis,
        reference=asked.reference,
        owner=asked.owner,
        review_ms=asked.review_ms,
        subject=None if asked.subject is None else SubjectId(asked.subject),
        device=None if asked.device is None else DeviceId(asked.device),
        purposes=asked.purposes or None,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        end_ms=asked.end_ms,
    )

    async def work(database: Database) -> str:
        async with database.writing() as connection:
            return await register.place(connection, new, days_max, now_ms)

    hold = desk.on_database(work)
    copied = wait_s > 0 and asyncio.run(_copied(desk, hold, wait_s))
    if as_json:
        print_json({"hold": hold, "copied": copied} if wait_s else {"hold": hold})
    else:
        typer.echo(f"placed {hold}")
    if wait_s and not copied:
        typer.echo(NOT_YET, err=True)
        raise typer.Exit(FAILS)


def list_placed(ctx: typer.Context, *, as_json: bool) -> None:
    """Every hold, a line each."""
    desk = desk_of(ctx)

    async def work(database: Database) -> list[HoldOverview]:
        async with database.reading() as connection:
            return await list_holds(connection, desk.now_ms())

    found = desk.on_database(work)
    if as_json:
        print_json({"holds": [_told(one) for one in found]})
        return
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo(NONE)


def show_one(ctx: typer.Context, hold: str, *, as_json: bool) -> None:
    """One of them, with what stores have copied and who did what."""
    desk = desk_of(ctx)

    async def work(database: Database) -> HoldOverview:
        async with database.reading() as connection:
            return await show_hold(connection, hold, desk.now_ms())

    one = desk.on_database(work)
    if as_json:
        print_json(_told(one))
        return
    typer.echo("\n".join(_lines(one)))


def review_hold(ctx: typer.Context, hold: str, by: str, review_ms: int, *, as_json: bool) -> None:
    """Note that it is still needed."""
    desk, days_max = desk_of(ctx), settings().hold_review_days_max

    async def work(database: Database) -> None:
        async with database.writing() as connection:
            now_ms = desk.now_ms()
            await register.review(connection, hold, by, review_ms, days_max, now_ms)

    desk.on_database(work)
    _say("reviewed", hold, as_json=as_json)


def release_hold(ctx: typer.Context, hold: str, by: str, *, as_json: bool) -> None:
    """Let it go; the office process destroys its keys within seconds."""
    desk = desk_of(ctx)

    async def work(database: Database) -> None:
        async with database.writing() as connection:
            await register.release(connection, hold, by, desk.now_ms())

    desk.on_database(work)
    _say("released", hold, as_json=as_json)


def open_held(
    ctx: typer.Context, hold: str, to: Path, by: str, copies: Path | None, *, as_json: bool
) -> None:
    """Note who opens it, then write it."""
    desk = desk_of(ctx)
    if to.is_dir() and any(to.iterdir()):
        usage(f"{to} is not empty: name a folder that is, or is new")

    async def work(database: Database) -> list[HoldCommand]:
        async with database.writing() as connection:
            await register.living(connection, hold)
            await register.note(connection, hold, "opened", by, desk.now_ms())
            return await commanded(connection, hold)

    commands = desk.on_database(work)
    opened = _opened(commands, copies or settings().hold_dir, to)
    if as_json:
        print_json({"hold": hold, "rows": opened.rows, "damaged": opened.damaged})
    else:
        for output, rows in sorted(opened.rows.items()):
            typer.echo(f"{output}  {rows:,} rows")
        typer.echo(f"written to {to}: for the case alone")
    if opened.damaged:
        typer.echo(DAMAGED.format(count=len(opened.damaged)), err=True)
        raise typer.Exit(FAILS)


def _opened(commands: Sequence[HoldCommand], copies: Path, to: Path) -> Opened:
    """OfficeError if a key is not here."""
    keys = {}
    kek = kek_holder(settings())
    with closing(Keyring.open_made(settings().keyring_path, kek)) as keyring:
        for one in commands:
            key = keyring.get(*name_of(one.command))
            if key is None:
                raise OfficeError(KEY_LOST)
            keys[one.command] = private_key(key)
    return open_copies(copies, commands, keys, to)


def _require_purposes(purposes: Sequence[str]) -> None:
    if not purposes:
        return
    plans, _ = versions(settings(), judging_clock(settings().fixed_now_ms)())
    known = dict.fromkeys(purpose for plan in reversed(plans) for purpose in plan.titles)
    unknown = sorted(set(purposes) - known.keys())
    if unknown:
        usage(f"no such purpose: {', '.join(unknown)}; the policy has: {', '.join(known)}")


async def _copied(desk: OfficeDesk, hold: str, wait_s: float) -> bool:
    """Whether every store that is known has copied all of it, in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    async with Database.opened(desk.database) as database:
        while True:
            async with database.reading() as connection:
                one = await show_hold(connection, hold, desk.now_ms())
            if one.complete_since_ms is not None or one.empty:
                return True
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(LOOK_EVERY_S)


def _say(done: str, hold: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"done": done, "hold": hold})
    else:
        typer.echo(f"{done} {hold}")


def _line(one: HoldOverview) -> str:
    review = "REVIEW OVERDUE since" if one.overdue else "review by"
    until = f"{review} {format_instant(one.review_ms)}"
    if one.released_ms is not None:
        until = f"released {format_instant(one.released_ms)}"
    return f"{one.hold}  {one.basis}  {one.state}  of a {one.of}  {until}"


def _lines(one: HoldOverview) -> list[str]:
    since = one.complete_since_ms
    whole = "not everything is copied yet" if since is None else format_instant(since)
    lines = [
        _line(one),
        f"  reference: {one.reference}; owner: {one.owner}",
        f"  complete since: {'nothing of it is kept' if one.empty else whole}",
    ]
    for at in one.held:
        store = "no answer yet" if at.store is None else at.store
        unread = f", {at.unreadable} files cannot be read" if at.unreadable else ""
        room = "" if at.complete or at.store is None else ", no room for more"
        lines.append(f"  {at.output}  {store}  {at.rows:,} rows{unread}{room}")
    lines += [f"  {output}  its stores cannot be asked now" for output in one.unreached]
    lines += [f"  {format_instant(e.at_ms)}  {e.what} by {e.who}" for e in one.entries]
    return lines


def _told(one: HoldOverview) -> dict[str, Any]:
    return {
        "hold": one.hold,
        "state": str(one.state),
        "basis": one.basis,
        "reference": one.reference,
        "owner": one.owner,
        "of": one.of,
        "purposes": None if one.purposes is None else list(one.purposes),
        "from": _instant(one.from_ms),
        "to": _instant(one.to_ms),
        "placed": format_instant(one.placed_ms),
        "review_by": format_instant(one.review_ms),
        "review_overdue": one.overdue,
        "end": _instant(one.end_ms),
        "released": _instant(one.released_ms),
        "complete_since": _instant(one.complete_since_ms),
        "held": [
            {
                "output": at.output,
                "store": at.store,
                "rows": at.rows,
                "unreadable": at.unreadable,
                "complete": at.complete,
                "since": _instant(at.since_ms),
            }
            for at in one.held
        ],
        "unreached": list(one.unreached),
        "entries": [
            {"what": e.what, "who": e.who, "at": format_instant(e.at_ms)} for e in one.entries
        ],
    }


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_instant(at_ms)
