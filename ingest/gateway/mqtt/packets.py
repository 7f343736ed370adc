"""Bytes become packets, each within its bound before it is read.

The library's packet types read and write what stands in a packet. Where a packet ends is decided
here: the library's own reader has no bound, and takes a number of any length.

In: bytes, cut anywhere. Out: packets, or WireError with the reason code the client is told.
"""

from typing import Final

from moat.lib.mqtt import (
    MQTTConnectPacket,
    MQTTDisconnectPacket,
    MQTTException,
    MQTTPacket,
    MQTTPingRequestPacket,
    MQTTPublishPacket,
    MQTTSubscribePacket,
    MQTTUnsubscribePacket,
    ReasonCode,
)

from ingest.gateway.mqtt.limits import CONTROL_BYTES_MAX, PROPERTIES_BYTES_MAX

CONNECT: Final = 1
PUBLISH: Final = 3
_KINDS: Final[dict[int, type[MQTTPacket]]] = {
    CONNECT: MQTTConnectPacket,
    PUBLISH: MQTTPublishPacket,
    8: MQTTSubscribePacket,
    10: MQTTUnsubscribePacket,
    12: MQTTPingRequestPacket,
    14: MQTTDisconnectPacket,
}
"""What a client that only publishes may send."""
_LENGTH_BYTES_MAX: Final = 4
_OLD_LEVELS: Final = (3, 4)
_BRIDGE_BIT: Final = 0x80
_MQTT_5: Final = (b"MQTT", 5)
_FLAGS_AT: Final = 7


class WireError(Exception):
    """What came is no packet that may come now."""

    def __init__(self, code: ReasonCode) -> None:
        super().__init__(code.name)
        self.code = code


class OldProtocol(Exception):  # noqa: N818  # not an error of ours: another version
    """A client of MQTT 3.1 or 3.1.1: it reads no reason code of MQTT 5."""


class Framer:
    """Holds at most one packet that is not complete, and what came with its last bytes."""

    def __init__(self, packet_bytes_max: int) -> None:
        self._buffer = bytearray()
        self._packet_bytes_max = packet_bytes_max
        self._first = True

    def feed(self, data: bytes) -> None:
        """Take bytes from the connection."""
        self._buffer += data

    @property
    def held_bytes(self) -> int:
        """How much waits to become a packet."""
        return len(self._buffer)

    def next_packet(self) -> MQTTPacket | None:
        """Take the next packet off; None if it is not complete."""
        if not self._buffer:
            return None
        kind, flags = self._buffer[0] >> 4, self._buffer[0] & 0x0F
        self._may_come(kind)
        try:
            length, at = _number(self._buffer, 1)
        except IndexError:
            return None
        most = self._packet_bytes_max if kind == PUBLISH else CONTROL_BYTES_MAX
        if at + length > most:
            raise WireError(ReasonCode.PACKET_TOO_LARGE)
        if len(self._buffer) < at + length:
            return None
        body = bytes(self._buffer[at : at + length])
        del self._buffer[: at + length]
        self._first = False
        return _decoded(kind, flags, body)

    def _may_come(self, kind: int) -> None:
        if kind not in _KINDS or self._first != (kind == CONNECT):
            raise WireError(ReasonCode.PROTOCOL_ERROR)


def _number(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Read a variable byte integer; IndexError if it is not complete."""
    value = 0
    for place in range(_LENGTH_BYTES_MAX):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, at + place + 1
    raise WireError(ReasonCode.MALFORMED_PACKET)


def _decoded(kind: int, flags: int, body: bytes) -> MQTTPacket:
    packet_type = _KINDS[kind]
    if kind == CONNECT:
        _check_connect(flags, body)
    elif kind == PUBLISH:
        _check_publish(flags, body)
    elif flags != packet_type.expected_reserved_bits:
        raise WireError(ReasonCode.MALFORMED_PACKET)
    try:
        rest, packet = packet_type.decode(memoryview(body), flags)
    except (MQTTException, ValueError):
        raise WireError(ReasonCode.MALFORMED_PACKET) from None
    if len(rest):
        raise WireError(ReasonCode.MALFORMED_PACKET)
    return packet


def _check_connect(flags: int, body: bytes) -> None:
    end = 2 + int.from_bytes(body[:2], "big")
    name, level = body[2:end], body[end : end + 1]
    if flags or not level:
        raise WireError(ReasonCode.MALFORMED_PACKET)
    if name in (b"MQTT", b"MQIsdp") and level[0] & ~_BRIDGE_BIT in _OLD_LEVELS:
        raise OldProtocol
    if (name, level[0]) != _MQTT_5:
        raise WireError(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
    if body[_FLAGS_AT : _FLAGS_AT + 1] > b"" and body[_FLAGS_AT] & 1:
        raise WireError(ReasonCode.MALFORMED_PACKET)


def _check_publish(flags: int, body: bytes) -> None:
    """Bound the properties: what the library reads there takes time by their length squared."""
    qos = flags >> 1 & 3
    at = 2 + int.from_bytes(body[:2], "big") + (2 if qos else 0)
    try:
        length, at = _number(body, at)
    except IndexError:
        raise WireError(ReasonCode.MALFORMED_PACKET) from None
    if length > PROPERTIES_BYTES_MAX:
        raise WireError(ReasonCode.PACKET_TOO_LARGE)
    if at + length > len(body):
        raise WireError(ReasonCode.MALFORMED_PACKET)
