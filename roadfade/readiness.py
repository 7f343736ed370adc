"""Whether a process does its work now, and if not, what is lacking.

Each role needs certain things; whoever learns that one is there or gone says so. Asked for at
``/-/ready`` and, for ``status`` and alerts, as the metric ``roadfade_unready``.
"""

import threading
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from roadfade import metrics


class Need(StrEnum):
    """What has to be there."""

    JOINED = "joined"
    """The process is a member of its consumer group, with partitions or as a spare."""
    POLICY = "policy"
    """A version of the policy is in force and can be applied here."""
    FLOWING = "flowing"
    """Nothing pauses it. A worker: views are whole and fresh, the version in force is made ready.
    A sink: there is room, control.policies is whole, and so are the commands of erasure."""
    TOPICS = "topics"
    """The topics are as the policy says."""
    HEARTBEAT = "heartbeat"
    """The last heartbeat reached the broker."""
    DOORS = "doors"
    """The doors that the settings name are open."""
    SWEPT = "swept"
    """The last sweep deleted what was due."""


NEEDS: Final[Mapping[str, tuple[Need, ...]]] = {
    "worker": (Need.JOINED, Need.FLOWING),
    "sink": (Need.JOINED, Need.POLICY, Need.FLOWING),
    "office": (Need.TOPICS, Need.HEARTBEAT),
    "sweep": (Need.SWEPT, Need.POLICY),
    "gateway": (Need.DOORS, Need.POLICY),
}
"""By role. A worker's flow includes views and policy: it pauses without them."""
NOT_YET: Final = "not yet since the start"


class Readiness:
    """What one process lacks. Any thread may tell and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needs: tuple[Need, ...] | None = None
        self._lacking: dict[Need, str] = dict.fromkeys(Need, NOT_YET)

    def need(self, role: str) -> None:
        """The process has this role."""
        with self._lock:
            self._needs = NEEDS[role]
            metrics.UNREADY.clear()
            for need in self._needs:
                metrics.UNREADY.labels(str(need)).set(need in self._lacking)

    def met(self, need: Need) -> None:
        """It is there."""
        with self._lock:
            self._lacking.pop(need, None)
            self._export(need)

    def lacks(self, need: Need, why: str) -> None:
        """It is not, or not any more. ``why`` holds no identifier."""
        with self._lock:
            self._lacking[need] = why
            self._export(need)

    def failed(self, need: Need) -> bool:
        """Whether it is lacking, and somebody said why: not only not there yet."""
        with self._lock:
            return self._lacking.get(need, NOT_YET) != NOT_YET

    def lacking(self) -> dict[Need, str]:
        """What is lacking, and why; empty if the process is ready."""
        with self._lock:
            needs = Need if self._needs is None else self._needs
            return {need: self._lacking[need] for need in needs if need in self._lacking}

    def _export(self, need: Need) -> None:
        if need in (self._needs or ()):
            metrics.UNREADY.labels(str(need)).set(need in self._lacking)


readiness: Final = Readiness()
"""Of this process: one process has one role."""
