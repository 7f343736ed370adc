"""Member ids that no two living processes on this machine share.

Two consumers with one static member id are not fenced by Kafka: they throw each other out for
ever. So an id is a number whose file is locked by the process that uses it; the lock ends with
the process, however it ends. Across machines, the caller puts the machine into the role.
"""

import fcntl
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

SLOTS_MAX: Final = 256
_ROLE: Final = re.compile(r"[a-z0-9-]{1,48}")


class NoSlotError(Exception):
    """Every slot of the role is held by a living process."""


@dataclass(slots=True)
class Slot:
    """A number held until ``release`` or the end of the process."""

    role: str
    number: int
    _descriptor: int | None

    @classmethod
    def take(cls, folder: Path, role: str) -> Self:
        """The lowest free slot of a role; NoSlotError if all are held.

        Blocks briefly (files): call it before the event loop runs, or in a thread. A child
        process started by ``fork`` without ``exec`` would hold the slot as well.
        """
        if not _ROLE.fullmatch(role):
            msg = "a role is 1 to 48 small letters, digits and hyphens"
            raise ValueError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(SLOTS_MAX):
            descriptor = os.open(
                folder / f"{role}-{number}.slot", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return cls(role, number, descriptor)
        msg = f"all {SLOTS_MAX} slots of {role} are held"
        raise NoSlotError(msg)

    @property
    def member(self) -> str:
        """The static member id: role and number."""
        return f"{self.role}-{self.number}"

    def release(self) -> None:
        """Let another process have the number. Idempotent; the file stays, without meaning."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
