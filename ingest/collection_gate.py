"""The never-collect gate: it drops signals that no output of the policy keeps.

In: an envelope and the plan's ``collected`` paths. Out: the envelope without the rest,
and how many readings were dropped. It runs before the transport, so that a signal
no purpose needs is on no disk but the vehicle's.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

import msgspec

from telemetry.wire.envelope import Envelope
from telemetry.wire.record import TROUBLE_CODES


class Gated(NamedTuple):
    """``envelope`` is None if nothing of it is collected."""

    envelope: Envelope | None
    not_collected: int


def gate(envelope: Envelope, collected: AbstractSet[str]) -> Gated:
    """Drop every series and the trouble codes that are not ``collected``, and all raw frames.

    Raw frames carry VINs, and no output of a plan keeps frames yet.
    """
    series = {path: column for path, column in envelope.series.items() if path in collected}
    codes = envelope.dtc if TROUBLE_CODES in collected else []
    kept = msgspec.structs.replace(envelope, series=series, dtc=codes, frames=[])
    return Gated(kept if kept.readings else None, envelope.readings - kept.readings)
