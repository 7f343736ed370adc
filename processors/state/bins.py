"""The state of rules over time in dictionaries, with a journal that takes a draft back.

In: as ``port``. Bins that no later record can find are dropped by append time, once that time is
adopted: a batch that is taken back may still ask for them.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from processors.state.port import Answer, Mark

TRIM_AT_LEAST: Final = 64
"""A device's bins of one rule are looked through when they are more, and twice as many as left."""

Key = tuple[str, int]


class Room:
    """How much all partitions of one process may remember, and how often that was too little."""

    def __init__(self, bins_max: int) -> None:
        self.bins_max = bins_max
        self.held = 0
        """Bins and counters that are remembered, those included that are due to be dropped."""
        self.refused = 0
        """Bins and counters that were not remembered for want of room, in what was adopted."""

    def take_refused(self) -> int:
        """How many were refused since this was asked last."""
        refused, self.refused = self.refused, 0
        return refused

    @property
    def full(self) -> bool:
        """Whether nothing new can be remembered."""
        return self.held >= self.bins_max


class _Bins:
    """The bins of one device and rule: by number, when last a reading was in it."""

    __slots__ = ("last_ms", "trim_at", "used_ms")

    def __init__(self) -> None:
        self.last_ms: dict[int, int] = {}
        self.used_ms = 0
        """No bin was used later."""
        self.trim_at = TRIM_AT_LEAST


