"""``roadfade publish --check``: what would happen to envelopes, determined without Kafka.

The worker's own processor judges them, over the compiled plan and what the office knows.
Out: counts, reasons and remedies; no value and no identifier.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from assessment.rehearsal import Rehearsal, device_of, everybody_agrees
from ingest import envelope_check
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.program import build_program
from roadfade.clock import wall_ms
from roadfade.commands.vehicles.foreign import Foreign, read_foreign
from roadfade.commands.vehicles.payloads import Payload, read_payloads
from roadfade.commands.vehicles.registration import people_of
from roadfade.in_force.recorded import policy_here
from roadfade.settings import Settings
from roadfade.terminal.answers import FAILS, print_json
from telemetry.wire.flow import OutputFlow


def main(
    settings: Settings,
    files: Sequence[str],
    *,
    as_known: bool,
    as_json: bool,
    foreign: Foreign | None = None,
) -> None:
    """Print the outcome of every envelope; exit 1 if anything would be rejected.

    ``as_known``: as if each dongle were registered and its person had agreed to everything.
    ``foreign``: the files are messages of another system.
    """
    made = None if foreign is None else read_foreign(files, foreign)
    payloads = read_payloads(files) if made is None else made.payloads
    plan = policy_here(settings, Limits())
    devices = {device for payload in payloads if (device := device_of(payload.value))}
    if as_known:
        people = everybody_agrees(plan, devices)
    else:
        people = asyncio.run(people_of(settings, devices)) or PackedPeople()
    rehearsal = Rehearsal(build_program(plan), people, wall_ms())
    judgements = [judge(payload, rehearsal, plan) for payload in payloads]
    admitted = not any(judgement.checked.findings for judgement in judgements)
    if as_json:
        told = {"admitted": admitted, "envelopes": [as_object(one) for one in judgements]}
        print_json(told if made is None else told | {"left_out": made.left_out})
    else:
        lines = [line for one in judgements for line in as_lines(one)]
        typer.echo("\n".join(lines if made is None else lines + made.report()))
    if not admitted:
        raise typer.Exit(FAILS)


class Judgement(NamedTuple):
    """What would happen to one envelope."""

    where: str
    checked: envelope_check.Checked
    rows: dict[str, OutputFlow]


def judge(payload: Payload, rehearsal: Rehearsal, plan: Plan) -> Judgement:
    """One envelope's findings, and its rows by output."""
    checked = envelope_check.check_envelope(
        payload.value, lambda value: rehearsal.outcome(value)[1], plan.catalogue, plan.collected
    )
    return Judgement(payload.where, checked, rehearsal.outcome(payload.value)[0])


def as_object(judgement: Judgement) -> dict[str, Any]:
    """A judgement as JSON."""
    checked = judgement.checked
    return {
        "envelope": judgement.where,
        "readings": checked.readings,
        "admitted": checked.admitted,
        "findings": [
            {"reason": str(f.reason), "place": f.place, "readings": f.readings, "remedy": f.remedy}
            for f in checked.findings
        ],
        "not_collected": list(checked.not_collected),
        "outputs": {
            name: {"in": row.entered, "delivered": row.delivered, "withheld": row.withheld}
            for name, row in sorted(judgement.rows.items())
        },
    }


def as_lines(judgement: Judgement) -> list[str]:
    """A judgement for a person."""
    lines = [f"{judgement.where}: {line}" for line in envelope_check.report(judgement.checked)]
    if judgement.checked.admitted:
        lines += [f"  {name}: {_row(row)}" for name, row in sorted(judgement.rows.items())]
    return lines


def _row(row: OutputFlow) -> str:
    withheld = ", ".join(f"{why} {count:,}" for why, count in sorted(row.withheld.items()))
    return f"{row.delivered:,} delivered" + (f"; withheld: {withheld}" if withheld else "")
