"""The sink port: what the wiring asks of a place that keeps records, and forgets them.

In: consumed records. Out: counts and receipts.
No count, receipt or error may hold an identifier or a value. Everything here blocks (the
wiring runs it in a thread) and is called by one thread at a time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sinks.results import Hits, Located, Receipt, Restated, Swept, Written
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym
from telemetry.kept import End, Kept


class Ends(Protocol):
    """When rows end under the version of the policy that is in force."""

    @property
    def policy_version(self) -> str:
        """The version in force, as records carry it."""
        ...

    def end_of(self, rows: Kept) -> End | None:
        """The rows' end now; None if nobody can tell.

        It is as it was, sooner, later where people decided so, or 0 for at once.
        """
        ...


class Sink(Protocol):
    """A place that keeps the records of purpose topics until they expire."""

    def position(self, topic: str, partition: int) -> int | None:
        """The offset of the next record to write: last durable + 1; None before the first."""
        ...

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """Keep the records' readings; durable on return, so the caller may commit then.

        Called twice with the same records it does nothing the second time. A record that
        cannot be read is counted and skipped. Any exception means unknown state: reopen.
        """
        ...

    def expire(self, now_ms: int) -> Swept:
        """Remove every row whose ``expires_at`` has come; idempotent, safe beside writes."""
        ...

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """Give rows of older versions the end they have now; idempotent, safe beside writes."""
        ...

    def erase(self, pseudonyms: Collection[Pseudonym], now_ms: int) -> Receipt:
        """Remove all rows of these pseudonyms; idempotent. Suppress their records first."""
        ...

    def locate(self, pseudonyms: Collection[Pseudonym]) -> Located:
        """Count the rows of these pseudonyms."""
        ...

    def verify(self, marker: bytes) -> Hits:
        """Search everything that is stored, names included, for raw bytes."""
        ...

    def oldest_ms(self) -> Mapping[str, int]:
        """Time of the oldest kept reading by output; outputs without rows are absent."""
        ...
