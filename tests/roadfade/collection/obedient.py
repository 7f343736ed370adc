"""A device that obeys its list, as docs/gateways.md tells makers: it leaves out, thins and rounds."""

from collections.abc import Mapping
from typing import Any

from policy.vocabulary.operation_words import operation
from policy.vocabulary.operations import PAIR, Bucket, Round, apply
from telemetry.wire.collection_list import ListedSignal

Column = tuple[list[int], list[Any]]
"""Milliseconds after the envelope's t0, ascending, and values."""


class Obedient:
    """Remembers the bins of which it has sent a reading."""

    def __init__(self, signals: tuple[ListedSignal, ...]) -> None:
        self._signals = {one.path: one for one in signals}
        self._last: dict[str, int] = {}

    def sends(self, t0_ms: int, columns: Mapping[str, Column]) -> dict[str, Column]:
        """What is left of the readings of an envelope."""
        found = {}
        for path, (times, values) in columns.items():
            one = self._signals.get(path)
            if one is None:
                continue
            keeps = self._kept(one, t0_ms, times, columns)
            kept = [
                (dt, _coarse(one, value))
                for dt, value in zip(times, values, strict=True)
                if dt in keeps
            ]
            if kept:
                found[path] = ([dt for dt, _ in kept], [value for _, value in kept])
        return found

    def _kept(
        self, one: ListedSignal, t0_ms: int, times: list[int], columns: Mapping[str, Column]
    ) -> set[int]:
        if one.rate_ms is None:
            return set(times)
        if one.path in PAIR:
            others = [set(columns[path][0]) if path in columns else set[int]() for path in PAIR]
            times = sorted(others[0] & others[1])
        kept = set[int]()
        last = self._last.get(one.path)
        for dt in times:
            bin_ = (t0_ms + dt) // one.rate_ms
            if last is None or bin_ > last:
                kept.add(dt)
                last = bin_
        if last is not None:
            self._last[one.path] = last
        return kept


def _coarse(one: ListedSignal, value: Any) -> Any:
    if one.precision is None:
        return value
    step = operation(one.precision).operation
    return apply([step], value) if isinstance(step, Round | Bucket) else value
