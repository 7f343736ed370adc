"""What of new records is refused while commands of erasure live. Pure.

In: the commands, and a record that was read. Out: the record without the readings that are meant.
Whether a batch holds anything of anybody who is named is one question about its keys: a record's
Kafka key is its pseudonym.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from sinks.port.records import RecordReadings, Run
from sinks.port.selection import Selection
from telemetry.arrived import Arrived
from telemetry.wire.erasure import EraseCommand

_KEY: Final = attrgetter("key")


class _Refused(NamedTuple):
    selection: Selection
    until_ms: int


class OutputRefusals:
    """What is refused of one output."""

    def __init__(self, commands: Iterable[EraseCommand]) -> None:
        self._by_key: dict[bytes | None, list[_Refused]] = {}
        for command in commands:
            refused = _Refused(Selection.of(command), command.until_ms)
            for pseudonym in refused.selection.pseudonyms:
                self._by_key.setdefault(pseudonym.encode(), []).append(refused)

    def named(self, records: Sequence[Arrived]) -> list[int]:
        """The places of records under keys that a command names."""
        keys = self._by_key.keys()
        if keys.isdisjoint(map(_KEY, records)):
            return []
        return [place for place, record in enumerate(records) if record.key in keys]

    def left_of(self, record: RecordReadings, now_ms: int) -> RecordReadings:
        """The record without the readings that a command means which still lives."""
        selections = [
            one.selection
            for one in self._by_key.get(record.pseudonym.encode(), ())
            if one.until_ms > now_ms
            and one.selection.rests(record.consent)
            and one.selection.names(record.lane)
        ]
        for selection in selections:
            floor_ms = selection.floor_of(record.lane)
            runs = [_left_of_run(run, selection, floor_ms) for run in record.runs]
            record = record._replace(runs=[run for run in runs if run.t_ms])
        return record


def _left_of_run(run: Run, selection: Selection, floor_ms: int) -> Run:
    stays = [n for n, t_ms in enumerate(run.t_ms) if not selection.covers(t_ms, floor_ms)]
    if len(stays) == len(run.t_ms):
        return run
    return run._replace(
        t_ms=[run.t_ms[n] for n in stays],
        numbers=None if run.numbers is None else [run.numbers[n] for n in stays],
        texts=None if run.texts is None else [run.texts[n] for n in stays],
    )


class Refusals:
    """What is refused, by output; it never changes."""

    def __init__(self, commands: Iterable[EraseCommand] = ()) -> None:
        by_output: dict[str, list[EraseCommand]] = {}
        for command in commands:
            by_output.setdefault(command.output, []).append(command)
        self._by_output = {output: OutputRefusals(some) for output, some in by_output.items()}

    def of(self, output: str) -> OutputRefusals | None:
        """What is refused of an output; None if nothing is."""
        return self._by_output.get(output)
