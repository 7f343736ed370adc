"""A frame taken apart by cantools itself: the other way to the codes that ``Layout.read`` finds.

cantools decodes a message whose signals share bits wholly or not at all, so that each signal is
given to it alone.
"""

from cantools.database.can import Message, Signal

from ingest.can.bits import Code, decodable, end_bit
from ingest.can.layout import Layout


def codes(of: Layout, data: bytes) -> dict[str, Code]:
    """The codes of all signals that are there, by signal."""
    found: dict[str, Code] = {}
    left = [s for s in of.message.signals if decodable(s)]
    while True:
        now = [s for s in left if _there(s, found)]
        if not now:
            return found
        for signal in now:
            left.remove(signal)
            found |= _alone(signal, data)


def _there(signal: Signal, found: dict[str, Code]) -> bool:
    multiplexer = signal.multiplexer_signal
    return multiplexer is None or found.get(multiplexer) in (signal.multiplexer_ids or ())


def _alone(signal: Signal, data: bytes) -> dict[str, Code]:
    plain = Signal(
        signal.name, signal.start, signal.length, signal.byte_order, signal.is_signed,
        conversion=signal.conversion,
    )  # fmt: skip
    message = Message(0, "alone", -(-end_bit(signal) // 8), [plain], strict=False)
    return message.decode(data, decode_choices=False, scaling=False, allow_truncated=True)  # type: ignore[return-value]  # no choices and no container: numbers
