"""The exact path: an envelope judged reading by reading.

It does every envelope where there is no core, and the unusual ones where there is. Good readings
go on; bad ones are counted under a reason. Nothing of a payload leaves here but what is admitted.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from policy.plan.plan import Plan
from processors.admission.admitted import Admitted
from processors.admission.columns import admit_columns
from processors.admission.unopened import Unopened
from processors.program import Program
from telemetry.instants import DAY_MS, to_ms
from telemetry.outcome import Rejected
from telemetry.wire.envelope import (
    ENVELOPE_BYTES_MAX,
    ENVELOPE_VERSION,
    READINGS_MAX,
    TROUBLE_CODE,
    TROUBLE_CODES_MAX,
    Envelope,
    with_plain_times,
)
from telemetry.wire.envelope_content import content_of, readings_said

AHEAD_MS_MAX: Final = DAY_MS
"""Events further ahead of their reception are rejected: no purpose opens by a wrong date."""

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a text that it does not take."""

_IS_CODE: Final = re.compile(TROUBLE_CODE)


class Read(NamedTuple):
    """An envelope, its content's digest, and what of its trouble codes was left out."""

    envelope: Envelope
    content: bytes
    bad_codes: Counter[Rejected]


def admit(program: Program, value: bytes | None, received_ms: int) -> Admitted | Counter[Rejected]:
    """Judge one raw record by itself: what is admitted of it, or the one reason why nothing is.

    Whose it is plays no part here, so that what rules over time remember depends on the log alone:
    ask ``unregistered`` next, and ``out_of_scope``.
    """
    if value is None or isinstance(value, Unopened):
        return Counter({Rejected.NO_PAYLOAD if value is None else value.reason: 1})
    if len(value) > ENVELOPE_BYTES_MAX:
        return Counter({Rejected.OVERSIZED: 1})
    read = read_exactly(value)
    if isinstance(read, Rejected):
        return Counter({read: readings_said(value)})
    envelope, content, bad_codes = read
    fault = _envelope_fault(program.plan, envelope, received_ms)
    if fault is Rejected.NO_READINGS and bad_codes:
        return bad_codes
    if fault is not None:
        return Counter({fault: max(1, envelope.readings + bad_codes.total())})
    admitted = admit_columns(program, envelope, content)
    admitted.rejected.update(bad_codes)
    admitted.said = envelope.readings + bad_codes.total()
    admitted.first_ms = to_ms(envelope.clock.t0) + min(0, *_deltas(envelope))
    return admitted


def unregistered(registered_ms: int | None, admitted: Admitted) -> Counter[Rejected] | None:
    """Why nothing of a device's envelope is taken after all; None if it is.

    ``registered_ms``: since when the device is known, None if it is not.
    """
    if registered_ms is None:
        return Counter({Rejected.UNKNOWN_DEVICE: admitted.said})
    if admitted.first_ms < registered_ms:
        return Counter({Rejected.BEFORE_REGISTRATION: admitted.said})
    return None


def out_of_scope(
    plan: Plan, services: Collection[str | None], admitted: Admitted
) -> Counter[Rejected] | None:
    """Why nothing of a registered device's envelope is taken after all; None if it is.

    ``services``: as which the device is registered; if it is several times, each has to be listed.
    """
    if all(map(plan.takes_service, services)):
        return None
    return Counter({Rejected.OUT_OF_SCOPE: admitted.said})


def read_exactly(value: bytes) -> Read | Rejected:
    """The envelope as it will be judged, or why it is none."""
    content = content_of(value)
    if content is None:
        return Rejected.MALFORMED
    bad_codes = Counter[Rejected]()
    members = with_plain_times(_without_bad_codes(content.members, bad_codes))
    try:
        return Read(msgspec.convert(members, Envelope), content.digest, bad_codes)
    except UNDECODABLE:
        return _shape_fault(content.members)


def _without_bad_codes(members: Mapping[str, Any], bad: Counter[Rejected]) -> Mapping[str, Any]:
    """The same without those of its trouble codes that are none: they cost nothing else."""
    codes = members.get("dtc")
    if not isinstance(codes, list) or len(codes) > TROUBLE_CODES_MAX:
        return members
    good = []
    for code in codes:
        if not isinstance(code, str):
            bad[Rejected.WRONG_TYPE] += 1
        elif _IS_CODE.fullmatch(code) is None:
            bad[Rejected.OUT_OF_RANGE] += 1
        else:
            good.append(code)
    return {**members, "dtc": good}


def _shape_fault(members: Mapping[str, Any]) -> Rejected:
    if members.get("v") != ENVELOPE_VERSION:
        return Rejected.UNKNOWN_VERSION
    if members.keys() - set(Envelope.__struct_fields__):
        return Rejected.UNKNOWN_FIELD
    return Rejected.MALFORMED


def _envelope_fault(plan: Plan, envelope: Envelope, received_ms: int) -> Rejected | None:
    readings = envelope.readings
    if readings > READINGS_MAX:
        return Rejected.TOO_MANY_READINGS
    if readings == 0:
        return Rejected.NO_READINGS
    if not plan.takes_source(None if envelope.source is UNSET else envelope.source):
        return Rejected.OUT_OF_SCOPE
    if to_ms(envelope.clock.t0) + max(0, *_deltas(envelope)) > received_ms + AHEAD_MS_MAX:
        return Rejected.FROM_THE_FUTURE
    return None


def _deltas(envelope: Envelope) -> list[int]:
    return [d for column in envelope.series.values() for d in column.dt] or [0]
