"""A plan in which every operation stands, each on some signal, and some signals thinned twice."""

from collections.abc import Mapping
from typing import Final

from policy.plan.plan import Plan
from policy.vocabulary.operations import (
    PAIR,
    Bucket,
    Keep,
    MeshH3,
    MeshJis,
    Operation,
    Round,
    ThinCount,
    ThinTime,
)
from telemetry.instants import MINUTE_MS
from telemetry.wire.record import TROUBLE_CODES
from tests.support.plans import (
    BELT,
    FUEL,
    LOCATION,
    ODOMETER,
    RPM,
    SPEED,
    lane,
    output,
    plan,
)

Treated = Mapping[str, tuple[Operation, ...]]
_OPERATIONS: Final[Treated] = {
    SPEED: (ThinTime(10_000), Round(0.5)),
    RPM: (ThinCount(3), Bucket(100.0)),
    FUEL: (Bucket(2.5),),
    BELT: (Keep(),),
    ODOMETER: (Round(1_000.0), Bucket(5_000.0)),
    TROUBLE_CODES: (Keep(),),
    **dict.fromkeys(PAIR, (ThinTime(10_000), MeshJis(500, elsewhere=True))),
}
_OTHERS: Final[Treated] = {
    SPEED: (ThinTime(60_000), Bucket(0.1)),
    RPM: (Round(0.25),),
    FUEL: (ThinCount(2), Keep()),
    **dict.fromkeys(PAIR, (ThinCount(2), MeshH3(7))),
}


def every_operation() -> Plan:
    """Two outputs, three lanes; one lane rests on a person's consent."""
    lanes = [
        lane("30d", 30, 1_000, _OPERATIONS),
        lane("1d", 1, MINUTE_MS, _OTHERS, basis=LOCATION),
    ]
    return plan(output("service", lanes), output("other", [lane("9d", 9, 600_000, _OTHERS)]))
