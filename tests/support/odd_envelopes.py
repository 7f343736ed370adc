"""Envelopes of every kind for a plan: usual ones, odd ones, and some that a bit of text was lost of.

Written by hand as text, so that numbers, names and spaces stand as no encoder would write them.
"""

import json
import random
from collections.abc import Sequence
from typing import Final

from processors.program import Program
from telemetry.instants import MINUTE_MS, format_instant
from telemetry.signals import Signal

SPACES: Final = ("", "", "", "", " ", "\n\t")
CODES: Final = ("P0301", "U3FFF", "P0301", "Q0301", "p0301", 7)
ODD_NUMBERS: Final = (
    "-0", "-0.0", "0.0", "0", "1e2", "1.5E+1", "1e-7", "0.00001", "0.1234567890123456789", "01",
    "1.", "true", "null", '"9"', "9007199254740993", "1e400", "123456789012345.67", "[1]",
)  # fmt: skip
SOURCES: Final = (
    *['"obd"'] * 30,
    *['"can"'] * 15,
    '"app"',
    '"gateway_of_mine"',
    '"Obd"',
    '"\\u006fbd"',
    '""',
    "null",
    "1",
)
"""Those that the plan lists most of the time, others that it does not, and some that are none."""
STEPS_MS: Final = (0, 1, 400, 1_000, 1_000, 1_000, 9_999, 60_000)


class OddEnvelopes:
    """``one`` gives the next; the same ones again for a seed."""

    def __init__(self, program: Program, devices: Sequence[str], now_ms: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self._devices = devices
        self._now_ms = now_ms
        catalogue = list(program.plan.catalogue)
        self._collected = program.signals
        self._unkept = [one for one in catalogue if one not in program.signals]
        self._sent = 0

    def one(self) -> bytes:
        """The next raw record's value."""
        self._sent += 1
        text = self._envelope().encode()
        return self._damaged(text) if self._chance.random() < 0.03 else text

    def _envelope(self) -> str:
        chance = self._chance
        number = self._sent if chance.random() < 0.95 else chance.randrange(self._sent)
        # Some before their device was known, some from the future, most of the last hours.
        behind_ms = chance.choice([*[15] * 16, 300, 300, 4_000, 60 * 24 * 40, -60 * 30]) * MINUTE_MS
        t0_ms = self._now_ms - behind_ms + self._sent * chance.choice([1, 1_000])
        members = {
            "v": "1" if chance.random() < 0.99 else chance.choice(["2", "1.0", '"1"']),
            "id": json.dumps(f"01K{number:023d}"),
            "device": json.dumps(chance.choice(self._devices)),
            "clock": self._object({"t0": json.dumps(self._instant(t0_ms)), "quality": '"gnss"'}),
            "series": self._series(),
        }
        if chance.random() < 0.3:
            members["dtc"] = json.dumps(chance.choices(CODES[: chance.choice([3] * 9 + [6])], k=2))
        if chance.random() < 0.3:
            started_ms = t0_ms - chance.choice([0, 1, 60, 3_000, -1, 60 * 24 * 31]) * MINUTE_MS
            trip = {"id": '"t"', "started": json.dumps(self._instant(started_ms))}
            members["trip"] = self._object(trip)
        extra = {
            "boot": '"b"', "seq": "17", "resend": "true", "seat": '"driver"', "frames": "[]",
            "sent_at": json.dumps(self._instant(t0_ms)),
        }  # fmt: skip
        if chance.random() < 0.3:
            members["source"] = chance.choice(SOURCES)
        members |= {name: text for name, text in extra.items() if chance.random() < 0.2}
        if chance.random() < 0.01:
            members["unknown"] = "1"
        return self._object(members)

    def _instant(self, instant_ms: int) -> str:
        text = format_instant(instant_ms)
        odd = self._chance.random()
        if odd < 0.01:
            return text.replace("Z", self._chance.choice(["+00:00", "+09:00", "", "z"]))
        if odd < 0.05 and "." not in text:
            return text.replace("Z", self._chance.choice([".5Z", ".123456Z", ".1239999Z", ".Z"]))
        return text

    def _series(self) -> str:
        chance = self._chance
        some = chance.sample(
            self._collected, k=min(len(self._collected), chance.choice([0, 1, 3, 5, 7, 7, 7]))
        )
        if self._unkept and chance.random() < 0.2:
            some.append(chance.choice(self._unkept))
        pair = [one for one in self._collected if "CurrentLocation.L" in one.path]
        if chance.random() < 0.5:
            some += [one for one in pair if one not in some]
        shared = self._times()
        columns = {one.path: self._column(one, shared) for one in some}
        if chance.random() < 0.02:
            columns["Vehicle.Nothing"] = columns.get(some[0].path if some else "", "{}")
        return self._object(columns)

    def _times(self) -> list[int]:
        chance = self._chance
        step_ms, count = chance.choice(STEPS_MS), chance.choice([1, 2, 10, 10, 30])
        if chance.random() < 0.02:
            count = 0
        times = [place * step_ms for place in range(count)]
        if chance.random() < 0.1:
            chance.shuffle(times)
        if times and chance.random() < 0.02:
            times[chance.randrange(len(times))] = chance.choice([-1, 600_000, 600_001, 86_400_001])
        return times

    def _column(self, signal: Signal, shared: list[int]) -> str:
        chance = self._chance
        times = shared if chance.random() < 0.8 else self._times()
        values = [self._value(signal) for _ in times]
        if values and chance.random() < 0.01:
            values[chance.randrange(len(values))] = chance.choice(ODD_NUMBERS)
        if chance.random() < 0.01:
            values.append("1")
        return self._object(
            {
                "unit": json.dumps(signal.unit if chance.random() < 0.99 else "furlong"),
                "dt": self._list([str(one) for one in times]),
                "value": self._list(values),
            }
        )

    def _value(self, signal: Signal) -> str:
        chance = self._chance
        if signal.datatype == "boolean":
            return chance.choice(["true", "false"])
        if signal.datatype == "string":
            return json.dumps(chance.choice(signal.allowed or ("x",)))
        low, high = signal.min or 0, signal.max or 0
        if "CurrentLocation.L" in signal.path and chance.random() < 0.9:
            low, high = (35.6, 35.7) if signal.path.endswith("Latitude") else (139.7, 139.8)
        value = chance.uniform(low, high)
        if signal.is_integer:
            return f"{round(value)}{chance.choice(['', '', '', '.0'])}"
        digits = chance.choice([0, 1, 1, 2, 6, None])
        return repr(value) if digits is None else f"{value:.{digits}f}"

    def _list(self, elements: Sequence[str]) -> str:
        space = self._chance.choice(SPACES)
        return f"[{space}{f'{space},{space}'.join(elements)}{space}]"

    def _object(self, members: dict[str, str]) -> str:
        chance = self._chance
        items = list(members.items())
        if chance.random() < 0.3:
            chance.shuffle(items)
        if items and chance.random() < 0.004:
            items.append(chance.choice(items))
        space = chance.choice(SPACES)
        written = [f"{space}{json.dumps(name)}{space}:{space}{text}{space}" for name, text in items]
        return "{" + ",".join(written) + "}"

    def _damaged(self, text: bytes) -> bytes:
        chance = self._chance
        place = chance.randrange(len(text))
        match chance.randrange(3):
            case 0:
                return text[:place]
            case 1:
                return text[:place] + text[place + 1 :]
            case _:
                return (
                    text[:place]
                    + bytes([text[place] ^ 1 << chance.randrange(8)])
                    + text[place + 1 :]
                )
