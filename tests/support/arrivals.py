"""Records as they may come from a purpose topic: sound, strange, and damaged in one place."""

from typing import Any, Final

import msgspec
from hypothesis import strategies as some

from telemetry.arrived import Arrived
from telemetry.instants import MINUTE_MS, SECOND_MS, format_instant
from telemetry.wire.record import TROUBLE_CODES
from tests.sinks.records import EXPIRES_MS, SPEED, T0_MS, A, headers

NUMBERS: Final = some.one_of(
    some.integers(-5, 500),
    some.floats(-1_000, 1_000).map(lambda number: round(number, 2)),
    some.floats(allow_nan=False, allow_infinity=False),
    some.booleans(),
)
WORDS: Final = some.one_of(
    some.sampled_from(("R", "N", "東京", 'a"b', "P0301", "")),
    some.text(max_size=4),
)
HOSTILE: Final = some.one_of(
    some.none(), some.floats(), some.integers(), some.just([1]), some.just(10**400), WORDS
)


@some.composite
def series(draw: some.DrawFn) -> dict[str, Any]:
    """A few signals: of numbers, of words, and seldom of what no signal has."""
    found: dict[str, Any] = {}
    names = (SPEED, "Vehicle.Gear", "Vehicle.Cabin.Door", "速度", TROUBLE_CODES)
    for name in draw(some.lists(some.sampled_from(names), unique=True, max_size=4)):
        kind = draw(some.sampled_from((NUMBERS, NUMBERS, NUMBERS, WORDS, WORDS, HOSTILE)))
        values = draw(some.lists(kind, min_size=draw(some.sampled_from((0, 1, 1, 1))), max_size=5))
        steps = some.integers(-3, 5).map(lambda step: step * SECOND_MS)
        wild = some.integers(-(10**11), 10**11)
        times = draw(some.lists(steps, min_size=len(values), max_size=len(values)))
        if draw(some.integers(0, 30)) == 0:
            times = draw(some.lists(wild, max_size=5))
        unit = draw(some.sampled_from(("km/h", "", "°C", "a\\b")))
        found[name] = {"unit": unit, "dt": times, "value": values}
    return found


@some.composite
def arrivals(draw: some.DrawFn, outputs: tuple[str, ...] = (A,)) -> list[Arrived]:
    """Records of a few topic-partitions, in the order of their offsets."""
    return [
        draw(arrival(offset, draw(some.sampled_from(outputs)), draw(some.integers(0, 1))))
        for offset in range(draw(some.integers(1, 8)))
    ]


@some.composite
def arrival(draw: some.DrawFn, offset: int, topic: str = A, partition: int = 0) -> Arrived:
    """One record; every second one has a flaw, or what might be one."""
    who = draw(some.sampled_from(("P1", "P2", "P3")))
    t0_ms = T0_MS + draw(some.integers(-3, 3)) * SECOND_MS
    value: dict[str, Any] = {
        "v": 1,
        "pseudonym": who,
        "t0": format_instant(t0_ms),
        "series": draw(series()),
    }
    if draw(some.booleans()):
        value["dtc"] = draw(some.lists(some.sampled_from(("P0301", "U0100", "x")), max_size=3))
    ends_ms = EXPIRES_MS + draw(some.sampled_from((0, 0, MINUTE_MS, -60 * 24 * 60 * MINUTE_MS)))
    named = headers(
        topic,
        ce_id=draw(
            some.sampled_from((f"record-{offset}", f"record-{offset}", f"twice-{partition}"))
        ),
        expires_at=format_instant(ends_ms),
        readings=str(draw(some.integers(0, 20))),
        consent=draw(some.sampled_from((None, "notice@1:0123456789abcdef", "other@2:x"))),
    )
    listed = [(name, text.encode()) for name, text in named.items()]
    payload: bytes | None = msgspec.json.encode(value)
    key: bytes | None = who.encode()
    match draw(some.integers(0, 9)):
        case 0 | 1:
            payload = draw(damaged(payload or b""))
        case 2 | 3:
            listed = draw(restamped(listed))
        case 4:
            key = draw(some.sampled_from((None, b"P9")))
        case 5:
            payload = draw(some.sampled_from((None, b"", b"{}")))
        case _:
            pass
    return Arrived(
        topic, partition, offset, t0_ms + draw(some.integers(0, 9)), key, payload, listed
    )


NUMBERS_AS_WRITTEN: Final = (
    b"1e3", b"-0.0", b"1e-7", b"0.1e1", b"1E400", b"12345678901234567890", b"01", b"1.", b"1e+",
    b"0.30000000000000004", b"5e-324", b"123456789012345678",
)  # fmt: skip
AS_WRITTEN: Final = (
    b"2026-12-22T00:00:01Z", b" 2", b"+2", b"1_0", b"10001", b"2026-12-22T00:00:00+00:00",
    b"2026-12-22T00:00:00.0Z", b"2026-11-21T23:59:60Z", b"third_party", b"x" * 129,
)  # fmt: skip


@some.composite
def damaged(draw: some.DrawFn, payload: bytes) -> bytes:
    """A value with a change in one place, which may be none."""
    place = draw(some.integers(0, len(payload)))
    before, behind = payload[:place], payload[place:]
    number = draw(some.sampled_from(NUMBERS_AS_WRITTEN))
    with_number = payload.replace(b'"value":[', b'"value":[' + number + b",", 1)
    again = b'},"Vehicle.Speed":{"unit":"","dt":[0],"value":[1]},'
    changed: tuple[bytes, ...] = (
        before + draw(some.binary(max_size=2)) + behind[1:],
        before + b" " + behind,
        before,
        payload.replace(b'"v":1', draw(some.sampled_from((b'"v":2', b'"v":1.0', b'"v": 1')))),
        payload.replace(b"},", again, 1),
        with_number.replace(b'"dt":[', b'"dt":[0,', 1),
    )
    return draw(some.sampled_from(changed))


@some.composite
def restamped(draw: some.DrawFn, listed: list[tuple[str, bytes]]) -> Any:
    """Headers with a change in one of them."""
    nth = draw(some.integers(0, len(listed) - 1))
    name, _ = listed[nth]
    others = [*listed[:nth], *listed[nth + 1 :]]
    text = draw(some.sampled_from(AS_WRITTEN) | some.binary(max_size=9))
    changed = (
        others,
        [*listed, listed[nth]],
        [*listed, ("other", text), ("other", text)],
        [*others, (name, None)],
        [*others, (name, text)],
        tuple(listed),
    )
    return draw(some.sampled_from(changed))
