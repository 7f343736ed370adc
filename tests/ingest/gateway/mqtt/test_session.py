"""The protocol of one connection, without a socket."""

import pytest
from moat.lib.mqtt import (
    MQTTConnAckPacket,
    MQTTSubscribePacket,
    MQTTUnsubscribePacket,
    Pattern,
    PropertyType,
    PropertyValue,
    QoS,
    ReasonCode,
    Subscription,
    Will,
)

from ingest.gateway.mqtt.limits import CONTROL_BYTES_MAX, MqttLimits
from ingest.gateway.mqtt.session import Message, Session, Step
from telemetry.identity import DeviceId
from tests.ingest.gateway.mqtt.packets import (
    GOODBYE,
    PING,
    WILL,
    connack,
    connect,
    disconnect,
    encoded,
    puback,
    publish,
)

LIMITS = MqttLimits(receive_maximum=2, packet_bytes_max=2_000, keep_alive_s_max=100)


def session(welcome: ReasonCode = ReasonCode.SUCCESS) -> Session:
    return Session(DeviceId("dongle-7"), LIMITS, "given", welcome)


def opened() -> Session:
    one = session()
    one.receive(connect())
    return one


def granted(answer: bytes) -> MQTTConnAckPacket:
    assert answer[0] == 0x20
    _, packet = MQTTConnAckPacket.decode(memoryview(answer[2:]), 0)
    return packet


def test_a_client_is_told_what_there_is_not() -> None:
    answer = granted(session().receive(connect()).out)
    assert answer.reason_code is ReasonCode.SUCCESS
    assert answer.properties == {
        PropertyType.RECEIVE_MAXIMUM: 2,
        PropertyType.MAXIMUM_QOS: 1,
        PropertyType.RETAIN_AVAILABLE: 0,
        PropertyType.MAXIMUM_PACKET_SIZE: 2_000,
        PropertyType.TOPIC_ALIAS_MAXIMUM: 0,
        PropertyType.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        PropertyType.SUBSCRIPTION_IDENTIFIER_AVAILABLE: 0,
        PropertyType.SHARED_SUBSCRIPTION_AVAILABLE: 0,
        PropertyType.SESSION_EXPIRY_INTERVAL: 0,
    }


@pytest.mark.parametrize("clean_start", [True, False])
def test_no_session_is_ever_present(clean_start: bool) -> None:  # noqa: FBT001
    assert not granted(session().receive(connect(clean_start=clean_start)).out).session_present


def test_a_client_without_an_id_gets_one() -> None:
    answer = granted(session().receive(connect(client_id="")).out)
    assert answer.properties[PropertyType.ASSIGNED_CLIENT_IDENTIFIER] == "given"


@pytest.mark.parametrize(("asked", "has", "told"), [(60, 60, None), (0, 100, 100), (900, 100, 100)])
def test_no_client_is_silent_for_longer_than_is_granted(
    asked: int, has: int, told: int | None
) -> None:
    one = session()
    answer = granted(one.receive(connect(keep_alive=asked)).out)
    assert answer.properties.get(PropertyType.SERVER_KEEP_ALIVE) == told
    assert one.keep_alive_s == has


@pytest.mark.parametrize("level", [3, 4, 0x84])
def test_an_old_client_is_refused_in_its_own_words(level: int) -> None:
    name = b"\x00\x06MQIsdp" if level == 3 else b"\x00\x04MQTT"
    body = name + bytes((level, 2, 0, 60)) + b"\x00\x01x"
    step = session().receive(bytes((0x10, len(body))) + body)
    assert step.out == b"\x20\x02\x00\x01"
    assert step.ended is ReasonCode.UNSUPPORTED_PROTOCOL_VERSION


