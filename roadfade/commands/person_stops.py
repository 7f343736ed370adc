"""``roadfade person stop | resume``: a person objects to a use, or takes the objection back.

Workers withhold the person's readings as ``objected`` from when they know it, whatever their time.
"""

from typing import TYPE_CHECKING, Final

import typer

from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.commands.office_desk import desk_of
from roadfade.commands.person_tells import facts_of, say_to_notify, to_notify
from roadfade.in_force.recorded import policy_here
from roadfade.terminal.answers import settings, usage
from telemetry.identity import SubjectId

if TYPE_CHECKING:
    from office.registry.registry import Registry

NEEDS_PURPOSE: Final = "--recipient names a recipient of a purpose: name the purpose, too"


def stop_person(
    ctx: typer.Context,
    subject: str,
    purpose: str | None,
    recipient: str | None,
    *,
    wait_s: float,
    as_json: bool,
) -> None:
    """Put the objection on record; exit 2 if the policy has no such purpose or recipient.

    OfficeError if the office knows nobody of that id.
    """
    if recipient is not None and purpose is None:
        usage(NEEDS_PURPOSE)
    if purpose is not None:
        _require_known(policy_here(settings(), Limits()), purpose, recipient)
    desk = desk_of(ctx)
    now_ms = desk.now_ms()
    purposes = () if purpose is None else (purpose,)
    found = to_notify(desk, SubjectId(subject), purposes, recipient)
    outside = found or ()
    desk.run(
        lambda office: office.object_to(SubjectId(subject), purpose, recipient, now_ms, outside),
        done="stopped",
        wait_s=wait_s,
        as_json=as_json,
        more={"to_notify": facts_of(found)},
    )
    if not as_json:
        say_to_notify(found)


def _require_known(plan: Plan, purpose: str, recipient: str | None) -> None:
    if purpose not in plan.titles:
        usage(f"no such purpose; the policy has: {', '.join(plan.titles)}")
    known = {cell.recipient for cell in plan.cells if cell.purpose == purpose}
    if recipient is not None and recipient not in known:
        usage(f"{purpose} has no such recipient; it has: {', '.join(sorted(known))}")


def resume_person(ctx: typer.Context, restriction: str, *, wait_s: float, as_json: bool) -> None:
    """End the objection now; OfficeError if there is none of that row."""
    desk = desk_of(ctx)
    now_ms = desk.now_ms()

    async def work(office: "Registry") -> str:
        await office.lift(restriction, now_ms)
        return restriction

    desk.run(work, done="resumed", wait_s=wait_s, as_json=as_json)
