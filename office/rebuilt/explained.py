"""Whether a change behind the newest heartbeat is the office's own: nobody has vouched for it yet.

In: the change, the memory of what was removed, now. Out: whether one of them says why. What the
office ends or removes it remembers before it publishes it, so a deletion that the memory does not
know is somebody else's, and so is a row that says anything else than before; commands have an end
of their own. New rows need no word here.
"""

import msgspec
from msgspec.structs import replace

from office.rebuilt.partition import Behind
from office.replay_memory.items import BEGINNING, HOLD
from office.replay_memory.known import Known
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, commanded_output
from telemetry.wire.control import ConsentInterval, LinkInterval, Restriction, decode_row
from telemetry.wire.erasure import take_command
from telemetry.wire.hold import is_hold, take_hold


def explained(topic: str, one: Behind, known: Known, now_ms: int) -> bool:
    """Whether it is known why a row was replaced or deleted."""
    output = commanded_output(topic)
    if output is not None:
        if is_hold(one.key):
            return _of_hold(output, one, known)
        return _of_command(output, one, now_ms)
    if topic not in (CONTROL_LINKS, CONTROL_CONSENTS):
        return False  # a version of the policy is published once, and stays
    name = one.key.decode(errors="replace")
    if one.now is not None:
        return _of_row(topic, name, one.before, one.now, known)
    end = known.ended(topic, name)
    return end is not None and end.to_ms is None


def _of_row(topic: str, name: str, before: bytes, now: bytes, known: Known) -> bool:
    """Whether it says what it said, but for an end or a later beginning that is remembered."""
    try:
        old, new = decode_row(before), decode_row(now)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    if not isinstance(old, ConsentInterval | LinkInterval | Restriction) or not isinstance(
        new, ConsentInterval | LinkInterval | Restriction
    ):
        return False
    if new.to_ms != old.to_ms:
        end = known.ended(topic, name)
        longer = new.to_ms is None or (old.to_ms is not None and old.to_ms < new.to_ms)
        if longer or end is None or not end.covers(new.to_ms):
            return False
    if new.from_ms != old.from_ms and isinstance(old, LinkInterval):
        begins = known.ended(BEGINNING, name)
        latest_ms = None if begins is None or begins.to_ms is None else -begins.to_ms
        if latest_ms is None or not old.from_ms < new.from_ms <= latest_ms:
            return False
        old = replace(old, from_ms=new.from_ms)
    return replace(old, to_ms=new.to_ms) == new


def _of_command(output: str, one: Behind, now_ms: int) -> bool:
    before = take_command(one.before, output)
    return one.now is None and before is not None and before.until_ms <= now_ms


def _of_hold(output: str, one: Behind, known: Known) -> bool:
    before, now = take_hold(one.before, output), take_hold(one.now, output)
    if one.now is None:
        return before is not None and before.released_ms is not None
    # It grows while it lives, and once it is released that is remembered.
    return now is not None and (
        now.released_ms is None or known.ended(HOLD, now.command) is not None
    )