@pytest.mark.parametrize("head", [b"\x00\x04MQTT\x06", b"\x00\x04MQTX\x05", b"\x00\x00\x05"])
def test_a_version_or_protocol_of_tomorrow_is_refused(head: bytes) -> None:
    body = head + b"\x02\x00\x3c\x00\x00\x01x"
    assert session().receive(bytes((0x10, len(body))) + body).out == connack(0x84)


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (connect(will=WILL), 0x83),
        (connect(will=Will(topic="x", payload=b"", qos=QoS.EXACTLY_ONCE, retain=True)), 0x83),
        (connect(username="dongle-7"), 0x86),
        (connect(properties={PropertyType.AUTHENTICATION_METHOD: "SCRAM"}), 0x8C),
        (connect(properties={PropertyType.RECEIVE_MAXIMUM: 0}), 0x82),
        (connect(properties={PropertyType.MAXIMUM_PACKET_SIZE: 20}), 0x95),
        (connect(client_id="x" * CONTROL_BYTES_MAX), 0x95),
    ],
    ids=["will", "will-2", "user", "scram", "receives-none", "takes-nothing", "long"],
)
def test_who_asks_for_what_there_is_not_does_not_come_in(packet: bytes, code: int) -> None:
    one = session()
    step = one.receive(packet + publish())
    assert step.out == connack(code)
    assert step.messages == ()
    assert not one.opened


def test_a_certificate_that_is_not_known_does_not_come_in() -> None:
    one = session(ReasonCode.NOT_AUTHORIZED)
    assert one.receive(connect() + publish()).out == connack(0x87)
    assert not one.opened


@pytest.mark.parametrize("first", [publish(), PING, GOODBYE, b"GET / HTTP/1.1\r\n\r\n", b"\xff"])
def test_nothing_comes_before_the_connect_and_gets_an_answer(first: bytes) -> None:
    step = session().receive(first + connect())
    assert step == (b"", (), 0, ReasonCode.PROTOCOL_ERROR)


def test_a_message_is_not_acknowledged_by_itself() -> None:
    one = opened()
    step = one.receive(publish(7, payload=b"abc"))
    message = Message(7, "envelope", b"abc")
    assert step == Step(b"", (message,), 0, None)
    assert one.settle(message, ReasonCode.SUCCESS) == puback(7)


def test_a_payload_that_says_it_is_text_comes_as_it_was() -> None:
    text = {PropertyType.PAYLOAD_FORMAT_INDICATOR: 1}
    properties: dict[PropertyType, PropertyValue] = {**text}
    (message,) = opened().receive(publish(payload=b"\xff\xfe{", properties=properties)).messages
    assert message.payload == b"\xff\xfe{"


@pytest.mark.parametrize(
    ("topic", "format_", "refused"),
    [
        ("v1/envelopes", "envelope", None),
        ("v1/formats/ovms", "ovms", None),
        ("v1/dongle-7/envelopes", "envelope", None),
        ("v1/dongle-7/formats/wican", "wican", None),
        ("v1/dongle-8/envelopes", "", ReasonCode.NOT_AUTHORIZED),
        ("v1//envelopes", "", ReasonCode.NOT_AUTHORIZED),
        ("v1/dongle-8/formats/wican", "", ReasonCode.NOT_AUTHORIZED),
        ("v1/formats/Up", "", ReasonCode.TOPIC_NAME_INVALID),
        ("v1/formats/", "", ReasonCode.TOPIC_NAME_INVALID),
        ("v2/envelopes", "", ReasonCode.TOPIC_NAME_INVALID),
        ("v1", "", ReasonCode.TOPIC_NAME_INVALID),
        ("/v1/envelopes", "", ReasonCode.TOPIC_NAME_INVALID),
        ("$SYS/broker", "", ReasonCode.TOPIC_NAME_INVALID),
    ],
)
def test_a_topic_says_a_form_and_no_other_device(
    topic: str, format_: str, refused: ReasonCode | None
) -> None:
    (message,) = opened().receive(publish(topic=topic)).messages
    assert (message.format_, message.refused) == (format_, refused)
    assert bool(message.payload) == (refused is None)


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (publish(qos=QoS.EXACTLY_ONCE), 0x9B),
        (publish(retain=True), 0x9A),
        (publish(properties={PropertyType.TOPIC_ALIAS: 1}), 0x94),
        (publish(topic="v1/#"), 0x90),
        (publish(topic=""), 0x90),
        (publish(0), 0x82),
        (publish(payload=b"x" * 2_000), 0x95),
        (publish(properties={PropertyType.CONTENT_TYPE: "x" * 1_100}), 0x95),
        (b"\x32\xff\xff\xff\xff\x01", 0x81),
        (b"\xc1\x00", 0x81),
        (b"\x82\x02\x00\x01", 0x81),
        (connect(), 0x82),
        (b"\xf0\x00", 0x82),
        (b"\x20\x03\x00\x00\x00", 0x82),
        (b"\x32\x05\x00\x01", None),
    ],
)
def test_what_is_not_granted_ends_the_connection(packet: bytes, code: int | None) -> None:
    one = opened()
    step = one.receive(packet)
    assert step.messages == ()
    assert step.out == (b"" if code is None else disconnect(code))
    assert one.receive(publish() + PING).messages == ()


