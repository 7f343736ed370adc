"""``roadfade publish --check``: what would become of envelopes, told without Kafka.

The worker's own processor judges them, over the compiled plan and what the office knows.
Out: counts, reasons and remedies; no value and no identifier.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
import typer

from ingest import check
from policy.plan.consents import Grantable, grantable
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.people import People
from processors.processor import Processor
from processors.program import Program, build_program
from processors.seat import KeyName
from processors.tally import Tally
from roadfade.acquaintance import people_of
from roadfade.answers import FAILS, print_json
from roadfade.clock import wall_ms
from roadfade.publish_command import Payload, read_payloads
from roadfade.recorded import policy_here
from roadfade.settings import Settings
from telemetry.control import ConsentInterval, DeviceRegistration, LinkInterval, Role
from telemetry.flow import OutputFlow
from telemetry.identity import DeviceId, EpochKey, LinkSecret, SubjectId
from telemetry.outcome import Rejected


class ThrowawayKeys(dict[KeyName, EpochKey]):
    """Keys for pseudonyms that nobody will see: nothing of a check leaves it but counts."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: KeyName) -> EpochKey:
        return EpochKey(hashlib.sha256("|".join(name).encode()).digest())


class Rehearsal:
    """Runs the worker's processor on one payload at a time, each for itself."""

    def __init__(self, program: Program, people: People, now_ms: int) -> None:
        self._program = program
        self._processor = Processor(program, people, ThrowawayKeys(), lambda _topic, _key: 0)
        self._now_ms = now_ms

    def outcome(self, payload: bytes) -> tuple[dict[str, OutputFlow], Counter[Rejected]]:
        """Rows by output, and what would be rejected, were it received now."""
        tally = Tally(self._program)
        self._processor.process(payload, self._now_ms, self._now_ms, tally)
        return tally.settle()[0], Counter(tally.rejected)


def main(settings: Settings, files: Sequence[str], *, as_known: bool, as_json: bool) -> None:
    """Say it of every envelope; exit 1 where anything would be rejected.

    ``as_known``: as if each dongle were registered and its person had agreed to everything.
    """
    payloads = read_payloads(files)
    plan = policy_here(settings, Limits())
    devices = {device for payload in payloads if (device := device_of(payload.value))}
    if as_known:
        people = everybody_agrees(plan, devices)
    else:
        people = asyncio.run(people_of(settings, devices)) or People()
    rehearsal = Rehearsal(build_program(plan), people, wall_ms())
    judgements = [judge(payload, rehearsal, plan) for payload in payloads]
    admitted = not any(judgement.checked.findings for judgement in judgements)
    if as_json:
        print_json({"admitted": admitted, "envelopes": [as_object(one) for one in judgements]})
    else:
        typer.echo("\n".join(line for one in judgements for line in as_lines(one)))
    if not admitted:
        raise typer.Exit(FAILS)


class Judgement(NamedTuple):
    """What would become of one envelope."""

    where: str
    checked: check.Checked
    rows: dict[str, OutputFlow]


def judge(payload: Payload, rehearsal: Rehearsal, plan: Plan) -> Judgement:
    """One envelope's findings, and its rows by output."""
    checked = check.check(
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
    lines = [f"{judgement.where}: {line}" for line in check.report(judgement.checked)]
    if judgement.checked.admitted:
        lines += [f"  {name}: {_row(row)}" for name, row in sorted(judgement.rows.items())]
    return lines


def _row(row: OutputFlow) -> str:
    withheld = ", ".join(f"{why} {count:,}" for why, count in sorted(row.withheld.items()))
    return f"{row.delivered:,} delivered" + (f"; withheld: {withheld}" if withheld else "")


def device_of(payload: bytes) -> str | None:
    """Whose envelope it is, where that can be told."""
    try:
        loose = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    device = loose.get("device") if isinstance(loose, dict) else None
    return device if isinstance(device, str) else None


def everybody_agrees(plan: Plan, devices: Collection[str]) -> People:
    """Each device registered and linked for ever to a driver who consents to all there is."""
    return everybody(devices, grantable(plan), "driver")


def everybody(devices: Collection[str], agreed: Collection[Grantable], role: Role) -> People:
    """Each device registered and linked for ever to one person, who agreed to these."""
    people = People()
    subject = SubjectId("anybody")
    for number, device in enumerate(devices):
        known = DeviceId(device)
        people.apply(b"d%d" % number, DeviceRegistration(known, 0))
        link = LinkInterval(f"l{number}", known, subject, LinkSecret(bytes(32)), 0, None, role)
        people.apply(b"l%d" % number, link)
    for number, asked in enumerate(sorted(agreed, key=str)):
        name = f"c{number}"
        consent = ConsentInterval(name, subject, *asked, 0, None)
        people.apply(name.encode(), consent)
    return people
