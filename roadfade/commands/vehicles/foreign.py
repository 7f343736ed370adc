"""Files of what another system sends, as the gateway would make envelopes of them.

In: a format's name, a device, files of one message each. Out: envelopes as bytes, and counts of
what was left out. What must not happen: a value or an identifier of a message on the screen.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest.gateway.adapters.registry import ADAPTERS
from ingest.gateway.formats import MESSAGE_BYTES_MAX, AdapterContext
from ingest.gateway.ports import Refusal as Refused
from roadfade.commands.vehicles.payloads import Payload, read_file
from roadfade.in_force.documents import load_catalogue
from roadfade.refusal import Refusal
from telemetry.identity import DeviceId
from telemetry.wire.envelope import encode_envelope


class Foreign(NamedTuple):
    """How files are to be read: in which format, and whose they are."""

    format: str
    device: DeviceId
    received_ms: int


class Made(NamedTuple):
    """What became of the files."""

    payloads: Sequence[Payload]
    left_out: Mapping[str, int]

    def report(self) -> list[str]:
        """What was left out, as lines of text."""
        return [f"left out {why}: {count:,}" for why, count in self.left_out.items()]


def read_foreign(files: Sequence[str], how: Foreign) -> Made:
    """The envelopes of every file in order; Refusal if one is no message of the format."""
    adapt = ADAPTERS.get(how.format)
    if adapt is None:
        msg = f"no such format; there are {', '.join(sorted(ADAPTERS))}"
        raise Refusal(msg)
    catalogue = load_catalogue()
    context = AdapterContext(how.device, how.received_ms)
    payloads: list[Payload] = []
    left_out = Counter[str]()
    for name in files:
        message = read_file(name)
        over = len(message) > MESSAGE_BYTES_MAX
        made = Refused.OVERSIZED if over else adapt(message, context, catalogue)
        if isinstance(made, Refused):
            msg = f"{name} would be refused as {made}: docs/gateways.md says what the format is"
            raise Refusal(msg)
        left_out.update(made.left_out)
        payloads += [
            Payload(f"{name}:{number}", encode_envelope(envelope))
            for number, envelope in enumerate(made.envelopes, start=1)
        ]
    return Made(payloads, {why: count for why, count in sorted(left_out.items()) if count})
