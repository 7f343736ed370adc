"""Faults of vehicles and devices, at set rates, decided by the seed alone.

In: rates between 0 and 1 and a random stream. Out: decisions. A fault changes times,
columns or when an envelope is sent; it never loses a reading unseen.
"""

from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from telemetry.instants import HOUR_MS

_CODES: Final = ("P0301", "P0420", "P0171", "P0455", "P0128", "P0A80", "C0035", "U0100")


@dataclass(frozen=True, slots=True)
class FaultRates:
    """The rates; each is a share between 0 and 1."""

    offline: float = 0.3
    """Trips with a gap without a network; its envelopes are sent when it ends."""
    clock_ahead: float = 0.005
    """Envelopes stamped more than 24 h ahead."""
    clock_unknown: float = 0.02
    """Trips whose device never learned the time: quality none, stamps count from 1970."""
    trouble: float = 0.2
    """Trips on which a trouble code is set."""
    unneeded: float = 0.1
    """Vehicles that also report ``unneeded_path``."""
    unknown: float = 0.05
    """Vehicles that also report ``unknown_path``."""
    unneeded_path: str = "Vehicle.Cabin.HVAC.AmbientAirTemperature"
    """A catalogue path (celsius) that no purpose of the policy in force needs."""
    unknown_path: str = "Vehicle.Gadget.Reading"
    """A path that is in no catalogue."""


NO_FAULTS: Final = FaultRates(
    offline=0, clock_ahead=0, clock_unknown=0, trouble=0, unneeded=0, unknown=0
)


class Gap(NamedTuple):
    """Seconds of a trip without a network: from (inclusive) until (exclusive)."""

    from_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class TripFaults:
    """The faults of one trip."""

    gap: Gap | None
    clock_unknown: bool
    codes: tuple[str, ...]


def trip_faults(chance: Random, rates: FaultRates, seconds: int) -> TripFaults:
    """Decide the faults of a trip of ``seconds``."""
    gap = None
    if chance.random() < rates.offline:
        from_s = chance.randrange(seconds)
        gap = Gap(from_s, from_s + chance.randint(20, 120))
    clock_unknown = chance.random() < rates.clock_unknown
    codes = chance.sample(_CODES, chance.randint(1, 2)) if chance.random() < rates.trouble else []
    return TripFaults(gap, clock_unknown, tuple(codes))


def clock_lead_ms(chance: Random, rates: FaultRates) -> int:
    """By how much one envelope's clock is ahead: 0, or 25 to 72 hours."""
    if chance.random() >= rates.clock_ahead:
        return 0
    return chance.randint(25 * HOUR_MS, 72 * HOUR_MS)
