"""What a reconciliation looks at: ledger, raw topic, purpose topics, lake.

The order of reading is the point: whatever a worker or the sink does meanwhile makes a later
figure larger than an earlier one asks for, never smaller. What is still on its way is waited for,
for a few seconds; so a look at an installation under load finds nothing that is not there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bus.client.positions import Positions
from bus.failures import BrokerError
from bus.ports import Lag, Offsets
from policy.plan.plan import Output, Plan
from policy.vocabulary.operations import Mesh
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.source import PolicySource
from roadfade.ledger_file import ON_ARRIVAL, LedgerFile, Range
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from roadfade.status.processes import State, highest, total
from roadfade.status.reconciliation import Accounts, Kept, RawRead
from roadfade.status.reports import Heard, hear
from roadfade.stores import holdings_of
from sinks.port.results import Holdings
from sinks.port.sink import StoreTakenError
from telemetry.topics import AUDIT_FLOW, LEDGER_GROUP, RAW, SINK_GROUP, WORKER_GROUP
from telemetry.wire.flow import Ledger

WAIT_S: Final = 8.0
"""For so long what is on its way is waited for: a ledger commits each second, a sink gathers."""
LOOK_EVERY_S: Final = 0.25


def gather_accounts(settings: Settings, ledger_path: Path) -> Accounts:
    """Look once; blocks, for seconds if something is on its way.

    NotReady if the broker is not there or has not what the policy says.
    """
    require_broker(settings)
    try:
        return asyncio.run(_gather(settings, LedgerFile(ledger_path, as_it_is=True)))
    except (BrokerError, TimeoutError) as error:
        msg = f"the broker's topics could not be read ({type(error).__name__}): see its log"
        raise NotReady(msg) from error


async def _gather(settings: Settings, ledger: LedgerFile) -> Accounts:
    broker = connection_of(settings)
    async with PolicySource.open(settings, broker) as source:
        line, partitions = await source.checked()
        plans = [source.plans.plan_if_it_holds(one) for one in source.published.versions]
        kept_topics = line.kept_topics
        described = await source.admin.describe(list(kept_topics))
    purposes = {name: one.partitions for name, one in described.items() if one is not None}
    raw = {RAW: partitions[RAW]}
    flow = {AUDIT_FLOW: partitions[AUDIT_FLOW]}
    async with Positions(broker) as positions:
        begin = await positions.begin({**raw, **purposes})
        committed = await positions.committed(WORKER_GROUP)
        waiting = await _not_folded(positions, flow)
        told = await asyncio.to_thread(ledger.read)
        ranges = await asyncio.to_thread(ledger.ranges)
        sink_committed = await positions.committed(SINK_GROUP)
        sent = await positions.end(purposes)
        swept, held, sunk = await _held(settings, ledger, sent)
        not_counted = await asyncio.to_thread(ledger.files_not_counted)
        end = await positions.end({**raw, **purposes})
        after = await _committed_past(positions, ranges)
        told_after = await asyncio.to_thread(ledger.read)
    raw_read = {
        at: RawRead(begin[at], end[at], committed.get(at), after.get(at))
        for at in end
        if at[0] == RAW
    }
    all_read = all((one.after or 0) >= one.end for one in raw_read.values())
    return Accounts(
        ranges,
        raw_read,
        {at: Lag(sink_committed.get(at), begin[at], end[at]) for at in sent},
        kept_topics,
        held.positions,
        _outputs(told, held, swept, plans),
        waiting,
        sunk,
        all_read and committed == after and told == told_after,
        swept.get(ON_ARRIVAL, 0),
        unclear(await hear(broker, wall_ms), not_counted),
    )


async def _not_folded(positions: Positions, flow: Mapping[str, int]) -> int:
    """How many of the flow records of now the ledger still lacks after a wait."""
    end = await positions.end(flow)
    begin = await positions.begin(flow)
    deadline = time.monotonic() + WAIT_S
    while True:
        folded = await positions.committed(LEDGER_GROUP)
        left = sum(max(0, last - max(folded.get(at, 0), begin[at])) for at, last in end.items())
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(LOOK_EVERY_S)


async def _committed_past(positions: Positions, ranges: Sequence[Range]) -> Offsets:
    """What the workers have committed: a batch is told of first, so wait for its commit."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = await positions.committed(WORKER_GROUP)
        behind = any(found.get((one.topic, one.partition), 0) <= one.last for one in ranges)
        if not behind or time.monotonic() > deadline:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


async def _held(
    settings: Settings, ledger: LedgerFile, sent: Offsets
) -> tuple[Mapping[str, int], Holdings, bool]:
    """What sweeps removed, what is there, and whether all that was sent is in one of both.

    Counted again if a sweep or the sink moved something meanwhile; Refusal if it always did.
    """
    deadline = time.monotonic() + WAIT_S
    while True:
        swept = await asyncio.to_thread(ledger.expired)
        try:
            held = await asyncio.to_thread(holdings_of, settings)
        except StoreTakenError as moving:
            if time.monotonic() > deadline:
                raise Refusal(str(moving)) from None
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        sunk = all(held.positions.get(at, 0) >= end for at, end in sent.items())
        steady = swept == await asyncio.to_thread(ledger.expired)
        if (sunk and steady) or time.monotonic() > deadline:
            return swept, held, sunk and steady
        await asyncio.sleep(LOOK_EVERY_S)


def _outputs(
    told: Ledger, held: Holdings, swept: Mapping[str, int], plans: Sequence[Plan | None]
) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for output in sorted({*told.outputs, *held.readings, *(swept.keys() - {ON_ARRIVAL})}):
        flow = told.outputs.get(output)
        versions = [
            one for plan in plans if plan is not None for one in plan.outputs if one.id == output
        ]
        known = bool(versions) and None not in plans
        found[output] = Kept(
            0 if flow is None else flow.delivered,
            None if held.unreadable.get(output) else held.readings.get(output, 0),
            swept.get(output, 0),
            any(map(_makes_cells, versions)) if known else None,
            max(map(_times_max, versions), default=0) if known else None,
        )
    return found


def _makes_cells(output: Output) -> bool:
    rules = (rule for lane in output.lanes for rule in lane.rules)
    return any(isinstance(one, Mesh) for rule in rules for one in rule.operations)


def _times_max(output: Output) -> int:
    """In how many records a reading may leave: by lane, legal ground and roles it is barred to."""
    ways = {
        (rule.signal, place, rule.basis, rule.not_for)
        for place, lane in enumerate(output.lanes)
        for rule in lane.rules
    }
    return max(Counter(signal for signal, *_ in ways).values(), default=0)


def unclear(heard: Heard, files_not_counted: int = 0) -> list[str]:
    """Why readings may be in no count, as far as the ledger and running processes know."""
    found = []
    if heard.unknown is not None:
        found.append(f"what the processes know of readings in no count is unknown: {heard.unknown}")
    answering = [one for one in heard.processes if one.state is State.RUNNING]
    refused = sum(total(answering, "roadfade_sink_rejected_total").values())
    if refused:
        found.append(f"the sink refused {refused:,.0f} records, whose readings are not counted")
    waiting = sum(highest(answering, "roadfade_unaccounted_readings").values())
    if waiting:
        found.append(f"{waiting:,.0f} removed readings wait to be added to the ledger")
    if files_not_counted:
        found.append(f"sweeps removed {files_not_counted:,} files that they could not count")
    return found
