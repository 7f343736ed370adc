"""From a scope to a person's rows in the store: link by link, output by output.

A row is the person's if it lies under a pseudonym of one of their links and its time is within
that link: what was passed on before a link's end was known is another's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from office.erasure.selecting import floors
from office.erasure.whereabouts import EpochKeys, whereabouts
from office.keyring.wrapping import KeyName
from policy.plan.plan import Output, Plan
from roadfade.person.scope import Scope
from sinks.port.results import Located
from sinks.port.selection import FoundRow, Selection
from telemetry.wire.control import LinkInterval


class Rows(Protocol):
    """What is asked of a store; see ``sinks.port.sink.Store``."""

    def locate(self, output: str, selection: Selection) -> Located: ...  # noqa: D102  # as there
    def rows_of(  # noqa: D102  # as there
        self, output: str, selection: Selection, now_ms: int
    ) -> Iterator[FoundRow]: ...


class HeldPart(NamedTuple):
    """One link's rows in one output."""

    output: Output
    link: LinkInterval
    number: int
    """Of the link among the person's, from 1: what the person is shown in place of an id."""
    selection: Selection


@dataclass(frozen=True, slots=True)
class Held:
    """Where a person's rows may lie, by output in the order of the newest plan, then by link."""

    parts: Sequence[HeldPart]
    unlocatable: frozenset[KeyName]
    """Keys that are destroyed: rows made under them cannot be found any more, by anybody."""

    def outputs(self) -> list[Output]:
        """Each output once."""
        return list({part.output.id: part.output for part in self.parts}.values())

    def of(self, output: Output) -> list[HeldPart]:
        """An output's parts."""
        return [part for part in self.parts if part.output.id == output.id]


def held(
    scope: Scope,
    links: Sequence[LinkInterval],
    plans: Sequence[Plan],
    keys: EpochKeys,
    now_ms: int,
) -> Held:
    """Where the scope's rows may lie. ``plans``: all that ever were in force, the newest last."""
    outputs = {one.id: one for plan in plans for one in plan.outputs if scope.takes(one)}
    order = {one: place for place, one in enumerate(outputs)}
    parts, unlocatable = list[HeldPart](), set[KeyName]()
    for number, link in enumerate(links, 1):
        from_ms, to_ms = scope.span_of(link)
        if to_ms is not None and to_ms <= from_ms:
            continue
        found = whereabouts([link], plans, keys, now_ms)
        unlocatable |= {name for name in found.unlocatable if _asked(name, outputs)}
        for output, pseudonyms in found.by_output.items():
            if output in outputs:
                selection = Selection(
                    pseudonyms, from_ms=from_ms, to_ms=to_ms, floors_ms=floors(plans, output)
                )
                parts.append(HeldPart(outputs[output], link, number, selection))
    parts.sort(key=lambda part: (order[part.output.id], part.number))
    return Held(parts, frozenset(unlocatable))


def _asked(name: KeyName, outputs: Mapping[str, Output]) -> bool:
    return any((one.purpose, one.recipient) == name[:2] for one in outputs.values())


def count(store: Rows, parts: Iterable[HeldPart]) -> Located:
    """How many rows there are of these parts, in how many files.

    A file that holds rows of two of them counts twice.
    """
    found = [store.locate(part.output.id, part.selection) for part in parts]
    return Located(
        sum(one.rows for one in found),
        sum(one.files for one in found),
        sum(one.unreadable for one in found),
        sum(one.file_bytes for one in found),
    )


def rows(store: Rows, parts: Iterable[HeldPart], now_ms: int) -> Iterator[tuple[int, FoundRow]]:
    """Every live row of these parts with its link's number, by link, then by time."""
    for part in parts:
        for row in store.rows_of(part.output.id, part.selection, now_ms):
            yield part.number, row
