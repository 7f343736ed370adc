"""Boots of a device: a start after another is a reboot, two that take turns are a clone.

In: which boot of a device was heard, and when. Out: whether the device is believed. The clock is
the caller's, and what is remembered is bounded.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from telemetry.identity import DeviceId

LIVING_MAX: Final = 8
"""Boots of one device that are remembered at once; a device that starts more often in the window
forgets the one heard longest ago."""


@dataclass(slots=True)
class _Heard:
    """Living boots and when each was heard last; the last of them is the one that began last."""

    living: dict[str, int] = field(default_factory=dict, repr=False)
    clone: bool = False


class Boots:
    """What is known of every device's boots for ``quiet_ms`` after each was heard.

    A boot that was followed by another and is heard again while both live makes the device a clone;
    it stays one until all boots but one have been silent for ``quiet_ms``.
    """

    def __init__(self, quiet_ms: int, devices_max: int) -> None:
        self._quiet_ms = quiet_ms
        self._devices_max = devices_max
        self._heard: OrderedDict[DeviceId, _Heard] = OrderedDict()
        self.clones = 0
        """How often a device became one."""

    def hear(self, device: DeviceId, boot: str, now_ms: int) -> None:
        """Note that a boot was heard."""
        heard = self._heard.get(device)
        if heard is None:
            if len(self._heard) >= self._devices_max:
                self._heard.popitem(last=False)
            heard = self._heard[device] = _Heard()
        self._heard.move_to_end(device)
        self._forget_silent(heard, now_ms)
        living = heard.living
        if boot in living:
            if boot != next(reversed(living)) and not heard.clone:
                heard.clone = True
                self.clones += 1
        elif len(living) >= LIVING_MAX:
            del living[min(living, key=living.__getitem__)]
        living[boot] = now_ms

    def believes(self, device: DeviceId, now_ms: int) -> bool:
        """Whether the device is one, as far as is known."""
        heard = self._heard.get(device)
        if heard is None:
            return True
        self._forget_silent(heard, now_ms)
        return not heard.clone

    def _forget_silent(self, heard: _Heard, now_ms: int) -> None:
        living = heard.living
        for silent in [one for one, at_ms in living.items() if now_ms - at_ms >= self._quiet_ms]:
            del living[silent]
        if len(living) <= 1:
            heard.clone = False
