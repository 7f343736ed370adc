"""Whether a change behind the newest heartbeat is the office's own: nobody has vouched for it yet.

In: the change, the memory of what was removed, now. Out: whether one of them says why. What the
office ends or removes it remembers before it publishes it, so a deletion that the memory does not
know is somebody else's; commands have an end of their own. New rows need no word: they are taken.
"""

from office.rebuilt.partition import Behind
from office.replay_memory.items import HOLD
from office.replay_memory.known import Known
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, commanded_output
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
    end = known.ended(topic, one.key.decode(errors="replace"))
    return end is not None and (one.now is not None or end.to_ms is None)


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
