"""When rows of the lake end under the version in force: the policy's answer, as a sink asks it."""

from collections.abc import Sequence

from policy.diff import Version
from policy.plan import Plan
from policy.succession import Rows, Succession
from sinks.ports import Kept


class LakeEnds:
    """The ``Ends`` of the versions that were in force, oldest first."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self._succession = Succession(versions)
        self.several = len(versions) > 1
        """Whether any row can be of another version than the one in force."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._succession.current

    @property
    def policy_version(self) -> str:
        """See ``Ends``."""
        return self.plan.policy_version

    def end_of(self, kept: Kept) -> tuple[int, int] | None:
        """See ``Ends``. A row tells its version by number: limits of processes may differ."""
        number, _, _ = kept.policy_version.partition("-")
        if not number.isdecimal():
            return None
        rows = Rows(
            int(number), kept.output, kept.signal, kept.expires_ms, kept.decided_by or None,
            kept.last_ms,
        )  # fmt: skip
        end = self._succession.end_of(rows)
        return None if end is None else (end.expires_ms, end.decided_by or 0)
