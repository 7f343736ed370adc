"""What the front desk's answer means on the wire.

Clients take any acknowledgement for the end of a message, also one with a reason code of failure.
So what may succeed later gets none: the connection ends, and the client sends the message again.

In: Answer. Out: the code of the PUBACK, or of the DISCONNECT that stands in its place.
"""

from typing import Final, NamedTuple

from moat.lib.mqtt import ReasonCode

from ingest.gateway.ports import Answer, Refusal

FOR_NOW: Final = {
    Refusal.TOO_FAST: ReasonCode.MESSAGE_RATE_TOO_HIGH,
    Refusal.UNAVAILABLE: ReasonCode.SERVER_BUSY,
}
"""DISCONNECT: at once, or if it stays so for too long."""
AGAIN: Final = frozenset({ReasonCode.SERVER_BUSY})
"""Of these the door tries again itself. What is beyond a device's share it does not keep for it:
the client has it still."""
FOR_GOOD: Final = {
    Refusal.OTHER_DEVICE: ReasonCode.NOT_AUTHORIZED,
    Refusal.CLONE: ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
    Refusal.MALFORMED: ReasonCode.PAYLOAD_FORMAT_INVALID,
    Refusal.OVERSIZED: ReasonCode.QUOTA_EXCEEDED,
}
"""PUBACK: these are all the codes of failure that MQTT has for it, less two. The gravest first."""


class Verdict(NamedTuple):
    """``final``: PUBACK with this code. Else DISCONNECT, if it is of ``AGAIN`` in the end."""

    code: ReasonCode
    final: bool


def verdict(answer: Answer) -> Verdict:
    """One code for a message of many envelopes: what can still succeed decides, then the gravest.

    A message that is tried again counts none of its envelopes twice: copies are accepted.
    """
    refused = {why for why, count in answer.refused.items() if count}
    for why, code in FOR_NOW.items():
        if why in refused:
            return Verdict(code, final=False)
    for why, code in FOR_GOOD.items():
        if why in refused:
            return Verdict(code, final=True)
    return Verdict(ReasonCode.SUCCESS, final=True)
