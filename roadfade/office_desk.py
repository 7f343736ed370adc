"""Where an office command works: the database, the policy's consents, the clock, the answer.

In: a piece of work on the registry. Out: row ids, or a refusal (exit 1), as text or one
JSON object. No identifier is ever printed back: terminals and job logs are kept.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from office.errors import OfficeError
from roadfade.clock import wall_ms
from roadfade.refusal import NOT_PUBLISHED, settings

if TYPE_CHECKING:
    from office.grantable import Offers
    from office.outbox import Outbox
    from office.registry import Registry


@dataclass(frozen=True, slots=True)
class OfficeDesk:
    """What the commands need."""

    database: str
    """URL of the office database."""
    grantable: "Callable[[], Offers]"
    """Reads the policy; called only where a consent is given."""
    now_ms: Callable[[], int]


def desk_of(ctx: typer.Context) -> OfficeDesk:
    """What a root command supplied, else the desk that the settings name."""
    return ctx.find_object(OfficeDesk) or OfficeDesk(settings().office_database, _offers, wall_ms)


def _offers() -> "Offers":
    from office.grantable import grantable  # noqa: PLC0415  # few commands need the policy
    from policy.limits import Limits  # noqa: PLC0415
    from roadfade.recorded import line_here  # noqa: PLC0415

    line = line_here(settings(), Limits())
    # People may agree to what the next version asks before it takes effect.
    return grantable(line.plan, *((line.following,) if line.following else ()))


def or_now(desk: OfficeDesk, instant_ms: int | None) -> int:
    """The instant given, else now."""
    return desk.now_ms() if instant_ms is None else instant_ms


Work = Callable[["Registry"], Awaitable[Sequence[str]]]


def run_at_desk(
    desk: OfficeDesk,
    work: Work,
    done: str,
    wait_s: float,
    *,
    as_json: bool,
    grantable: "Offers | None" = None,
) -> None:
    """Do the work in a database opened for it, and say what became of it.

    With ``wait_s``: also wait that long for the office process to publish, else exit 1.
    """
    try:
        rows, published = asyncio.run(_work_and_wait(desk, work, wait_s, grantable))
    except OfficeError as refusal:
        _say({"refused": str(refusal)}, f"refused: {refusal}", as_json=as_json, refusal=True)
        raise typer.Exit(1) from None
    facts: dict[str, Any] = {"done": done, "rows": list(rows)}
    if wait_s:
        facts["published"] = published
    _say(facts, "\n".join(f"{done} {row}" for row in rows), as_json=as_json)
    if wait_s and not published:
        typer.echo(NOT_PUBLISHED, err=True)
        raise typer.Exit(1)


async def _work_and_wait(
    desk: OfficeDesk, work: Work, wait_s: float, grantable: "Offers | None"
) -> tuple[Sequence[str], bool]:
    # The database toolkit is heavy, and `--help` needs none.
    from office.database import Database  # noqa: PLC0415
    from office.outbox import Outbox  # noqa: PLC0415
    from office.registry import Registry  # noqa: PLC0415

    database = await Database.open(desk.database)
    try:
        rows = await work(Registry(database, grantable or {}))
        published = wait_s > 0 and await _told(Outbox(database), wait_s)
    finally:
        await database.close()
    return rows, published


async def _told(outbox: "Outbox", wait_s: float) -> bool:
    return await outbox.wait_published(await outbox.last_sequence(), wait_s)


def _say(facts: dict[str, Any], text: str, *, as_json: bool, refusal: bool = False) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        typer.echo(text, err=refusal)
