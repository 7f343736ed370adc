"""Rows of control topics: what reads them, what takes them, and the view that brings them.

In: a topic and what takes its rows. Out: the view of it, which sets aside what cannot be taken.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from bus.failures import RowFault, UnreadableRowError
from bus.ports import Broker
from bus.view import Beat, CompactedView
from roadfade.clock import boot_ms
from roadfade.in_force.quarantine import UnreadableKeys, set_aside
from telemetry.wire.control import ControlRow, Heartbeat, decode_row
from telemetry.wire.topic_contents import Contents, RowHashes, UsualRows


class Rows(Protocol):
    """What takes the rows of one topic, and knows which of them cannot be read."""

    unreadable: UnreadableKeys
    """Nothing may be decided while it is true."""

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one row; UnreadableRowError if that cannot be done."""


def read_row(value: bytes) -> ControlRow:
    """The row in a control record's value; UnreadableRowError if it holds none."""
    try:
        return decode_row(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # The decoder's own words can quote the row.
        raise UnreadableRowError(RowFault.UNDECODABLE) from None


def heartbeat_at(value: bytes) -> int:
    """The instant in a heartbeat's value; UnreadableRowError if it is another row."""
    try:
        row = read_row(value)
    except UnreadableRowError:
        row = None
    if not isinstance(row, Heartbeat):
        raise UnreadableRowError(RowFault.HEARTBEAT)
    return row.at_ms


def contents_at(value: bytes) -> Contents | None:
    """What a heartbeat says its partition holds; None if it does not say."""
    row = read_row(value)
    return row.contents if isinstance(row, Heartbeat) else None


def control_view(
    broker: Broker,
    topic: str,
    rows: Rows,
    beat: Callable[[Beat], None] = lambda _: None,
    hashes: RowHashes | None = None,
    usual: UsualRows | None = None,
) -> CompactedView:
    """A topic as a view that keeps ``rows`` up to date while it runs; ``beat`` hears heartbeats.

    ``hashes`` and ``usual`` as in ``CompactedView``.
    """
    return CompactedView(
        broker,
        topic,
        rows.apply,
        heartbeat_at=heartbeat_at,
        contents_at=contents_at,
        elapsed_ms=boot_ms,
        beat=beat,
        quarantined=set_aside,
        hashes=hashes,
        usual=usual,
    )