def test_properties_whose_length_never_ends_are_not_read() -> None:
    body = b"\x00\x0cv1/envelopes\x00\x01" + b"\x80" * 1_900
    head = bytes((0x32, len(body) & 0x7F | 0x80, len(body) >> 7))
    assert opened().receive(head + body).out == disconnect(0x81)


def test_no_more_is_in_hand_than_was_granted() -> None:
    one = opened()
    step = one.receive(publish(1) + publish(2))
    one.settle(step.messages[0], ReasonCode.SUCCESS)
    assert one.receive(publish(1)).ended is None
    assert one.receive(publish(3)).out == disconnect(0x93)


def test_an_id_that_is_in_hand_is_not_used_again_and_its_message_not_ended() -> None:
    one = opened()
    one.receive(publish(1))
    assert one.receive(publish(1)).out == disconnect(0x82)


def test_what_nobody_waits_for_is_dropped_when_there_is_no_room() -> None:
    one = opened()
    step = one.receive(publish(None) * 5 + PING)
    assert (len(step.messages), step.lost, step.ended) == (2, 3, None)
    assert one.settle(step.messages[0], ReasonCode.SUCCESS) == b""
    assert one.receive(publish(None)).lost == 0


def test_nobody_may_listen() -> None:
    asked = MQTTSubscribePacket(packet_id=5, subscriptions=[Subscription("#"), Subscription("a")])
    assert opened().receive(encoded(asked)).out == b"\x90\x05\x00\x05\x00\x87\x87"
    unasked = MQTTUnsubscribePacket(packet_id=6, patterns=[Pattern("#")])
    assert opened().receive(encoded(unasked)).out == b"\xb0\x04\x00\x06\x00\x87"


def test_a_hundred_filters_are_answered_and_a_thousand_are_not() -> None:
    many = MQTTSubscribePacket(packet_id=5, subscriptions=[Subscription("a")] * 201)
    assert opened().receive(encoded(many)).out == disconnect(0x82)


def test_a_ping_is_answered_and_a_goodbye_ends_it() -> None:
    one = opened()
    assert one.receive(PING).out == b"\xd0\x00"
    step = one.receive(GOODBYE + PING)
    assert (step.out, step.ended) == (b"", ReasonCode.SUCCESS)


def test_a_message_settled_after_the_end_says_nothing() -> None:
    one = opened()
    (message,) = one.receive(publish(1)).messages
    assert one.end(ReasonCode.SERVER_BUSY) == disconnect(0x89)
    assert one.settle(message, ReasonCode.SUCCESS) == b""
    assert one.end(ReasonCode.SERVER_BUSY) == b""


def test_no_message_shows_what_it_carries() -> None:
    (message,) = opened().receive(publish(payload=b"secret")).messages
    assert "secret" not in repr(message)
