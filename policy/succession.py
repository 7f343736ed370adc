"""From version to version: when a row kept under an old policy ends under the one in force.

Every version that was in force counts, in turn: a period that one of them shortened stays
short, and what one of them closed is gone, whatever a later one allows again.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from policy.changes import Change, ChangeKind
from policy.columns import Column, columns_of
from policy.diff import Version, diff
from policy.old_data import new_expiry_ms, successor
from policy.periods import subtract_period
from policy.plan import Output, Plan, Rule
from telemetry.record import LATITUDE, MESH

DIFFERENCES_KEPT_MAX: Final = 64


class End(NamedTuple):
    """When rows end, and which version says so."""

    expires_ms: int
    """AT_ONCE_MS where they may not stay."""
    policy_version: str
    """Its period leads back from the end to the start of the life."""


class Succession:
    """The compiled versions that were in force, oldest first; the last of them decides."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self._versions = tuple(versions)
        self._places = {plan.version: place for place, (plan, _) in enumerate(self._versions)}
        self._changes = lru_cache(DIFFERENCES_KEPT_MAX)(self._changes_into)

    @property
    def current(self) -> Plan:
        """The plan in force."""
        return self._versions[-1][0]

    def end_of(
        self, version: int, output_id: str, path: str, expires_ms: int, last_ms: int
    ) -> End | None:
        """When rows end now that were kept until ``expires_ms`` under a version.

        ``path`` is the column, ``last_ms`` the latest time of the rows, ``output_id`` where they
        lie. None where nobody can tell, because the version is not known or kept no such rows:
        they keep the end they have.
        """
        place = self._places.get(version)
        if place is None:
            return None
        plan = self._versions[place][0]
        output = next((one for one in plan.outputs if one.id == output_id), None)
        kept = None if output is None else _kept(plan, output, path, expires_ms, last_ms)
        if output is None or kept is None:
            return None
        start_ms = subtract_period(expires_ms, kept.lane.period)
        end = End(expires_ms, plan.policy_version)
        for number in range(place + 1, len(self._versions)):
            new = self._versions[number][0]
            heir = successor(kept.lane, kept.rule, _same_output(new, output))
            decision = self._decision(number, output, kept.rule)
            new_ms = new_expiry_ms(end.expires_ms, start_ms, heir, decision=decision)
            if new_ms != end.expires_ms:
                end = End(new_ms, new.policy_version)
            if heir is None:
                break
        return end

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


def _kept(plan: Plan, output: Output, path: str, expires_ms: int, last_ms: int) -> Column | None:
    """The column that rows of this path and expiry stand in, where a path has several.

    A life starts at its reading or before: of the lanes whose life may have started so, the
    one whose start is nearest.
    """
    starts = [
        (subtract_period(expires_ms, column.lane.period), number, column)
        for number, column in enumerate(_columns(plan, output, path))
    ]
    before = [one for one in starts if one[0] <= last_ms]
    if before:
        return max(before)[2]
    return min(starts)[2] if starts else None


def _columns(plan: Plan, output: Output, path: str) -> Iterator[Column]:
    columns = columns_of(plan, output)
    paths = {column.path for column in columns}
    # A version that lets positions through as measured also keeps the meshes of an older one.
    wanted = LATITUDE if path == MESH and MESH not in paths else path
    return (column for column in columns if column.path == wanted)
