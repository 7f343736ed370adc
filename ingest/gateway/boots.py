"""Boots of a device: a start after another is a reboot, two that are at one time are a clone.

In: which boot of a device was heard, when, and what time its readings are of. Out: whether the
device is believed. What an earlier boot recorded and is sent late is no second device: its readings
are older. The clock is the caller's, and what is remembered is bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from telemetry.identity import DeviceId

LIVING_MAX: Final = 8
"""Boots of one device that are remembered at once; a device that starts more often in the window
forgets the one heard longest ago."""


class Span(NamedTuple):
    """The first and the last reading, ms UTC; of a device without a clock all that there is."""

    first_ms: int
    last_ms: int

    def meets(self, other: "Span") -> bool:
        """Whether some instant is in both."""
        return max(self.first_ms, other.first_ms) <= min(self.last_ms, other.last_ms)

    def with_(self, other: "Span") -> "Span":
        """From the first to the last of both."""
        return Span(min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms))


ANY_TIME: Final = Span(-(2**63), 2**63)


class _Boot(NamedTuple):
    heard_ms: int
    span: Span


@dataclass(slots=True)
class _Heard:
    """Living boots; the last of them is the one that began last."""

    living: dict[str, _Boot] = field(default_factory=dict, repr=False)
    clone: bool = False


class Boots:
    """What is known of every device's boots for ``quiet_ms`` after each was heard.

    A boot that was followed by another and is heard again while both live makes the device a clone
    if readings of both are of one time; it stays one until all boots but one have been silent for
    ``quiet_ms``.
    """

    def __init__(self, quiet_ms: int, devices_max: int) -> None:
        self._quiet_ms = quiet_ms
        self._devices_max = devices_max
        self._heard: OrderedDict[DeviceId, _Heard] = OrderedDict()
        self.clones = 0
        """How often a device became one."""

    def hear(self, device: DeviceId, boot: str, now_ms: int, span: Span = ANY_TIME) -> None:
        """Note that a boot was heard, with readings of this time."""
        heard = self._heard.get(device)
        if heard is None:
            if len(self._heard) >= self._devices_max:
                self._heard.popitem(last=False)
            heard = self._heard[device] = _Heard()
        self._heard.move_to_end(device)
        self._forget_silent(heard, now_ms)
        living = heard.living
        before = living.get(boot)
        if before is not None:
            span = before.span.with_(span)
            others = (one.span for name, one in living.items() if name != boot)
            again = boot != next(reversed(living))
            if again and not heard.clone and any(map(span.meets, others)):
                heard.clone = True
                self.clones += 1
        elif len(living) >= LIVING_MAX:
            del living[min(living, key=lambda name: living[name].heard_ms)]
        living[boot] = _Boot(now_ms, span)

    def believes(self, device: DeviceId, now_ms: int) -> bool:
        """Whether the device is one, as far as is known."""
        heard = self._heard.get(device)
        if heard is None:
            return True
        self._forget_silent(heard, now_ms)
        return not heard.clone

    def _forget_silent(self, heard: _Heard, now_ms: int) -> None:
        living = heard.living
        for silent in [
            name for name, one in living.items() if now_ms - one.heard_ms >= self._quiet_ms
        ]:
            del living[silent]
        if len(living) <= 1:
            heard.clone = False
