"""What a policy lets its readers find out about a fleet: whom they can join, whose home they see.

In: a plan and a recorded fleet's envelopes. Out: two shares. Every output is read as its
recipient would, with all it was given and nothing else; the truth is only used to count hits.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any, Final

from assessment.homes import Visit, dwelling, is_found
from assessment.linkage import Token, Value, common_of, joined, tokens_of
from assessment.rehearsal import ThrowawayKeys, device_of
from assessment.risk_shares import Risk, Share
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.people import People
from processors.processor import Processor
from processors.program import build_program
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.grids import jis_mesh
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.instants import parse_instant, to_ms
from telemetry.wire.control import ConsentInterval, DeviceRegistration, LinkInterval
from telemetry.wire.envelope import decode_envelope
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, PSEUDONYM_EPOCH, decode_record

VEHICLES_MAX: Final = 5_000
HOME_MESH_M: Final = 500
BINS_MAX: Final = 20_000_000
"""What rules over time may remember: far more than so many vehicles use in ten minutes."""


@dataclass(slots=True)
class _Seen:
    """What one recipient received of one vehicle."""

    values: list[Value] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    cells_by_epoch: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


_Fleet = dict[str, dict[str, _Seen]]
"""By output, by vehicle."""


def assess(plan: Plan, payloads: Sequence[bytes]) -> Risk:
    """The risks of one version on one recorded fleet; OverflowError for too large a fleet."""
    devices = sorted({device for one in payloads if (device := device_of(one))})
    if len(devices) > VEHICLES_MAX:
        msg = f"more than {VEHICLES_MAX} vehicles: choose a smaller part of the recording"
        raise OverflowError(msg)
    truth: dict[str, list[Visit]] = defaultdict(list)
    fleet: _Fleet = {output.id: defaultdict(_Seen) for output in plan.outputs}
    program = build_program(plan)
    people = _everyone(plan, devices)
    processor = Processor(program, people, ThrowawayKeys(), lambda _topic, _key: 0)
    tally = Tally(program)
    state = program.empty_state(Room(BINS_MAX))
    outputs = {output.topic: output.id for output in plan.outputs}
    for payload in payloads:
        device = device_of(payload)
        if device is None:
            continue
        last_ms = _true_visits(payload, truth[device])
        for record in processor.process(payload, last_ms, last_ms, tally, state):
            headers = dict(record.headers)
            epoch = headers[PSEUDONYM_EPOCH].decode()
            _tell(fleet[outputs[record.topic]][device], record.value, epoch)
    homes = {device: dwelling(visits) for device, visits in truth.items()}
    pairs, seers = _pairs(plan, fleet), _seers(fleet, homes)
    seen_devices = {device for seen in fleet.values() for device in seen}
    dwelling_known = sum(home is not None for home in homes.values())
    return Risk(
        Share(len(_anyone(pairs)), len(seen_devices)),
        _over_epochs(fleet),
        Share(len(_anyone(seers)), dwelling_known),
        {name: Share(len(found), len(seen_devices)) for name, found in pairs.items()},
        {name: Share(len(found), dwelling_known) for name, found in seers.items()},
    )


def _everyone(plan: Plan, devices: Iterable[str]) -> People:
    """Each vehicle with a person of its own who agreed to everything."""
    people = PackedPeople()
    for number, device in enumerate(devices):
        known, subject = DeviceId(device), SubjectId(f"person {number}")
        people.apply(b"d%d" % number, DeviceRegistration(known, 0))
        secret = LinkSecret(hashlib.sha256(b"link %d" % number).digest())
        link = LinkInterval(f"l{number}", known, subject, secret, 0, None, "driver")
        people.apply(b"l%d" % number, link)
        for asked_number, asked in enumerate(sorted(grantable(plan), key=str)):
            name = f"c{number}-{asked_number}"
            people.apply(name.encode(), ConsentInterval(name, subject, *asked, 0, None))
    return people


def _true_visits(payload: bytes, visits: list[Visit]) -> int:
    envelope = decode_envelope(payload)
    t0_ms = to_ms(envelope.clock.t0)
    deltas = (delta for column in envelope.series.values() for delta in column.dt)
    last_ms = t0_ms + max(deltas, default=0)
    latitudes, longitudes = envelope.series.get(LATITUDE), envelope.series.get(LONGITUDE)
    if latitudes is not None and longitudes is not None:
        visits += _points(t0_ms, latitudes, longitudes)
    return last_ms


def _points(t0_ms: int, latitudes: Any, longitudes: Any) -> Iterable[Visit]:
    """Exact positions as visits to half-kilometre cells, so that they can be counted."""
    at = dict(zip(longitudes.dt, longitudes.value, strict=False))
    for delta, latitude in zip(latitudes.dt, latitudes.value, strict=False):
        if delta in at and (cell := jis_mesh(latitude, at[delta], HOME_MESH_M)) is not None:
            yield Visit(t0_ms + delta, cell)


def _tell(seen: _Seen, value: bytes, epoch: str) -> None:
    record = decode_record(value)
    t0_ms = parse_instant(record.t0)
    for path, series in record.series.items():
        pairs = zip(series.dt, series.value, strict=True)
        if path == MESH:
            visits = [Visit(t0_ms + delta, cell) for delta, cell in pairs]
        elif path == LATITUDE and LONGITUDE in record.series:
            visits = list(_points(t0_ms, series, record.series[LONGITUDE]))
        else:
            seen.values += [(t0_ms + delta, path, value) for delta, value in pairs]
            continue
        seen.visits += visits
        seen.cells_by_epoch[epoch].update(visit.cell for visit in visits)


def _anyone(found: Mapping[str, set[str]]) -> set[str]:
    return set().union(*found.values())


def _pairs(plan: Plan, fleet: _Fleet) -> dict[str, set[str]]:
    """Vehicles joined, for every two outputs of different purposes."""
    found: dict[str, set[str]] = {}
    for one, other in combinations(plan.outputs, 2):
        if one.purpose == other.purpose:
            continue
        common = common_of(plan, one.id, other.id)
        tokens = [
            {device: tokens_of(seen.values, common) for device, seen in fleet[output.id].items()}
            for output in (one, other)
        ]
        found[f"{one.id} with {other.id}"] = joined(tokens[0], tokens[1])
    return found


def _over_epochs(fleet: _Fleet) -> Share:
    found: set[str] = set()
    asked: set[str] = set()
    for vehicles in fleet.values():
        epochs = sorted({epoch for seen in vehicles.values() for epoch in seen.cells_by_epoch})
        for early, late in pairwise(epochs):
            sides: list[dict[str, set[Token]]] = [
                {
                    device: {(cell,) for cell in seen.cells_by_epoch[epoch]}
                    for device, seen in vehicles.items()
                    if seen.cells_by_epoch.get(epoch)
                }
                for epoch in (early, late)
            ]
            both = sides[0].keys() & sides[1].keys()
            asked |= both
            found |= joined(sides[0], sides[1]) & both
    return Share(len(found), len(asked))


def _seers(fleet: _Fleet, homes: Mapping[str, str | None]) -> dict[str, set[str]]:
    """Vehicles whose home is seen, for every output."""
    return {
        output: {
            device
            for device, seen in vehicles.items()
            if (home := homes[device]) is not None and is_found(home, dwelling(seen.visits))
        }
        for output, vehicles in fleet.items()
    }
