"""A recorded drive through the policy without Kafka: what each purpose would get of it.

In: a plan and the bytes of envelopes. Out: readings before and after by signal, and the rows of
the ledger. The worker's own processor decides; each envelope is taken as received at once, from
a registered device whose person, in some role, agreed to everything or to nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assessment.rehearsal import ThrowawayKeys, device_of, everybody
from policy.plan.columns import columns_of
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from processors.admission.exact_path import read_exactly
from processors.processor import Processor
from processors.program import build_program
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.instants import parse_instant, to_ms
from telemetry.outcome import Rejected
from telemetry.wire.control import Role
from telemetry.wire.flow import OutputFlow
from telemetry.wire.record import TROUBLE_CODES, decode_record

DRY_RUN_READINGS_MAX: Final = 2_000_000
"""More than this is a fleet, not a drive."""

DriveReading = tuple[int, Any]
"""Milliseconds UTC, and the value."""
DriveReadings = dict[str, list[DriveReading]]
"""By signal, in the order of arrival."""


@dataclass(slots=True)
class DryRun:
    """What went in and what came out."""

    plan: Plan
    agreed: bool
    """To everything; else to nothing."""
    role: Role
    """What the person is to the vehicle."""
    envelopes: int = 0
    before: DriveReadings = field(default_factory=dict)
    after: dict[str, DriveReadings] = field(default_factory=dict)
    """By output."""
    floors_ms: dict[tuple[str, str], int] = field(default_factory=dict)
    """By output and signal: the finest floor of its times."""
    ledger: Mapping[str, OutputFlow] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    unagreed: Mapping[str, OutputFlow] = field(default_factory=dict)
    """The ledger of the same drive if nothing had been agreed to; empty if nothing was."""

    @property
    def readings(self) -> int:
        """How many readings came in."""
        return sum(map(len, self.before.values()))


def dry_run(
    plan: Plan, payloads: Iterable[bytes], *, agreed: bool, role: Role = "driver"
) -> DryRun:
    """Process them all; OverflowError if there are more readings than a drive has.

    What was agreed to is processed without any consent, too: both ledgers stand side by side.
    """
    taken = list(payloads)
    done = _run(plan, taken, agreed=agreed, role=role)
    if agreed:
        done.unagreed = _run(plan, taken, agreed=False, role=role).ledger
    return done


def _run(plan: Plan, taken: Sequence[bytes], *, agreed: bool, role: Role) -> DryRun:
    done = DryRun(plan, agreed, role, after={output.id: {} for output in plan.outputs})
    program = build_program(plan)
    devices = {device for one in taken if (device := device_of(one))}
    people = everybody(devices, grantable(plan) if agreed else (), role)
    processor = Processor(program, people, ThrowawayKeys(), lambda _topic, _key: 0)
    tally = Tally(program)
    state = program.empty_state(Room(DRY_RUN_READINGS_MAX))
    outputs = {output.topic: output.id for output in plan.outputs}
    for payload in taken:
        last_ms = _take(done, payload)
        for record in processor.process(payload, last_ms, last_ms, tally, state):
            _give(done, outputs[record.topic], record.value)
    done.ledger, done.rejected = tally.settle()
    for output in plan.outputs:
        for column in columns_of(plan, output):
            key = (output.id, column.path)
            floor_ms = column.lane.time_floor_ms
            done.floors_ms[key] = min(floor_ms, done.floors_ms.get(key, floor_ms))
    return done


def _take(done: DryRun, payload: bytes) -> int:
    """Record an envelope's readings; return the time of its last one, at which it is received."""
    done.envelopes += 1
    read = read_exactly(payload)
    if isinstance(read, Rejected):
        return 0  # the processor gives the reason of the rejection
    envelope = read.envelope
    t0_ms = to_ms(envelope.clock.t0)
    last_ms = t0_ms
    for path, column in envelope.series.items():
        known = done.before.setdefault(path, [])
        known += [(t0_ms + dt, v) for dt, v in zip(column.dt, column.value, strict=False)]
        last_ms = max([last_ms, *(t0_ms + dt for dt in column.dt)])
    if envelope.dtc:
        done.before.setdefault(TROUBLE_CODES, []).extend((t0_ms, code) for code in envelope.dtc)
    if done.readings > DRY_RUN_READINGS_MAX:
        msg = f"more than {DRY_RUN_READINGS_MAX:,} readings are too many: choose one drive"
        raise OverflowError(msg)
    return last_ms


def _give(done: DryRun, output: str, value: bytes) -> None:
    """Add what a reader of this record learns."""
    record = decode_record(value)
    t0_ms = parse_instant(record.t0)
    told = done.after[output]
    for path, series in record.series.items():
        pairs = zip(series.dt, series.value, strict=True)
        told.setdefault(path, []).extend((t0_ms + dt, v) for dt, v in pairs)
    if record.dtc:
        told.setdefault(TROUBLE_CODES, []).extend((t0_ms, code) for code in record.dtc)
