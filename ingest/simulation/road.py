"""Roads and how they are driven: a smooth path on the map, a speed for every second.

In: a random stream. Out: positions and speeds that agree with each other. No place is
anybody's home: starts are drawn around the middles of Japanese cities.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

_METRES_PER_DEGREE: Final = 111_320.0
_SWAY_PER_LENGTH: Final = 0.05
_CITIES: Final = (
    (35.86, 139.65),
    (36.55, 139.88),
    (35.18, 136.96),
    (34.76, 135.60),
    (43.03, 141.35),
    (32.79, 130.74),
    (34.42, 132.46),
    (37.40, 140.36),
)


class Point(NamedTuple):
    """A place on the way: WGS 84 degrees and the heading, clockwise from north."""

    latitude: float
    longitude: float
    heading: float


@dataclass(frozen=True, slots=True)
class Path:
    """A gently swaying line of ``length_m`` from a start towards a bearing."""

    latitude: float
    longitude: float
    bearing: float
    length_m: float
    waves: int

    def at(self, share: float) -> Point:
        """The point after ``share`` (0 to 1) of the way."""
        turn = math.pi * self.waves * share
        sway_m = self.length_m * _SWAY_PER_LENGTH / self.waves * math.sin(turn)
        slope = _SWAY_PER_LENGTH * math.pi * math.cos(turn)
        ahead_m = self.length_m * share
        north_m = ahead_m * math.cos(self.bearing) - sway_m * math.sin(self.bearing)
        east_m = ahead_m * math.sin(self.bearing) + sway_m * math.cos(self.bearing)
        latitude = self.latitude + north_m / _METRES_PER_DEGREE
        narrowing = math.cos(math.radians(self.latitude))
        longitude = self.longitude + east_m / (_METRES_PER_DEGREE * narrowing)
        heading = math.degrees(self.bearing + math.atan(slope)) % 360.0
        return Point(latitude, longitude, heading)


def starting_place(chance: Random) -> tuple[float, float]:
    """Latitude and longitude within some 5 km of the middle of a city."""
    latitude, longitude = chance.choice(_CITIES)
    return latitude + chance.uniform(-0.045, 0.045), longitude + chance.uniform(-0.055, 0.055)


def drawn_path(chance: Random, start: tuple[float, float], length_m: float) -> Path:
    """A path of that length from that start in some direction."""
    bearing = chance.uniform(0.0, 2 * math.pi)
    return Path(start[0], start[1], bearing, length_m, chance.randint(2, 6))


def speed_profile(chance: Random, seconds: int) -> list[float]:
    """Metres per second for each of ``seconds``: stop and go, standing at both ends."""
    speeds = [0.0] * chance.randint(3, 10)
    while len(speeds) < seconds:
        cruise = chance.uniform(30.0, chance.choice((50.0, 60.0, 100.0))) / 3.6
        rise, fall = chance.uniform(0.9, 1.8), chance.uniform(1.1, 2.2)
        speed = speeds[-1]
        while speed < cruise:
            speed = min(speed + rise, cruise)
            speeds.append(speed)
        held = chance.randint(10, 90)
        speeds.extend(max(0.0, cruise + chance.gauss(0.0, 0.25)) for _ in range(held))
        rest = chance.choice((0.0, 0.0, cruise * 0.5))
        while speed > rest:
            speed = max(speed - fall, rest)
            speeds.append(speed)
        speeds.extend([0.0] * (chance.randint(4, 35) if rest == 0.0 else 0))
    del speeds[seconds:]
    return [min(speed, 1.5 * (seconds - 1 - second)) for second, speed in enumerate(speeds)]
