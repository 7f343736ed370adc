"""The series a worker exports before anything happened: every closed set of labels, at 0."""

from typing import Final

from bus.failures import RowFault
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.in_force.pauses import pauses_of
from roadfade.loop_observer import bear_loop
from roadfade.metrics import bear
from roadfade.processes.worker.partition_fence import REPARTITIONED
from roadfade.processes.worker.version_switch import Pause
from telemetry.outcome import Rejected, Withheld
from telemetry.topics import AUDIT_FLOW, CONTROL_OF_WORKERS, RAW

PAUSES: Final = (
    *(why for topic in CONTROL_OF_WORKERS for why in pauses_of(topic)),
    *map(str, Pause),
    REPARTITIONED,
)
"""Every reason for which a worker waits."""


def bear_worker() -> None:
    """What is known before the policy is."""
    bear(metrics.REJECTED, Rejected)
    bear(metrics.PAUSED, PAUSES)
    bear(metrics.QUARANTINED, CONTROL_OF_WORKERS, RowFault)
    bear(metrics.QUARANTINED, [AUDIT_FLOW], [RowFault.UNDECODABLE, RowFault.UNPACKING])
    bear(metrics.LATENCY_UNKNOWN, [metrics.Way.RAW_TO_TOPIC])
    bear_loop([RAW])


def bear_outputs(plan: Plan) -> None:
    """The outputs of the version in force."""
    outputs = [output.id for output in plan.outputs]
    bear(metrics.READINGS_IN, outputs)
    bear(metrics.READINGS_DELIVERED, outputs)
    bear(metrics.READINGS_WITHHELD, outputs, Withheld)
