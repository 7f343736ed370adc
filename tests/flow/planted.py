"""Identifiers as a careless gateway could send them, in every place where they could hide."""

import json
from collections.abc import Iterator
from typing import Any, Final

from bus.records import Outgoing
from telemetry.instants import format_instant
from telemetry.topics import RAW
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.support.everywhere import Mark
from tests.support.pace import raw

VIN: Final = "WVWZZZ1JZXW000001"
IMEI: Final = 490_154_203_237_518
ICCID: Final = "8981100022152967705"
MAC: Final = "02:1A:11:FA:7B:3C"
SERIAL: Final = "RFD-7Q2M-000451993"
SUBJECT: Final = "subject-of-the-canaries"
SILENT: Final = "dongle-of-who-said-nothing"
PLACE: Final = (35.68123647, 139.76712519)
OWN_PLACE: Final = (35.69351782, 139.70034916)

MARKS: Final[dict[str, Mark]] = {
    "VIN": VIN,
    "plate": "品川300あ1234",
    "plate, in Latin letters": "SHINAGAWA300A1234",
    "IMEI": IMEI,
    "ICCID": ICCID,
    "MAC": MAC,
    "MAC, bare": MAC.replace(":", ""),
    "serial": SERIAL,
    "subject": SUBJECT,
    "dongle": SILENT,
    "latitude": PLACE[0],
    "longitude": PLACE[1],
}
ODOMETER: Final = "Vehicle.TraveledDistance"
TRIP_METER: Final = "Vehicle.TripMeterReading"
COOLANT: Final = "Vehicle.OBD.CoolantTemperature"
HALVES: Final = (490_154_203, 237_518)
"""The digits of the IMEI as two readings that a car may well have."""


def column(unit: str, *value: Any) -> dict[str, Any]:
    return {"unit": unit, "dt": [1_000 * n for n in range(len(value))], "value": value}


def planted(now_ms: int, nth: int = 0) -> Iterator[Outgoing]:
    """Every hiding place once; most envelopes carry something good beside it.

    ``nth``: of several times, each with ids of its own.
    """
    clock = {"t0": format_instant(now_ms - 120_000), "quality": "gnss"}
    numbers = iter(range(10_000))

    def body(**fields: Any) -> bytes:
        series = {COOLANT: column("celsius", 81)} | fields.pop("series", {})
        id_ = f"envelope-of-canary-{nth}-{next(numbers):05d}"
        return json.dumps(
            {"v": 1, "id": id_, "device": SERIAL, "clock": clock, "series": series} | fields,
            ensure_ascii=False,
        ).encode()

    def position(place: tuple[float, float]) -> dict[str, Any]:
        return {
            LATITUDE: column("degrees", *[place[0]] * 3),
            LONGITUDE: column("degrees", *[place[1]] * 3),
        }

    yield raw(body(device=SILENT, series=position(PLACE)))
    yield raw(body(series=position(OWN_PLACE)))
    yield raw(body(series={ODOMETER: column("m", HALVES[0]), TRIP_METER: column("m", HALVES[1])}))
    yield Outgoing(RAW, None, VIN.encode(), body(), [("vin", VIN.encode()), (VIN, b"1")])
    yield raw(body(seq=IMEI))
    yield raw(body(frames=[{"dt": 0, "bus": MAC[:16], "id": 1, "data": VIN.encode().hex()}]))
    yield raw(body(series={ODOMETER: column("m", IMEI)}))
    yield raw(body(series={ODOMETER: column("m", float(IMEI))}))
    yield raw(body(series={"Vehicle.OBD.EngineSpeed": column("rpm", float(IMEI), 900)}))
    yield raw(body(series={COOLANT: {"unit": "celsius", "dt": [IMEI], "value": [80]}}))
    for mark in map(str, MARKS.values()):
        short = mark[:64]
        yield raw(body(id=f"id-{nth}-of-the-envelope-{short}"))
        yield raw(body(boot=short))
        yield raw(body(trip={"id": short, "started": clock["t0"]}))
        yield raw(body(device=f"{short}-"))
        yield raw(body(seat=short))
        yield raw(body(v=short))
        yield raw(body(clock={"t0": short}))
        yield raw(body(clock={**clock, "quality": short}))
        yield raw(body(dtc=[short]))
        yield raw(body(note=short))
        yield raw(body(**{short: "is"}))
        yield raw(body(clock={**clock, short: short}))
        yield raw(body(series={COOLANT: column(short[:32], 80)}))
        yield raw(body(series={COOLANT: column("celsius", short, 80)}))
        yield raw(body(series={COOLANT: {**column("celsius", 80), short: short}}))
        yield raw(body(series={f"Vehicle.{short}": column(short[:32], short)}))
        yield raw(body(series={"Vehicle.CurrentLocation.GNSSReceiver.FixType": column("", short)}))
        yield raw(body(note=short)[:-3])
        yield raw(short.encode())
        yield raw(short.encode() * 20_000)
