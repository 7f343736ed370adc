"""One connection's protocol: a server of MQTT 5 that only takes what is published. Pure.

It keeps nothing after the connection, knows no will, no subscription and no retained message, and
grants QoS 0 and 1. Whose connection it is was settled before, by the certificate.

In: bytes from the client, and what became of messages. Out: bytes to it, messages, an end.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from moat.lib.mqtt import (
    MQTTConnAckPacket,
    MQTTConnectPacket,
    MQTTDisconnectPacket,
    MQTTPacket,
    MQTTPingRequestPacket,
    MQTTPingResponsePacket,
    MQTTPublishAckPacket,
    MQTTPublishPacket,
    MQTTSubscribeAckPacket,
    MQTTSubscribePacket,
    MQTTUnsubscribeAckPacket,
    MQTTUnsubscribePacket,
    PropertyType,
    PropertyValue,
    QoS,
    ReasonCode,
)

from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.packets import Framer, OldProtocol, WireError
from ingest.gateway.mqtt.topics import heading
from telemetry.identity import DeviceId

_OLD_REFUSAL: Final = b"\x20\x02\x00\x01"
"""CONNACK of MQTT 3.1 and 3.1.1: unacceptable protocol version."""
_ANSWER_BYTES_MIN: Final = 256
"""A client that takes no packets of this length could not be told why it is refused."""
_FILTERS_MAX: Final = 200
NOTHING_IN_PARTICULAR: Final = ReasonCode.SUCCESS


@dataclass(frozen=True, slots=True)
class Message:
    """One PUBLISH. ``packet_id``: of QoS 1, whose sender waits. Refused ones are not offered."""

    packet_id: int | None
    format_: str
    payload: bytes = field(repr=False)
    refused: ReasonCode | None = None


class Step(NamedTuple):
    """What follows from bytes that came.

    ``lost``: messages of QoS 0 for which there was no room; nobody waits for them.
    ``ended``: nothing more is read, the code says why.
    """

    out: bytes
    messages: tuple[Message, ...]
    lost: int
    ended: ReasonCode | None


class Session:
    """``welcome``: what a correct CONNECT is answered. ``assigned``: a client's id if it has none.

    The id that a client gives itself is read by nobody.
    """

    def __init__(
        self,
        device: DeviceId,
        limits: MqttLimits,
        assigned: str,
        welcome: ReasonCode = ReasonCode.SUCCESS,
    ) -> None:
        self._device, self._limits, self._assigned = device, limits, assigned
        self._welcome = welcome
        self._framer = Framer(limits.packet_bytes_max)
        self._out = bytearray()
        self._messages: list[Message] = []
        self._in_hand: set[int] = set()
        self._unasked = 0
        self._lost = 0
        self.opened = False
        self.ended: ReasonCode | None = None
        self.keep_alive_s = limits.keep_alive_s_max
        self.packets = 0

    @property
    def held_bytes(self) -> int:
        """What waits to become a packet."""
        return self._framer.held_bytes

    def receive(self, data: bytes) -> Step:
        """Take bytes from the client. After the end they are nothing to us."""
        if self.ended is None:
            self._framer.feed(data)
        try:
            while self.ended is None and (packet := self._framer.next_packet()) is not None:
                self.packets += 1
                self._handle(packet)
        except OldProtocol:
            self._out += _OLD_REFUSAL
            self.ended = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION
        except WireError as error:
            self._end(error.code)
        return self._step()

    def settle(self, message: Message, code: ReasonCode) -> bytes:
        """Say what became of a message; once for each that ``receive`` gave, in any order."""
        if message.packet_id is None:
            self._unasked -= 1
            return b""
        self._in_hand.discard(message.packet_id)
        if self.ended is not None:
            return b""
        self._send(MQTTPublishAckPacket(packet_id=message.packet_id, reason_code=code))
        return self._step().out

    def end(self, code: ReasonCode) -> bytes:
        """End from this side, with the reason the client is told."""
        if self.ended is None:
            self._end(code)
        return self._step().out

    def _step(self) -> Step:
        step = Step(bytes(self._out), tuple(self._messages), self._lost, self.ended)
        self._out.clear()
        self._messages.clear()
        self._lost = 0
        return step

    def _end(self, code: ReasonCode) -> None:
        self.ended = code
        if self.opened:
            # By hand: the library's packet does not know every code that a server may give.
            self._out += bytes((0xE0, 2, code, 0))
        elif self.packets or code not in (ReasonCode.PROTOCOL_ERROR, NOTHING_IN_PARTICULAR):
            self._out += bytes((0x20, 3, 0, code, 0))

    def _send(self, packet: MQTTPacket) -> None:
        packet.encode(self._out)

    def _handle(self, packet: MQTTPacket) -> None:
        match packet:
            case MQTTConnectPacket():
                self._connect(packet)
            case MQTTPublishPacket():
                self._publish(packet)
            case MQTTPingRequestPacket():
                self._send(MQTTPingResponsePacket())
            case MQTTSubscribePacket():
                codes = _refusals(len(packet.subscriptions))
                self._send(MQTTSubscribeAckPacket(packet_id=packet.packet_id, reason_codes=codes))
            case MQTTUnsubscribePacket():
                codes = _refusals(len(packet.patterns))
                self._send(MQTTUnsubscribeAckPacket(packet_id=packet.packet_id, reason_codes=codes))
            case MQTTDisconnectPacket():
                self.ended = NOTHING_IN_PARTICULAR
            case _:
                raise WireError(ReasonCode.PROTOCOL_ERROR)

    def _connect(self, packet: MQTTConnectPacket) -> None:
        refused = _why_not(packet)
        if refused is None and self._welcome is not ReasonCode.SUCCESS:
            refused = self._welcome
        if refused is not None:
            raise WireError(refused)
        if 0 < packet.keep_alive < self.keep_alive_s:
            self.keep_alive_s = packet.keep_alive
        granted = _granted(packet, self._limits, self._assigned)
        self._send(
            MQTTConnAckPacket(
                reason_code=ReasonCode.SUCCESS, session_present=False, properties=granted
            )
        )
        self.opened = True

    def _publish(self, packet: MQTTPublishPacket) -> None:
        if (wrong := _may_not_come(packet)) is not None:
            raise WireError(wrong)
        if packet.packet_id is not None:
            if packet.packet_id in self._in_hand:
                # An acknowledgement "in use" would end the message that is in hand, for the client.
                raise WireError(ReasonCode.PROTOCOL_ERROR)
            if len(self._in_hand) >= self._limits.receive_maximum:
                raise WireError(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED)
            self._in_hand.add(packet.packet_id)
        elif self._unasked >= self._limits.receive_maximum:
            self._lost += 1
            return
        else:
            self._unasked += 1
        form, refused = heading(packet.topic, self._device)
        payload = b"" if refused else _bytes(packet.payload)
        self._messages.append(Message(packet.packet_id, form, payload, refused))


def _refusals(filters: int) -> list[ReasonCode]:
    """One for each filter, if the answer is not longer than every client takes."""
    if filters > _FILTERS_MAX:
        raise WireError(ReasonCode.PROTOCOL_ERROR)
    return [ReasonCode.NOT_AUTHORIZED] * filters


def _why_not(packet: MQTTConnectPacket) -> ReasonCode | None:
    """Why a CONNECT is refused that is well formed."""
    asked = packet.properties
    if asked.get(PropertyType.RECEIVE_MAXIMUM) == 0:
        return ReasonCode.PROTOCOL_ERROR
    most = asked.get(PropertyType.MAXIMUM_PACKET_SIZE)
    if isinstance(most, int) and most < _ANSWER_BYTES_MIN:
        return ReasonCode.PACKET_TOO_LARGE
    if PropertyType.AUTHENTICATION_METHOD in asked:
        return ReasonCode.BAD_AUTHENTICATION_METHOD
    if packet.username is not None or packet.password is not None:
        return ReasonCode.BAD_USERNAME_OR_PASSWORD
    if packet.will is not None:
        return ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR
    return None


def _granted(
    packet: MQTTConnectPacket, limits: MqttLimits, assigned: str
) -> dict[PropertyType, PropertyValue]:
    granted: dict[PropertyType, PropertyValue] = {
        PropertyType.RECEIVE_MAXIMUM: limits.receive_maximum,
        PropertyType.MAXIMUM_QOS: 1,
        PropertyType.RETAIN_AVAILABLE: 0,
        PropertyType.MAXIMUM_PACKET_SIZE: limits.packet_bytes_max,
        PropertyType.TOPIC_ALIAS_MAXIMUM: 0,
        PropertyType.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        PropertyType.SUBSCRIPTION_IDENTIFIER_AVAILABLE: 0,
        PropertyType.SHARED_SUBSCRIPTION_AVAILABLE: 0,
        PropertyType.SESSION_EXPIRY_INTERVAL: 0,
    }
    if not 0 < packet.keep_alive <= limits.keep_alive_s_max:
        granted[PropertyType.SERVER_KEEP_ALIVE] = limits.keep_alive_s_max
    if not packet.client_id:
        granted[PropertyType.ASSIGNED_CLIENT_IDENTIFIER] = assigned
    return granted


def _may_not_come(packet: MQTTPublishPacket) -> ReasonCode | None:
    """Why a message ends its connection: it asks for what CONNACK said there is not."""
    if packet.qos is QoS.EXACTLY_ONCE:
        return ReasonCode.QOS_NOT_SUPPORTED
    if packet.retain:
        return ReasonCode.RETAIN_NOT_SUPPORTED
    if PropertyType.TOPIC_ALIAS in packet.properties:
        return ReasonCode.TOPIC_ALIAS_INVALID
    if PropertyType.SUBSCRIPTION_IDENTIFIER in packet.properties or packet.packet_id == 0:
        return ReasonCode.PROTOCOL_ERROR
    if not packet.topic or set(packet.topic) & set("+#\0"):
        return ReasonCode.TOPIC_NAME_INVALID
    return None


def _bytes(payload: object) -> bytes:
    """Undo the library's reading of a payload that says it is text."""
    if isinstance(payload, str):
        return payload.encode("utf-8", errors="surrogateescape")
    return bytes(memoryview(payload))  # type: ignore[arg-type]  # bytes, bytearray or a view
