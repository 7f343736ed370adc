"""What has to be done next for one request, or what it waits for. Pure.

In: a request as it stands, an instant. Out: one step, or a reason to wait. Each step is one
transaction of ``progress``; whatever dies between two of them, the next look goes on from here.

A request is commanded at once: a store that refuses what a command names needs no worker's word.
What a worker decided by an older view meanwhile may lie under a key that was not made yet, so
commands are completed when no such worker can act any more, which is D1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

COMMANDS_MAX: Final = 10_000
"""As the setting ``erase_commands_max`` has it by default."""


class State(StrEnum):
    """How far a request is."""

    ASKED = "asked"
    COMMANDED = "commanded"
    SUPPRESSED = "suppressed"
    """D1: no worker lets anything through any more that is meant."""
    ERASED = "erased"
    """Every store that is known has answered that nothing is left."""
    BOUND = "bound"
    """Copies that end by their bound have ended."""
    UNLINKED = "unlinked"
    """Whole persons: links and consents are deleted."""
    FORGOTTEN = "forgotten"
    """Whole persons: nobody stands in the request any more."""
    GONE = "gone"
    """D2: no copy is left here."""
    CLOSED = "closed"
    """Its commands are taken back: nothing that they name can come any more."""


BEFORE_DENIED: Final = (State.ASKED, State.COMMANDED)
BEFORE_ERASED: Final = (*BEFORE_DENIED, State.SUPPRESSED)
"""Some store that is known has not answered yet that nothing is left."""


class Step(StrEnum):
    """What is done in one transaction."""

    COMMAND = "command"
    SEE_PUBLISHED = "see_published"
    COMPLETE = "complete"
    """What keys that were made since make necessary is commanded; D1."""
    ATTEST = "attest"
    """Every store's answer becomes a receipt."""
    END_COPIES = "end_copies"
    UNLINK = "unlink"
    FORGET = "forget"
    SCRUB = "scrub"
    """No deleted byte is left in the office's files."""
    CONFIRM = "confirm"
    """D2."""
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done now."""

    why: str
    until_ms: int | None = None
    """When to look again; None: at every look."""
    outputs: tuple[str, ...] = ()
    """Outputs whose stores did not answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A request as it is on record. Instants are milliseconds UTC."""

    erasure: str
    state: State
    whole: bool
    asked_ms: int
    ends: bool = False
    """Whether an event asked for it, and no person."""
    from_ms: int = 0
    """Before that nothing is commanded: a withdrawal may take effect later than it is recorded."""
    sequence: int = 0
    """The outbox has to be published so far."""
    published_ms: int | None = None
    """When it was seen to be; None: not yet, or something was announced since."""
    until_ms: int | None = None
    unscrubbed: bool = False
    d1_ms: int | None = None
    d2_ms: int | None = None
    commands: Mapping[str, str] = field(default_factory=dict)
    """Outputs by command."""
    answered: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """Whether nothing is left, by command and store."""
    copies: Mapping[str, int] = field(default_factory=dict)
    """When copies that did not end yet are due."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for every request."""

    now_ms: int
    high_water: int
    """The outbox is published so far."""
    view_ms: int
    """No worker acts on a view that is older."""
    stores: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Stores by output that ever spoke, and are still there; none: all were retired."""
    commands: int = 0
    """So many commands live of the output that has most."""
    commands_max: int = COMMANDS_MAX
    """With more living commands of an output, its stores would write nothing any more."""
    without: frozenset[str] = frozenset()
    """Outputs that no version has, and for which no store ever spoke."""


def next_step(one: Standing, around: Surroundings) -> Step | Wait | None:
    """The next step, or what it waits for; None: there is nothing to do any more."""
    return _NEXT[one.state](one, around)


def _asked(one: Standing, around: Surroundings) -> Step | Wait:
    """Commanded at once, unless stores could not hold it; people come before events."""
    if around.now_ms < one.from_ms:
        return Wait("the withdrawal takes effect then", one.from_ms)
    room = around.commands_max // 2 if one.ends else around.commands_max * 9 // 10
    if around.commands >= room:
        return Wait("so many commands live that stores could hold no more of them")
    return Step.COMMAND


def _bound(one: Standing, _: Surroundings) -> Step:
    return Step.UNLINK if one.whole else _scrubbed(one) or Step.CONFIRM


def _forgotten(one: Standing, around: Surroundings) -> Step | Wait:
    left = _copies(one, around) if one.copies else None
    return _scrubbed(one) or left or Step.CONFIRM


def _gone(one: Standing, around: Surroundings) -> Step | Wait:
    if one.until_ms is not None and around.now_ms < one.until_ms:
        return Wait("what may still be on its way is refused until then", one.until_ms)
    # A store that came since has not looked yet whether it has any of it: until it has, and has
    # removed it, its command stays. What no store can have is awaited from nobody: it would be for
    # ever, and its commands would take the room of others.
    commands = {name: of for name, of in one.commands.items() if of not in around.without}
    return answers_awaited(replace(one, commands=commands), around) or Step.CLOSE


def to_look_for(one: Standing, around: Surroundings) -> frozenset[str]:
    """Outputs of which it counts whether a version has them: all that is awaited is their stores.

    None are while anything else is awaited.
    """
    if one.state is not State.GONE or around.now_ms < (one.until_ms or 0):
        return frozenset()
    return frozenset(one.commands.values()) - around.stores.keys()


def _seen(one: Standing, around: Surroundings) -> Step | Wait | None:
    """Whether every worker that acts knows what was announced last; None: so it is."""
    # A clock that was set back since says nothing of how long ago it was: the wait begins anew.
    if one.published_ms is None or around.now_ms < one.published_ms:
        if around.high_water < one.sequence:
            return Wait("it waits to be published: `roadfade office` does that")
        return Step.SEE_PUBLISHED
    known_ms = one.published_ms + around.view_ms
    if around.now_ms < known_ms:
        return Wait("no worker may act on an older view any more by then", known_ms)
    return None


def answers_awaited(one: Standing, around: Surroundings) -> Wait | None:
    """Whether every store that is known has nothing left; None: so it is."""
    unknown, silent, hindered = set[str](), set[str](), set[str]()
    for command, output in one.commands.items():
        by = {store: done for (of, store), done in one.answered.items() if of == command}
        expected = around.stores.get(output)
        if expected is None:
            unknown.add(output)
        elif expected - by.keys():
            silent.add(output)
        elif not all(by[store] for store in expected):
            hindered.add(output)
    if unknown:
        return Wait("no store is known for these outputs", outputs=_sorted(unknown))
    if silent:
        return Wait("stores have not answered yet for these outputs", outputs=_sorted(silent))
    if hindered:
        return Wait("stores could not remove everything yet", outputs=_sorted(hindered))
    return None


def _copies(one: Standing, around: Surroundings) -> Step | Wait:
    if not one.copies or any(due_ms <= around.now_ms for due_ms in one.copies.values()):
        return Step.END_COPIES
    return Wait("copies end by their bound", min(one.copies.values()))


def _scrubbed(one: Standing) -> Step | None:
    return Step.SCRUB if one.unscrubbed else None


def _sorted(outputs: set[str]) -> tuple[str, ...]:
    return tuple(sorted(outputs))


_NEXT: Final[Mapping[State, Callable[[Standing, Surroundings], Step | Wait | None]]] = {
    State.ASKED: _asked,
    State.COMMANDED: lambda one, around: _seen(one, around) or Step.COMPLETE,
    State.SUPPRESSED: lambda one, around: answers_awaited(one, around) or Step.ATTEST,
    State.ERASED: _copies,
    State.BOUND: _bound,
    State.UNLINKED: lambda one, around: _seen(one, around) or Step.FORGET,
    State.FORGOTTEN: _forgotten,
    State.GONE: _gone,
    State.CLOSED: lambda one, _: _scrubbed(one),
}
