"""What clients send, as bytes, and what they read of an answer."""

from moat.lib.mqtt import (
    MQTTConnectPacket,
    MQTTPacket,
    MQTTPublishPacket,
    PropertyType,
    PropertyValue,
    QoS,
    Will,
)

PING = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
WILL = Will(topic="v1/envelopes", payload=b"{}")


def encoded(packet: MQTTPacket) -> bytes:
    buffer = bytearray()
    packet.encode(buffer)
    return bytes(buffer)


def connect(
    *,
    client_id: str = "anything",
    keep_alive: int = 60,
    clean_start: bool = True,
    will: Will | None = None,
    username: str | None = None,
    properties: dict[PropertyType, PropertyValue] | None = None,
) -> bytes:
    packet = MQTTConnectPacket(
        client_id=client_id,
        keep_alive=keep_alive,
        clean_start=clean_start,
        will=will,
        username=username,
        properties=properties or {},
    )
    return encoded(packet)


def publish(
    packet_id: int | None = 1,
    *,
    topic: str = "v1/envelopes",
    payload: bytes = b"{}",
    qos: QoS | None = None,
    retain: bool = False,
    properties: dict[PropertyType, PropertyValue] | None = None,
) -> bytes:
    usual = QoS.AT_MOST_ONCE if packet_id is None else QoS.AT_LEAST_ONCE
    packet = MQTTPublishPacket(
        topic=topic,
        payload=payload,
        packet_id=packet_id,
        qos=usual if qos is None else qos,
        retain=retain,
        properties=properties or {},
    )
    return encoded(packet)


def puback(packet_id: int, code: int = 0) -> bytes:
    return b"\x40\x04" + packet_id.to_bytes(2, "big") + bytes((code, 0))


def disconnect(code: int) -> bytes:
    return bytes((0xE0, 2, code, 0))


def connack(code: int) -> bytes:
    """Of a refusal: without properties."""
    return bytes((0x20, 3, 0, code, 0))
