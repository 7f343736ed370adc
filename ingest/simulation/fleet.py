"""A fleet that drives, reports and fails plausibly, the same way for the same seed.

In: a number of vehicles, a seed, instants. Out: envelopes in the order they are sent.
The clock comes in as an argument; nothing is published here.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Final, NamedTuple

from msgspec import UNSET

from ingest.envelope_id import envelope_id, opaque_id
from ingest.simulation.faults import FaultRates, clock_lead_ms
from ingest.simulation.sensors import columns
from ingest.simulation.vehicle import Drive, Vehicle
from telemetry.identity import DeviceId
from telemetry.instants import SECOND_MS, to_datetime
from telemetry.wire.envelope import Clock, Column, Envelope, Trip

READ_FROM: Final = "obd"
"""The source that its envelopes name: the vehicles have dongles."""
WINDOW_S: Final = 10
VEHICLES_MAX: Final = 100_000
_STEP_MS: Final = WINDOW_S * SECOND_MS


class _Sent(NamedTuple):
    sent_ms: int
    id: str
    envelope: Envelope


class Fleet:
    """``vehicles`` simulated vehicles. Each envelope holds ten seconds of one of them."""

    def __init__(self, vehicles: int, seed: int, rates: FaultRates | None = None) -> None:
        if not 1 <= vehicles <= VEHICLES_MAX:
            msg = f"a fleet has 1 to {VEHICLES_MAX} vehicles, not {vehicles}"
            raise ValueError(msg)
        self._rates = rates or FaultRates()
        self._vehicles = [Vehicle(seed, index, self._rates) for index in range(vehicles)]
        self._seed = seed
        self._waiting: list[_Sent] = []
        self._recorded_ms: int | None = None

    @property
    def devices(self) -> tuple[DeviceId, ...]:
        """The opaque ids under which the vehicles report, to be registered beforehand."""
        return tuple(vehicle.device for vehicle in self._vehicles)

    def tick(self, now_ms: int) -> list[Envelope]:
        """Live: what is sent since the last tick (the first: since ten seconds ago)."""
        since_ms = now_ms - _STEP_MS if self._recorded_ms is None else self._recorded_ms
        self._recorded_ms = max(now_ms, since_ms)
        for vehicle in self._vehicles:
            for sent in self._recorded(vehicle, since_ms, now_ms):
                heappush(self._waiting, sent)
        return list(_due(self._waiting, now_ms))

    def waiting(self) -> int:
        """Recorded, but still held back by a gap in the network."""
        return len(self._waiting)

    def envelopes(self, from_ms: int, to_ms: int) -> Iterator[Envelope]:
        """All that is recorded in [from, to), in the order sent; leaves ``tick`` alone."""
        waiting: list[_Sent] = []
        for step_ms in range(from_ms, to_ms, _STEP_MS):
            until_ms = min(step_ms + _STEP_MS, to_ms)
            for vehicle in self._vehicles:
                for sent in self._recorded(vehicle, step_ms, until_ms):
                    heappush(waiting, sent)
            yield from _due(waiting, until_ms)
        while waiting:
            yield heappop(waiting).envelope

    def old_drives(self, from_ms: int, to_ms: int, sent_ms: int) -> Iterator[Envelope]:
        """What was recorded in [from, to) long ago and is sent, again, at ``sent_ms``.

        Clocks are right here: only the upload is late. Asking twice gives the same ids.
        """
        for vehicle in self._vehicles:
            for drive, seconds in _windows(vehicle, from_ms, to_ms):
                yield self._envelope(vehicle, drive, seconds, sent_ms, late=True, shift_ms=0)

    def _recorded(self, vehicle: Vehicle, from_ms: int, to_ms: int) -> Iterator[_Sent]:
        for drive, seconds in _windows(vehicle, from_ms, to_ms):
            ended_ms = drive.started_ms + seconds.stop * SECOND_MS
            gap = drive.faults.gap
            held = gap is not None and gap.from_s <= seconds.stop < gap.until_s
            if gap is not None and held:
                ended_ms = drive.started_ms + gap.until_s * SECOND_MS
            sent_ms = ended_ms + 40 * (seconds.start // WINDOW_S % 20)
            shift_ms = self._clock_shift_ms(vehicle, drive, seconds)
            envelope = self._envelope(
                vehicle, drive, seconds, sent_ms, late=held, shift_ms=shift_ms
            )
            yield _Sent(sent_ms, envelope.id, envelope)

    def _clock_shift_ms(self, vehicle: Vehicle, drive: Drive, seconds: range) -> int:
        if drive.faults.clock_unknown:
            return -drive.started_ms
        return clock_lead_ms(vehicle.chance("clock", drive.number, seconds.start), self._rates)

    def _envelope(
        self,
        vehicle: Vehicle,
        drive: Drive,
        seconds: range,
        sent_ms: int,
        *,
        late: bool,
        shift_ms: int,
    ) -> Envelope:
        key = (self._seed, vehicle.device, drive.number)
        t0_ms = drive.started_ms + seconds.start * SECOND_MS
        chance = vehicle.chance("values", drive.number, seconds.start)
        series = columns(vehicle, drive, seconds, chance)
        self._add_oddities(vehicle, series)
        minute_begins = seconds.start % 60 == 0
        return Envelope(
            v=1,
            id=envelope_id(t0_ms, *key, seconds.start),
            device=str(vehicle.device),
            source=READ_FROM,
            boot=opaque_id("boot", *key),
            seq=seconds.start // WINDOW_S,
            resend=late,
            clock=Clock(to_datetime(t0_ms + shift_ms), "none" if shift_ms < 0 else "gnss"),
            sent_at=to_datetime(sent_ms + shift_ms),
            trip=Trip(
                opaque_id("trip", *key),
                UNSET if shift_ms else to_datetime(drive.started_ms),
            ),
            seat="driver",
            series=series,
            dtc=list(drive.faults.codes) if minute_begins else [],
        )

    def _add_oddities(self, vehicle: Vehicle, series: dict[str, Column]) -> None:
        if vehicle.reports_unneeded:
            series[self._rates.unneeded_path] = Column("celsius", [0], [22.5])
        if vehicle.reports_unknown:
            series[self._rates.unknown_path] = Column("", [0], [1])


def _windows(vehicle: Vehicle, from_ms: int, to_ms: int) -> Iterator[tuple[Drive, range]]:
    """The windows whose last second ends in (from, to], as seconds of their trip."""
    for drive in vehicle.drives(from_ms, to_ms):
        length_s = len(drive.speeds)
        elapsed_s = max(0, (from_ms - drive.started_ms) // SECOND_MS)
        until_s = min(length_s, max(0, (to_ms - drive.started_ms) // SECOND_MS))
        for start_s in range(elapsed_s // WINDOW_S * WINDOW_S, until_s, WINDOW_S):
            stop_s = min(start_s + WINDOW_S, length_s)
            if from_ms < drive.started_ms + stop_s * SECOND_MS <= to_ms:
                yield drive, range(start_s, stop_s)


def _due(waiting: list[_Sent], now_ms: int) -> Iterator[Envelope]:
    while waiting and waiting[0].sent_ms <= now_ms:
        yield heappop(waiting).envelope
