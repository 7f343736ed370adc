"""Faults of an envelope's text: what devices, gateways and chance can make of a good one.

Numbers written otherwise, columns that do not fit, clocks that are wrong, positions on the edges of
cells, letters escaped, bits flipped. In: an envelope's bytes. Out: others, the same for a seed.
"""

import json
import math
import random
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from policy.vocabulary.operations import PAIR
from processors.program import Program
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_instant
from telemetry.signals import Signal

Members = dict[str, Any]
_NOTHING_LEFT: Final = (LookupError, TypeError, AttributeError, ValueError, msgspec.MsgspecError)
_NUMBER: Final = re.compile(rb"(?<=[\[,:])-?\d+(?:\.\d+)?(?=[,\]}])")
_LETTER: Final = re.compile(rb"[A-Za-z/]")
_OTHER_NUMBERS: Final = (
    b"-0", b"-0.0", b"0.0", b"1e2", b"1.5E+1", b"1e-7", b"0.00001", b"0.000010", b"01", b"1.", b"+1",
    b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b'"9"',
    b"[1]", b"{}", b"9007199254740993", b"9007199254740993.0", b"123456789012345.67",
    b"12345678901234567890123456789", b"0.1234567890123456789", b"18446744073709551616",
    b"0.049999999999999996", b"2.675", b"1.005", b"43.25", b"-43.25", b"99.99999999999999",
)  # fmt: skip
_ODD_TEXT: Final = ("", "é", "\\", '"', "\u2028", "\U0001f697", "x" * 64, "x" * 65, "\x7f")
_CODES: Final = (
    "P0301",
    "U3FFF",
    "B2ABC",
    "P030",
    "p0301",
    "P0301 ",
    "P4301",
    "\uff300301",
    7,
    None,
)
_BEHIND_MS: Final = (
    1, SECOND_MS, 9_999, MINUTE_MS, 11 * MINUTE_MS, 3 * HOUR_MS, DAY_MS, 8 * DAY_MS, 40 * DAY_MS,
    200 * DAY_MS, 500 * DAY_MS, 56 * 365 * DAY_MS, -1, -MINUTE_MS, -23 * HOUR_MS, -24 * HOUR_MS,
    -24 * HOUR_MS - 1, -40 * DAY_MS,
)  # fmt: skip
"""How far a clock is behind: by a little, by an epoch or by decades; or ahead."""
_DELTAS_MS: Final = (-1, 0, 0, 1, 9_999, 10_000, 599_999, 600_000, 600_001, DAY_MS, DAY_MS + 1)
_EDGES: Final[Sequence[Sequence[float]]] = (
    (20.0, 45.99999999999999, 46.0, 35.5, 35.75, 35.0083333333333333, 35 + 1 / 240, 35 + 1 / 480,
     0.0, -0.0, 90.0, -90.0, 90.0000001),
    (122.0, 153.99999999999997, 154.0, 139.5, 139.75, 139.0125, 139 + 1 / 160, 139 + 1 / 320,
     0.0, 180.0, -180.0, 179.99999999999997),
)  # fmt: skip
"""Latitudes and longitudes on the edges of JIS cells, of that grid, and of the world."""