class PartitionState:
    """Obeys ``TimeState``. ``lives_ms``: by rule, how long a bin lives behind its last reading.

    Counters begin afresh with each window of ``window_ms``, counted from 1970.
    """

    def __init__(self, lives_ms: Sequence[int], window_ms: int, room: Room) -> None:
        self._lives_ms = lives_ms
        self._longest_ms = max(lives_ms, default=0)
        self._window_ms = window_ms
        self._room = room
        self._bins: OrderedDict[Key, _Bins] = OrderedDict()
        self._counters: OrderedDict[Key, tuple[int, int]] = OrderedDict()
        """(window, readings in it) by device and rule."""
        self._at_ms = self._adopted_ms = self._looked_through_ms = 0
        self._lost_until_ms: int | None = None
        self._refused = 0
        """Of the draft."""
        self._bin_journal: list[tuple[_Bins, int, int | None]] = []
        self._counter_journal: list[tuple[Key, tuple[int, int] | None]] = []
        """What each changed value was before; the two know nothing of each other."""

    def first_in_bin(
        self, device: str, rule: int, bins: Collection[int], append_ms: int
    ) -> Sequence[int]:
        """For each of these bins an ``Answer``; all of them are used afterwards."""
        at_ms = self._at_ms = max(self._at_ms, append_ms)
        alive_ms = at_ms - self._lives_ms[rule]
        lost = self._lost_until_ms is not None and alive_ms <= self._lost_until_ms
        held = self._of(device, rule, at_ms)
        answers = []
        for number in bins:
            last_ms = held.last_ms.get(number)
            if last_ms is not None and last_ms >= alive_ms:
                answers.append(Answer.USED)
            elif lost or (last_ms is None and not self._has_room()):
                answers.append(Answer.NOT_REBUILT)
            else:
                answers.append(Answer.PASSES)
            if last_ms is None:
                if self._room.full:
                    self._refused += 1
                    continue
                self._room.held += 1
            self._bin_journal.append((held, number, last_ms))
            held.last_ms[number] = at_ms
        if not held.last_ms:
            # Nothing was remembered for want of room, and devices that nobody knows ask, too.
            del self._bins[device, rule]
        return answers

    def counted(self, device: str, rule: int, readings: int, append_ms: int) -> int | None:
        """How many came before these in this window; None if that is not known."""
        at_ms = self._at_ms = max(self._at_ms, append_ms)
        window, key = at_ms // self._window_ms, (device, rule)
        found = self._counters.get(key)
        if found is None:
            if not self._has_room():
                self._refused += 1
                return None
            self._room.held += 1
        before = found[1] if found is not None and found[0] == window else 0
        self._counter_journal.append((key, found))
        self._counters[key] = window, before + readings
        self._counters.move_to_end(key)
        lost = self._lost_until_ms
        return None if lost is not None and window * self._window_ms <= lost else before

    def arrive(self, append_ms: int) -> None:
        """A record was appended then, whether or not it asks anything."""
        self._at_ms = max(self._at_ms, append_ms)

    def mark(self) -> Mark:
        """The moment of now."""
        changed = len(self._bin_journal), len(self._counter_journal)
        return Mark(*changed, self._at_ms, self._refused)

    def roll_back(self, mark: Mark) -> None:
        """Undo what changed since ``mark``."""
        while len(self._bin_journal) > mark.bins:
            held, number, last_ms = self._bin_journal.pop()
            if last_ms is None:
                del held.last_ms[number]
                self._room.held -= 1
            else:
                held.last_ms[number] = last_ms
        while len(self._counter_journal) > mark.counters:
            key, found = self._counter_journal.pop()
            if found is None:
                del self._counters[key]
                self._room.held -= 1
            else:
                self._counters[key] = found
        self._at_ms, self._refused = mark.at_ms, mark.refused

    def adopt(self) -> None:
        """Let what changed stand, and drop what no later record can find."""
        self._bin_journal.clear()
        self._counter_journal.clear()
        self._room.refused += self._refused
        self._refused = 0
        self._adopted_ms = self._at_ms
        dead_ms = self._adopted_ms - self._longest_ms
        while self._bins:
            key, held = next(iter(self._bins.items()))
            if held.used_ms >= dead_ms and held.last_ms:
                break
            del self._bins[key]
            self._room.held -= len(held.last_ms)
        window = self._adopted_ms // self._window_ms
        while self._counters:
            key, counter = next(iter(self._counters.items()))
            if counter[0] >= window:
                break
            del self._counters[key]
            self._room.held -= 1

    def discard(self) -> None:
        """Undo what changed since the last ``adopt``."""
        self.roll_back(Mark(0, 0, self._adopted_ms, 0))

    def lose(self, until_ms: int) -> None:
        """Records appended up to this time were lost, or may have been."""
        self._lost_until_ms = max(until_ms, self._lost_until_ms or 0)

    def reach(self, append_ms: int) -> None:
        """Go on from this append time at the earliest, and let it stand."""
        self._at_ms = max(self._at_ms, append_ms)
        self.adopt()

    def close(self) -> None:
        """Give up the room that is taken."""
        self.discard()
        self._room.held -= len(self._counters) + sum(len(b.last_ms) for b in self._bins.values())
        self._bins.clear()
        self._counters.clear()

    def living(self) -> Mapping[tuple[str, int, int], int]:
        """The last append time of every bin that is still alive."""
        return {
            (device, rule, number): last_ms
            for (device, rule), held in self._bins.items()
            for number, last_ms in held.last_ms.items()
            if last_ms >= self._at_ms - self._lives_ms[rule]
        }

    def _of(self, device: str, rule: int, at_ms: int) -> _Bins:
        key = device, rule
        held = self._bins.get(key)
        if held is None:
            held = self._bins[key] = _Bins()
        elif len(held.last_ms) >= held.trim_at:
            self._trim(rule, held)
        held.used_ms = at_ms
        self._bins.move_to_end(key)
        return held

    def _trim(self, rule: int, held: _Bins) -> None:
        """Drop what is dead as of what is adopted: nothing of it is in the journal."""
        alive_ms = self._adopted_ms - self._lives_ms[rule]
        dead = [number for number, last_ms in held.last_ms.items() if last_ms < alive_ms]
        for number in dead:
            del held.last_ms[number]
        self._room.held -= len(dead)
        held.trim_at = max(TRIM_AT_LEAST, 2 * len(held.last_ms))

    def _has_room(self) -> bool:
        """Whether one more can be remembered, once all that is dead is dropped."""
        if self._room.full and self._looked_through_ms < self._adopted_ms:
            self._looked_through_ms = self._adopted_ms + self._longest_ms // 8
            for (_, rule), held in self._bins.items():
                self._trim(rule, held)
        return not self._room.full
