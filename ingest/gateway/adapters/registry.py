"""Every format that the gateway takes beside envelopes, by the name in its address."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ingest.gateway.adapters import fleetwise, openxc, ovms, smartcar, traccar, viss, wican
from ingest.gateway.adapters.gathered import Adapted, LeftOut
from ingest.gateway.formats import Adapter, AdapterContext, Adapters
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue
from telemetry.wire.envelope import Envelope

Adapt = Callable[[bytes, AdapterContext, Catalogue], Adapted | Refusal]
ADAPTERS: Final[Mapping[str, Adapt]] = {
    fleetwise.FORMAT: fleetwise.adapt,
    openxc.FORMAT: openxc.adapt,
    ovms.FORMAT: ovms.adapt,
    smartcar.FORMAT: smartcar.adapt,
    traccar.FORMAT: traccar.adapt,
    viss.FORMAT: viss.adapt,
    wican.FORMAT: wican.adapt,
}
"""What each makes of a message."""
Observe = Callable[[str, Mapping[LeftOut, int]], None]
"""Is told of a format what was left out of a message."""


def adapters_over(catalogue: Catalogue, observe: Observe) -> Adapters:
    """The adapters as the front desk asks them."""
    return {format_: _over(format_, catalogue, observe) for format_ in ADAPTERS}


def _over(format_: str, catalogue: Catalogue, observe: Observe) -> Adapter:
    def adapter(payload: bytes, context: AdapterContext) -> Sequence[Envelope] | Refusal:
        made = ADAPTERS[format_](payload, context, catalogue)
        if isinstance(made, Refusal):
            return made
        observe(format_, made.left_out)
        return made.envelopes

    return adapter
