"""The port to a store: it keeps records, and deletes them on time.

In: consumed records. Out: counts and receipts. No count, receipt or error may hold an
identifier or a value. Everything here blocks: the wiring runs it in a thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from sinks.port.results import (
    Hits,
    Located,
    Overdue,
    Place,
    Receipt,
    Restated,
    Strange,
    Swept,
    Written,
)
from sinks.port.selection import FoundRow, Selection
from telemetry.arrived import Arrived
from telemetry.kept import End, Kept
from telemetry.wire.erasure import EraseCommand


class StoreTakenError(Exception):
    """Another living process does this work on this store; two at once would damage it."""


class StoreFullError(OSError):
    """There is no room to write. What was to be written is as after a kill: open the store anew."""


class StoreUnusableError(OSError):
    """The place of the store cannot be reached, or refuses; the message says why, and no value."""


class OtherTopicError(Exception):
    """What is kept is of another topic of this name: positions of one mean nothing in the other."""


class Ends(Protocol):
    """When rows end under the version of the policy that is in force."""

    @property
    def policy_version(self) -> str:
        """The version in force, as records carry it."""
        ...

    def end_of(self, rows: Kept) -> End | None:
        """The rows' end under it; None if it cannot be determined.

        It is unchanged, earlier, later if the version is approved for old data, or 0: at once.
        """
        ...


class Sink(Protocol):
    """The one writer of a store, open; it deletes no row."""

    def position(self, topic: str, partition: int) -> int | None:
        """The offset of the next record to write: last durable + 1; None before the first."""
        ...

    def places(self) -> Mapping[tuple[str, int], Place]:
        """Every position there is, by topic and partition, and of which topic it is."""
        ...

    def bind(self, topic: str, topic_id: str) -> None:
        """Say which topic the name stands for; durable for every partition that has a position.

        OtherTopicError if a position is of a topic with another id; see ``adopt``.
        """
        ...

    def adopt(self, topic: str, topic_id: str, ends: Mapping[int, int]) -> None:
        """Go on from the beginning of what the name stands for now; rows stay, durable on return.

        ``ends`` has the offset up to which each partition may hold records that are kept
        already: below it, whatever has rows here is dropped by its id, however old it is.
        """
        ...

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """Keep the records' readings; durable on return, so the caller may commit then.

        Called twice with the same records it does nothing the second time. A record that
        cannot be read is counted and skipped. Any exception means unknown state: reopen.
        OSError: the place where it keeps them fails, and would with any record; it is
        StoreFullError if there is no room, so that it is worth trying again later.
        """
        ...

    def refuse(self, commands: Sequence[EraseCommand]) -> None:
        """Refuse what these name, each until its ``until_ms`` by the clock of ``write``.

        They replace those of before, and hold when this returns: a ``write`` that is under way has
        ended then, so that nothing which it let pass lands later. They are not durable: say them
        anew after a restart, before the first ``write``. What is refused is not remembered by its
        id: it is refused again, or kept once no command lives.
        """
        ...

    def pass_over(self, topic: str, partition: int, offset: int, now_ms: int) -> None:
        """Move the position past a record that is not to be written; durable on return.

        All records before it are written. Nothing if the position is past it already.
        """
        ...

    def forget(self, now_ms: int) -> None:
        """Drop the remembered ids of records that have expired; safe beside ``write``.

        ``write`` does so for partitions that are busy; this is for the quiet ones.
        """
        ...

    def join(self, now_ms: int) -> int:
        """Make fewer, larger pieces of what is kept, as far as it is worth it; of how many.

        Safe beside ``write``; no row, position or id changes. It waits for no erasure.
        """
        ...

    def close(self) -> None:
        """Release the store; what was written stays."""
        ...


class Store(Protocol):
    """The kept rows, for deleting, measuring and searching; safe beside its ``Sink``.

    Called by one thread at a time.
    """

    def exists(self) -> bool:
        """Whether a sink was ever opened on it."""
        ...

    def outputs(self) -> list[str]:
        """The ids of outputs that ever had rows, sorted."""
        ...

    def expire(self, now_ms: int) -> Swept:
        """Remove every row whose ``expires_at`` has come; idempotent.

        Nothing stops it: what cannot be removed is named in the answer, and the rest goes.
        """
        ...

    def written_ms(self) -> int | None:
        """When something was last written to it, by whatever clock dated it; None if unknown.

        Nothing fails here: deleting asks it first.
        """
        ...

    def overdue(self, now_ms: int) -> list[Overdue]:
        """What ``expire`` would find now: rows kept past their expiry."""
        ...

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """Give rows of older versions the end they have now, in turns; idempotent.

        StoreTakenError while an erasure or another restatement is at work.
        """
        ...

    def name(self) -> str:
        """Its kind, and which of them it is: random, made as the first sink opened it, and kept."""
        ...

    def erase(self, output: str, selection: Selection, now_ms: int) -> Receipt:
        """Remove the rows of an output that are meant, expired ones included; idempotent.

        Have them refused first. StoreTakenError while a restatement or another erasure is at work;
        OSError if there is no room to begin. A part that cannot be rewritten stops no other: its
        rows are located afterwards.
        """
        ...

    def locate(self, output: str, selection: Selection) -> Located:
        """Count the rows of an output that are meant, expired ones included."""
        ...

    def rows_of(self, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
        """The rows of an output that are meant and have not expired, by time, record and signal.

        All as of one moment. What cannot be read is left out: ``locate`` says how much that is.
        """
        ...

    def verify(self, marker: bytes) -> Hits:
        """Search everything that is stored, names included, for raw bytes."""
        ...

    def oldest_ms(self) -> Mapping[str, int]:
        """Time of the oldest kept reading by output; outputs without rows are absent."""
        ...

    def strange(self) -> list[Strange]:
        """What is there and is not the store's, and what ``oldest_ms`` could not read."""
        ...
