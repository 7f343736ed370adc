"""From version to version: when a row kept under an old policy ends under the one in force.

Every version that was in force counts, in turn: a period that one of them shortened stays
short, and what one of them closed is gone, whatever a later one allows again.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from policy.compiled import CompiledPolicy
from policy.diff.change import Change, ChangeKind
from policy.diff.diff import diff
from policy.plan.columns import OutputColumn, columns_of
from policy.plan.plan import Lane, Output, Plan, Rule
from policy.versions.old_data import new_expiry_ms, successor
from policy.vocabulary.periods import subtract_period
from telemetry.kept import End, Kept

DIFFERENCES_KEPT_MAX: Final = 64


class Succession:
    """The compiled versions that were in force, oldest first; the last of them decides."""

    def __init__(self, versions: Sequence[CompiledPolicy]) -> None:
        self._versions = tuple(versions)
        self._places = {one.plan.version: place for place, one in enumerate(self._versions)}
        self._changes = lru_cache(DIFFERENCES_KEPT_MAX)(self._changes_into)

    @property
    def several(self) -> bool:
        """Whether any row can be of another version than the one in force."""
        return len(self._versions) > 1

    @property
    def current(self) -> Plan:
        """The plan in force."""
        return self._versions[-1].plan

    @property
    def policy_version(self) -> str:
        """The version in force, as records carry it."""
        return self.current.policy_version

    def end_of(self, rows: Kept) -> End | None:
        """When rows end now; AT_ONCE_MS if they may not stay.

        None if a version is not known or kept no such rows: they keep the end they have. A
        version is known by its number: the digests of processes with other limits differ.
        """
        their_own, _, _ = rows.policy_version.partition("-")
        place = self._places.get(int(their_own)) if their_own.isdecimal() else None
        decider = self._places.get(rows.decided_by) if rows.decided_by else place
        if place is None or decider is None:
            return None
        plan = self._versions[place].plan
        output = next((one for one in plan.outputs if one.id == rows.output), None)
        life = None if output is None else self._life(plan, output, rows, decider - place)
        if output is None or life is None:
            return None
        start_ms, kept = life
        end = End(rows.expires_ms, rows.decided_by)
        under = kept.lane if decider == place else self._successor(output, kept, decider)
        for number in range(decider + 1, len(self._versions)):
            successor = self._successor(output, kept, number)
            decision = self._decision(number, output, kept.rule)
            new_ms = new_expiry_ms(
                end.expires_ms,
                start_ms,
                successor,
                decision=decision,
                # The end of the latest reading's own bin: none of them was made after it.
                read_ms=rows.last_ms + kept.lane.time_floor_ms,
                at_least=None if under is None else under.at_least,
            )
            if new_ms != end.expires_ms:
                end = End(new_ms, self._versions[number].plan.version)
            if successor is None:
                break
            under = successor
        return end

    def _life(
        self, plan: Plan, output: Output, rows: Kept, later: int
    ) -> tuple[int, OutputColumn] | None:
        """When the rows' life began, and their column; a path may have several.

        The end less the period of the lane that gave it (``later`` versions on) leads back to
        the start, never to later than it was. A life starts at its reading or before: of the
        lanes whose life may have started so, the one whose start is nearest.
        """
        starts = []
        for number, column in enumerate(columns_of(plan, output)):
            place = self._places[plan.version] + later
            lane = self._successor(output, column, place) if later else column.lane
            if column.path == rows.signal and lane is not None:
                starts.append((subtract_period(rows.expires_ms, lane.period), number, column))
        before = [one for one in starts if one[0] <= rows.last_ms]
        if not starts:
            return None
        start_ms, _, column = max(before) if before else min(starts)
        return start_ms, column

    def _successor(self, output: Output, kept: OutputColumn, number: int) -> Lane | None:
        """The lane of a version under which data of this column may stay."""
        new = _same_output(self._versions[number].plan, output)
        return successor(kept.lane, kept.rule, new)

    def _decision(self, number: int, output: Output, rule: Rule) -> str | None:
        """What people decided about old data when this version lengthened its period."""
        for change in self._changes(number):
            mine = (change.purpose, change.recipient) == (output.purpose, output.recipient)
            if mine and rule.signal in change.items and change.approval is not None:
                return change.approval.decision
        return None

    def _changes_into(self, number: int) -> tuple[Change, ...]:
        found = diff(self._versions[number - 1], self._versions[number]).changes
        return tuple(change for change in found if change.kind is ChangeKind.LENGTHENS)


def _same_output(plan: Plan, old: Output) -> Output | None:
    """The output to the same recipient, whatever its id: that depends on who else receives."""
    who = (old.purpose, old.recipient)
    return next((one for one in plan.outputs if (one.purpose, one.recipient) == who), None)
