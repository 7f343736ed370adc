"""``python -m bench.capacity``: what a fleet needs, from what was measured and what is assumed.

In: committed results, and assumptions that are options of the command. Out: one table, a column for
each size of fleet. A figure that rests on something not measured is "not measured", never guessed.
It scales linearly: what brokers, networks and disks add at that size is not in it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final

from bench.results import Results, figure, read_results, shown

FLEETS: Final = (10_000, 100_000, 1_000_000, 10_000_000)
HOUR_S: Final = 3_600
ROWS_UNIT: Final = 1e7


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What no benchmark can say; every one is an option of the command."""

    readings_per_s: float = field(
        default=6.0, metadata={"is": "readings a second of a vehicle that drives"}
    )
    driving_share: float = field(
        default=0.15, metadata={"is": "part of the fleet that drives in the busiest hour"}
    )
    driven_h_per_day: float = field(
        default=1.0, metadata={"is": "hours a day that a vehicle drives, on average"}
    )
    readings_per_envelope: int = field(
        default=60, metadata={"is": "readings in one envelope; the sizes measured are told above"}
    )
    busy_share: float = field(
        default=0.6, metadata={"is": "part of a core that is planned to be busy"}
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What the benchmarks say; None: not measured. Under the shipped policy, all agreed."""

    worker_us_per_reading: float | None
    raw_bytes_per_envelope: float | None
    output_bytes_per_envelope: float | None
    rows_per_reading: float | None
    sink_us_per_row: float | None
    files_per_hour: float | None
    expire_cpu_ms_per_10m_rows: float | None
    bytes_per_person: float | None
    cold_start_s_per_person: float | None


def measured(results: Results, readings: int) -> Measured:
    """The figures for envelopes of so many readings."""
    size = str(readings)
    yields = ("hot_path", "full_policy_yields", size)
    people = figure(results, "people", "people")
    rss_mb = figure(results, "people", "rss_mb")
    delivered = figure(results, *yields, "readings")
    return Measured(
        worker_us_per_reading=figure(results, "hot_path", "full_policy", size),
        raw_bytes_per_envelope=figure(results, *yields, "raw_bytes"),
        output_bytes_per_envelope=figure(results, *yields, "bytes"),
        rows_per_reading=_times(delivered, 1 / readings),
        sink_us_per_row=figure(results, "sink", "cpu_us_per_row", "10000"),
        files_per_hour=figure(results, "sink", "files_per_hour"),
        expire_cpu_ms_per_10m_rows=figure(results, "sink", "expire_cpu_ms_per_10m_rows"),
        bytes_per_person=_times(rss_mb, _over(1e6, people)),
        cold_start_s_per_person=_times(
            figure(results, "people", "cold_start_s"), _over(1.0, people)
        ),
    )


def _times(*factors: float | None) -> float | None:
    """The product, None if a factor is."""
    product = 1.0
    for factor in factors:
        if factor is None:
            return None
        product *= factor
    return product


def _over(one: float, other: float | None) -> float | None:
    return None if not other else one / other


Need = Callable[[int, Assumptions, Measured], float | None]


def readings_per_s(vehicles: int, told: Assumptions, _: Measured) -> float:
    """In the busiest hour."""
    return vehicles * told.driving_share * told.readings_per_s


def _envelopes_per_s(vehicles: int, told: Assumptions, found: Measured) -> float:
    return readings_per_s(vehicles, told, found) / told.readings_per_envelope


def _rows_per_s(vehicles: int, told: Assumptions, found: Measured) -> float | None:
    return _times(readings_per_s(vehicles, told, found), found.rows_per_reading)


def _rows_per_day(vehicles: int, told: Assumptions, found: Measured) -> float | None:
    driven_s = told.driven_h_per_day * HOUR_S
    return _times(vehicles, driven_s, told.readings_per_s, found.rows_per_reading)


def _mb_per_s(
    vehicles: int, told: Assumptions, found: Measured, size: float | None
) -> float | None:
    return _times(_envelopes_per_s(vehicles, told, found), size, 1e-6)


NEEDS: Final[dict[str, Need]] = {
    "readings a second, busiest hour": readings_per_s,
    "envelopes a second": _envelopes_per_s,
    "raw topic, MB a second": lambda v, a, m: _mb_per_s(v, a, m, m.raw_bytes_per_envelope),
    "purpose topics, MB a second": lambda v, a, m: _mb_per_s(v, a, m, m.output_bytes_per_envelope),
    "cores for workers": lambda v, a, m: _times(
        readings_per_s(v, a, m), m.worker_us_per_reading, 1e-6 / a.busy_share
    ),
    "memory of each worker for people, MB": lambda v, _, m: _times(v, m.bytes_per_person, 1e-6),
    "cold start of a worker, CPU s": lambda v, _, m: _times(v, m.cold_start_s_per_person),
    "rows a second into sinks": _rows_per_s,
    "cores for sinks": lambda v, a, m: _times(
        _rows_per_s(v, a, m), m.sink_us_per_row, 1e-6 / a.busy_share
    ),
    "rows a day, all outputs": _rows_per_day,
    "expiring one day's rows, CPU s": lambda v, a, m: _times(
        _rows_per_day(v, a, m), m.expire_cpu_ms_per_10m_rows, 1e-3 / ROWS_UNIT
    ),
    "files an hour of one sink": lambda _v, _a, m: m.files_per_hour,
}


def table(told: Assumptions, found: Measured) -> list[str]:
    """The model as lines of a Markdown table."""
    lines = [
        f"| vehicles | {' | '.join(f'{vehicles:,}' for vehicles in FLEETS)} |",
        f"| --- |{' ---: |' * len(FLEETS)}",
    ]
    for name, need in NEEDS.items():
        cells = [shown(need(vehicles, told, found)) for vehicles in FLEETS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def assumed(told: Assumptions) -> list[str]:
    """The assumptions as lines of a Markdown table."""
    rows = [
        f"| `--{one.name.replace('_', '-')}` | {one.metadata['is']} | {getattr(told, one.name):g} |"
        for one in fields(told)
    ]
    return ["| option | what is assumed | value |", "| --- | --- | ---: |", *rows]


def main() -> None:
    """Print the table for other assumptions."""
    ask = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    for one in fields(Assumptions):
        kind = int if isinstance(one.default, int) else float
        name = f"--{one.name.replace('_', '-')}"
        ask.add_argument(name, type=kind, default=one.default, help=one.metadata["is"])
    told = Assumptions(**vars(ask.parse_args()))
    print("\n".join(table(told, measured(read_results(), told.readings_per_envelope))))


if __name__ == "__main__":
    main()
