"""Which rows of which output have to go: from a request to commands that name no person. Pure.

In: a request with the links it means, all plans that ever were in force, keys. Out: commands, each
for one output, in that output's own words. Stores compare and obey; they learn nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, TypeVar

from office.erasure.whereabouts import EpochKeys, whereabouts
from office.keyring.wrapping import KeyName
from policy.plan.consents import Grantable
from policy.plan.plan import Output, Plan
from policy.plan.withdrawals import erased_on_withdrawal
from telemetry.identity import Pseudonym
from telemetry.keyed_hashes import consent_mark
from telemetry.wire.control import LinkInterval
from telemetry.wire.erasure import (
    CONSENTS_MAX,
    ERASURE_VERSION,
    PSEUDONYMS_MAX,
    EraseCommand,
)

T = TypeVar("T")


class ConsentRow(NamedTuple):
    """A consent by its row, and to what it was given."""

    consent: str
    to: Grantable


@dataclass(frozen=True, slots=True)
class Demand:
    """What a request means. Instants are milliseconds UTC."""

    links: Sequence[LinkInterval]
    consents: Sequence[ConsentRow] | None = None
    """Rows that rest on one of these; None: whatever they rest on."""
    purposes: frozenset[str] | None = None
    lanes: Mapping[str, Sequence[str]] | None = None
    """By output; those that are not named are not meant. None: every lane of every output."""
    from_ms: int | None = None
    to_ms: int | None = None
    withdrawn: bool = False
    """Whether ``consents`` were withdrawn at ``from_ms``: what the policy erases then goes whatever
    its time."""


class _Rows(NamedTuple):
    """Which rows under the pseudonyms of an output are meant."""

    lanes: Sequence[str]
    """None given: every lane."""
    marks: Sequence[str] | None
    """References of consents; None: whatever a row rests on."""
    from_ms: int | None


@dataclass(frozen=True, slots=True)
class Selected:
    """Commands, and what no command can reach."""

    commands: tuple[EraseCommand, ...] = ()
    unlocatable: frozenset[KeyName] = frozenset()
    """Keys that are destroyed: what lies under their pseudonyms belongs to nobody any more."""


@dataclass(frozen=True, slots=True)
class Life:
    """For how long commands are obeyed."""

    now_ms: int
    replay_ms: int
    """How far back anything may be read again or restored."""

    def until_ms(self, plans: Iterable[Plan], output: str, from_ms: int | None) -> int:
        """Later than any row of an output that was decided before now can reach a store.

        ``max(now, from) + raw bound + topic bound + replay``: a reading may wait in the raw topic
        until its bytes are gone, what became of it then waits in the output's topic as long as its
        bytes live, and a store that is restored, or reads again, does so within ``replay_ms``.
        Each bound is the longest of all plans; ``from`` counts for what ends at a later instant.
        """
        plans = tuple(plans)
        raw_ms = max((plan.raw.bound_ms for plan in plans), default=0)
        topic_ms = max((o.transport.bound_ms for o in outputs_of(plans, output)), default=0)
        return max(self.now_ms, from_ms or 0) + raw_ms + topic_ms + self.replay_ms


@dataclass(frozen=True, slots=True)
class Commanded:
    """What was commanded before, for the same request."""

    pseudonyms: Mapping[str, frozenset[Pseudonym]] = field(default_factory=dict)
    """By output."""


def select(
    demand: Demand,
    plans: Iterable[Plan],
    keys: EpochKeys,
    life: Life,
    new_id: Callable[[], str],
    before: Commanded | None = None,
) -> Selected:
    """The commands that a request needs, beyond those ``before``; ids by ``new_id``.

    A consent's references differ by epoch, as pseudonyms do, so each command has those of all
    epochs: a pseudonym of one never stands beside a reference of another on any row.
    """
    plans = tuple(plans)
    where = whereabouts(demand.links, plans, keys, life.now_ms)
    known = {} if before is None else before.pseudonyms
    commands: list[EraseCommand] = []
    for output, pseudonyms in sorted(where.by_output.items()):
        fresh = sorted(pseudonyms - known.get(output, frozenset()))
        if not fresh or not _serves(demand, plans, output):
            continue
        for rows in _rows(demand, plans, keys, output, life.now_ms):
            for some, resting in product(_batched(fresh, PSEUDONYMS_MAX), _chunked(rows.marks)):
                command = EraseCommand(
                    v=ERASURE_VERSION,
                    command=new_id(),
                    output=output,
                    pseudonyms=[str(one) for one in some],
                    consents=list(resting),
                    lanes=list(rows.lanes),
                    from_ms=rows.from_ms,
                    to_ms=demand.to_ms,
                    floors_ms=floors(plans, output),
                    asked_ms=life.now_ms,
                    until_ms=life.until_ms(plans, output, rows.from_ms),
                )
                commands.append(command)
    return Selected(tuple(commands), _meant(where.unlocatable, demand))


def outputs_of(plans: Iterable[Plan], output: str) -> Iterator[Output]:
    """An output as it stands in each of the plans."""
    return (one for plan in plans for one in plan.outputs if one.id == output)


def floors(plans: Iterable[Plan], output: str) -> dict[str, int]:
    """How long is what a time stands for, by lane: the longest of all plans, in milliseconds.

    A version may have changed it, and a row does not say which held.
    """
    found: dict[str, int] = {}
    for one in outputs_of(plans, output):
        for lane in one.lanes:
            found[lane.name] = max(1, lane.time_floor_ms, found.get(lane.name, 1))
    return found


def _serves(demand: Demand, plans: Iterable[Plan], output: str) -> bool:
    """Whether the output is for a purpose that is meant."""
    purposes = {one.purpose for one in outputs_of(plans, output)}
    return demand.purposes is None or bool(purposes & demand.purposes)


def _rows(
    demand: Demand, plans: Sequence[Plan], keys: EpochKeys, output: str, now_ms: int
) -> Iterator[_Rows]:
    """What is meant of one output: once what is of the interval, and what is erased beyond it."""
    lanes = _lanes(demand, output)
    if lanes is not None:
        marks = None
        if demand.consents is not None:
            marks = _marks(demand.consents, plans, keys, output)
        yield _Rows(lanes, marks, demand.from_ms)
    if not demand.withdrawn or demand.from_ms is None:
        return
    in_force = [plan for plan in plans if plan.effective_ms <= now_ms]
    erased: dict[tuple[str, ...], list[ConsentRow]] = {}
    for one in demand.consents or ():
        of = tuple(sorted(erased_on_withdrawal(in_force, output, one.to)))
        # An empty list in a command would mean every lane.
        if of:
            erased.setdefault(of, []).append(one)
    for of, consents in erased.items():
        yield _Rows(of, _marks(consents, plans, keys, output), None)


def _lanes(demand: Demand, output: str) -> Sequence[str] | None:
    """The lanes that are meant, none given: all; None: nothing of this output."""
    if demand.lanes is None:
        return ()
    # An empty list in a command would mean every lane.
    return sorted(demand.lanes.get(output, ())) or None


def _marks(
    consents: Iterable[ConsentRow], plans: Iterable[Plan], keys: EpochKeys, output: str
) -> list[str]:
    """What rows say of these consents, under every key of the output."""
    named = {(one.purpose, one.recipient) for one in outputs_of(plans, output)}
    live = [key for who in named for key in keys.epochs(*who).values() if key is not None]
    return sorted(
        {consent_mark(key, one.to.notice, one.consent) for key in live for one in consents}
    )


def _chunked(marks: Sequence[str] | None) -> list[Sequence[str]]:
    """Marks by command; None: one command that names none. Without any mark nothing is meant."""
    return [()] if marks is None else list(_batched(marks, CONSENTS_MAX))


def _batched(some: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (some[start : start + most] for start in range(0, len(some), most))


def _meant(unlocatable: frozenset[KeyName], demand: Demand) -> frozenset[KeyName]:
    if demand.purposes is None:
        return unlocatable
    return frozenset(name for name in unlocatable if name[0] in demand.purposes)