class Mutations:
    """``of`` makes another envelope of one, by one to three faults. ``devices`` may be its sender."""

    def __init__(self, program: Program, devices: Sequence[str], chance: random.Random) -> None:
        self._chance = chance
        self._devices = devices
        self._signals = {one.path: one for one in program.plan.catalogue}
        self._unkept = [one.path for one in program.plan.catalogue if one.path not in program.index]
        self._ids: list[str] = ["01K0000000000000000000TEST"]
        self._of_members: Sequence[Callable[[Members], None]] = (
            self._clock, self._identity, self._codes, self._trip, self._member,
            self._position, self._position, self._value, self._value, self._column, self._column,
        )  # fmt: skip
        self._of_text: Sequence[Callable[[bytes], bytes]] = (
            self._reprint, self._reprint, self._reprint, self._escape, self._twice, self._space,
            self._damage,
        )  # fmt: skip

    def of(self, text: bytes) -> bytes:
        """Another envelope."""
        chance = self._chance
        if chance.random() < 0.6:
            text = self._with_other_members(text)
            if chance.random() < 0.6:
                return text
        for _ in range(chance.choice((1, 1, 2))):
            text = chance.choice(self._of_text)(text or b"{}")
        return text

    def _with_other_members(self, text: bytes) -> bytes:
        # A fault before may have left nothing that this one could be of.
        with suppress(*_NOTHING_LEFT):
            members: Members = msgspec.json.decode(text)
            for _ in range(self._chance.choice((1, 1, 2, 3))):
                with suppress(*_NOTHING_LEFT):
                    self._chance.choice(self._of_members)(members)
            return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()
        return text

    def _clock(self, said: Members) -> None:
        chance = self._chance
        from_ms = chance.choice(_BEHIND_MS)
        before = msgspec.convert(said["clock"]["t0"], datetime).timestamp()
        text = format_instant(round(before * 1000) - from_ms)
        if chance.random() < 0.2:
            ends = ("+00:00", "+09:00", "", "z", ".5Z", ".123456Z", ".1239999Z", ".Z", " Z")
            text = text[:19] + chance.choice(ends)
        if chance.random() < 0.1:
            text = text[:17] + "60" + text[19:]
        said["clock"]["t0"] = text

    def _identity(self, said: Members) -> None:
        chance = self._chance
        match chance.randrange(4):
            case 0:
                said["id"] = chance.choice(self._ids)
            case 1:
                said["device"] = chance.choice(self._devices)
            case 2:
                name = chance.choice(("id", "device", "boot"))
                said[name] = chance.choice(_ODD_TEXT) + said.get(name, "")
            case _:
                said["resend"] = chance.choice((True, True, False, 1))
        self._ids.append(str(said["id"]))
        del self._ids[:-50]

    def _codes(self, said: Members) -> None:
        said["dtc"] = self._chance.choices(_CODES, k=self._chance.choice((0, 1, 2, 3, 65)))

    def _trip(self, said: Members) -> None:
        chance = self._chance
        before = msgspec.convert(said["clock"]["t0"], datetime).timestamp()
        ahead_ms = chance.choice((0, 1, -1, HOUR_MS, 47 * HOUR_MS, 48 * HOUR_MS, 9 * DAY_MS))
        said["trip"] = {"id": "t", "started": format_instant(round(before * 1000) - ahead_ms)}
        if chance.random() < 0.2:
            del said["trip"][chance.choice(("id", "started"))]

    def _member(self, said: Members) -> None:
        chance = self._chance
        others: Members = {
            "v": chance.choice((1.0, 2, "1", True)),
            "frames": [{"dt": 0, "bus": "can0", "id": 1, "data": chance.choice(("00", "0", "0g"))}],
            "seat": chance.choice(("driver", "passenger", "roof")),
            "seq": chance.choice((0, 2**63 - 1, 2**63, -1, 1.5)),
            "sent_at": chance.choice(("2026-11-20T12:00:00Z", "now", None)),
            "unknown": 1,
            "series": {},
        }
        name = chance.choice(list(others))
        if name in said and chance.random() < 0.5:
            del said[name]
        else:
            said[name] = others[name]

    def _position(self, said: Members) -> None:
        """Both coordinates on edges, at the same times; now and then one of them is lost."""
        chance = self._chance
        times = [chance.choice((0, 0, 1000, 2000)) * n for n in range(chance.choice((1, 2, 5)))]
        for path, edges in zip(PAIR, _EDGES, strict=True):
            values = [chance.choice(edges) for _ in times]
            if chance.random() < 0.3:
                values = [
                    math.nextafter(one, chance.choice((-math.inf, math.inf))) for one in values
                ]
            signal = self._signals[path]
            said["series"][path] = {"unit": signal.unit, "dt": list(times), "value": values}
            if chance.random() < 0.1:
                said["series"][path]["value"][0] = chance.choice((91, 181, None))
        if chance.random() < 0.15:
            del said["series"][chance.choice(PAIR)]

    def _value(self, said: Members) -> None:
        """One value at an end of its range, beyond it, of another type, or between two floats."""
        chance = self._chance
        path = chance.choice(list(said["series"]))
        values = said["series"][path]["value"]
        place = chance.randrange(len(values))
        signal = self._signals.get(path)
        ends: list[Any] = [None, True, False, "word", [], -1, 0, 2**53 + 1, 1e300]
        ends += _ends(signal)
        if isinstance(values[place], float):
            ends += [math.nextafter(values[place], math.inf), round(values[place]), -values[place]]
        values[place] = chance.choice(ends)

    def _column(self, said: Members) -> None:
        chance = self._chance
        series = said["series"]
        path = chance.choice(list(series))
        column = series[path]
        match chance.randrange(9):
            case 0:
                pairs = list(zip(column["dt"], column["value"], strict=True))
                chance.shuffle(pairs)
                column["dt"], column["value"] = [one for one, _ in pairs], [one for _, one in pairs]
            case 1:
                column["dt"][chance.randrange(len(column["dt"]))] = chance.choice(_DELTAS_MS)
            case 2:
                chance.choice((column["dt"], column["value"])).append(1)
            case 3:
                column["unit"] = chance.choice(("furlong", "", "x" * 33))
            case 4:
                series["Vehicle.Nothing"] = column
            case 5 if self._unkept:
                series[chance.choice(self._unkept)] = column
            case 6:
                column["dt"], column["value"] = [], []
            case 7:
                del chance.choice((series, column))[chance.choice((path, "dt", "value", "unit"))]
            case _:
                column["dt"] = [chance.choice((0, one)) for one in column["dt"]]

    def _reprint(self, text: bytes) -> bytes:
        """One number written otherwise: mostly still the same number."""
        chance = self._chance
        found = _NUMBER.search(text, chance.randrange(len(text)))
        if found is None:
            return text
        was = found[0]
        written = Decimal(was.decode())
        same = (
            f"{written:e}", f"{written:E}", f"{written * 10}e-1", f"{written}0" if b"." in was else f"{was.decode()}.0",
            f"{was.decode()}.{'0' * 20}" if b"." not in was else f"{was.decode()}{'0' * 20}",
            f"{float(written):.17g}", f"{written}e0", f"{written}E+00",
        )  # fmt: skip
        other = chance.choice(_OTHER_NUMBERS)
        put = other if chance.random() < 0.4 else chance.choice(same).encode()
        return text[: found.start()] + put + text[found.end() :]

    def _escape(self, text: bytes) -> bytes:
        found = _LETTER.search(text, self._chance.randrange(len(text)))
        if found is None:
            return text
        put = b"\\/" if found[0] == b"/" else b"\\u%04x" % found[0][0]
        return text[: found.start()] + put + text[found.end() :]

    def _twice(self, text: bytes) -> bytes:
        """One member again: of the envelope, or of its first column."""
        members = (b'"seq":1,', b'"seat":"driver",', b'"v":1,', b'"series":{},')
        if self._chance.random() < 0.7:
            return b"{" + self._chance.choice(members) + text[1:]
        return text.replace(b'"unit":', b'"unit":"","unit":', 1)

    def _space(self, text: bytes) -> bytes:
        mark = self._chance.choice((b",", b":", b"[", b"}"))
        spaces = self._chance.choice((b" ", b"\n\t", b"\r", b"\f", b"\xc2\xa0"))
        return text.replace(mark, mark + spaces, self._chance.choice((1, -1)))

    def _damage(self, text: bytes) -> bytes:
        chance = self._chance
        place = chance.randrange(len(text))
        behind = text[place + 1 :]
        match chance.randrange(4):
            case 0:
                return text[:place]
            case 1:
                return text[:place] + behind
            case 2:
                return text[:place] + bytes([text[place] ^ 1 << chance.randrange(8)]) + behind
            case _:
                return text[:place] + text[place : place + chance.randrange(40)] + text[place:]


def _ends(signal: Signal | None) -> Sequence[Any]:
    """Both ends of a signal's range, and what lies right beyond them; its words."""
    if signal is None:
        return ()
    if signal.allowed:
        return [*signal.allowed, signal.allowed[0].upper() + " "]
    if signal.min is None or signal.max is None:
        return ()
    if signal.is_integer:
        return int(signal.min), int(signal.max), int(signal.min) - 1, int(signal.max) + 1
    beyond = math.nextafter(signal.min, -math.inf), math.nextafter(signal.max, math.inf)
    return signal.min, signal.max, *beyond
