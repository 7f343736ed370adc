"""Where an office command works: the database, the policy's consents, the clock, the answer.

In: a piece of work on the registry. Out: row ids, or a refusal (exit 1), as text or one
JSON object. No identifier is ever printed back: terminals and job logs are kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from roadfade.clock import wall_ms
from roadfade.refusal import NOT_PUBLISHED, Refusal
from roadfade.terminal.answers import FAILS, print_json, settings

if TYPE_CHECKING:
    from office.registry.registry import Registry
    from office.store.database import Database
    from policy.plan.consents import Offers

Found = TypeVar("Found")
Work = Callable[["Registry"], Awaitable[str | Sequence[str]]]
"""What a command does with the registry: the ids of the rows concerned."""


def _services() -> Collection[str]:
    from policy.plan.limits import Limits  # noqa: PLC0415  # few commands need the policy
    from roadfade.in_force.recorded import line_here  # noqa: PLC0415

    line = line_here(settings(), Limits())
    # As with consents: a fleet may be registered before the version that lists its service begins.
    return {*line.plan.services, *(line.following.services if line.following else ())}


@dataclass(frozen=True, slots=True)
class OfficeDesk:
    """What the commands need."""

    database: Path
    """The office database's file."""
    grantable: "Callable[[], Offers]"
    """Reads the policy; called only if a consent is given."""
    now_ms: Callable[[], int]
    services: Callable[[], Collection[str]] = _services
    """Reads the policy; called only if a service is named."""

    def require_listed(self, service: str | None) -> None:
        """Refusal if the policy lists no such service: all that such a device sends is rejected."""
        if service is None or service in (listed := self.services()):
            return
        msg = (
            "the policy lists no such service, so every reading of the dongle would be rejected as "
            f"out_of_scope: name one of {', '.join(sorted(listed))}, or publish a version with it"
        )
        raise Refusal(msg)

    def at(self, instant_ms: int | None) -> int:
        """The instant given, else now."""
        return self.now_ms() if instant_ms is None else instant_ms

    def run(
        self,
        work: Work,
        *,
        done: str,
        wait_s: float,
        as_json: bool,
        offers: "Offers | None" = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Do the work in a database opened for it, and say what became of it.

        OfficeError if refused. ``more`` stands beside the answer if that is JSON.

        With ``wait_s``: also wait that long for the office process to publish, else exit 1.
        """
        rows, published = asyncio.run(self._work_and_wait(work, wait_s, offers))
        if as_json:
            facts: dict[str, Any] = {"done": done, "rows": rows, **(more or {})}
            print_json(facts | {"published": published} if wait_s else facts)
        else:
            typer.echo("\n".join(f"{done} {row}" for row in rows))
        if wait_s and not published:
            typer.echo(NOT_PUBLISHED, err=True)
            raise typer.Exit(FAILS)

    def on_database(self, work: "Callable[[Database], Awaitable[Found]]") -> Found:
        """What the work comes to in the database, opened for it; OfficeError if there is none."""
        return asyncio.run(self._on_database(work))

    async def _on_database(self, work: "Callable[[Database], Awaitable[Found]]") -> Found:
        from office.store.database import Database  # noqa: PLC0415  # heavy, as below

        async with Database.opened(self.database) as database:
            return await work(database)

    async def _work_and_wait(
        self, work: Work, wait_s: float, offers: "Offers | None"
    ) -> tuple[list[str], bool]:
        # The database toolkit is heavy, and `--help` needs none.
        from office.outbox import Outbox  # noqa: PLC0415
        from office.registry.registry import Registry  # noqa: PLC0415
        from office.store.database import Database  # noqa: PLC0415

        async with Database.opened(self.database) as database:
            rows = await work(Registry(database, offers or {}))
            outbox = Outbox(database)
            published = wait_s > 0 and await outbox.wait_published(
                await outbox.last_sequence(), wait_s
            )
        return [rows] if isinstance(rows, str) else list(rows), published


def desk_of(ctx: typer.Context) -> OfficeDesk:
    """What a root command supplied, else the desk that the settings name."""
    return ctx.find_object(OfficeDesk) or OfficeDesk(settings().office_path, _offers, wall_ms)


def _offers() -> "Offers":
    from policy.plan.consents import grantable  # noqa: PLC0415  # few commands need the policy
    from policy.plan.limits import Limits  # noqa: PLC0415
    from roadfade.in_force.recorded import line_here  # noqa: PLC0415

    line = line_here(settings(), Limits())
    # People may agree to what the next version asks before it takes effect.
    return grantable(line.plan, *((line.following,) if line.following else ()))
