"""Whatever comes, cut wherever it may be: no exception, and no more memory than was granted."""

from hypothesis import example, given
from hypothesis import strategies as st
from moat.lib.mqtt import MQTTSubscribePacket, QoS, ReasonCode, Subscription

from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.session import Message, Session
from telemetry.identity import DeviceId
from tests.ingest.gateway.mqtt.packets import (
    GOODBYE,
    PING,
    WILL,
    connect,
    encoded,
    publish,
)

LIMITS = MqttLimits(receive_maximum=3, packet_bytes_max=600)
LONGEST = max(LIMITS.packet_bytes_max, 4_096)
REAL = [
    connect(),
    connect(client_id="", will=WILL),
    publish(1),
    publish(2, topic="v1/dongle-8/envelopes"),
    publish(None, payload=b"x" * 500),
    publish(3, qos=QoS.EXACTLY_ONCE),
    encoded(MQTTSubscribePacket(packet_id=1, subscriptions=[Subscription("a/+/b")])),
    PING,
    GOODBYE,
]


def damaged(packet: bytes) -> st.SearchStrategy[bytes]:
    """One byte of it is another."""

    def change(where: int, to: int) -> bytes:
        return packet[:where] + bytes((to,)) + packet[where + 1 :]

    return st.builds(change, st.integers(0, len(packet) - 1), st.integers(0, 255))


pieces = st.one_of(
    st.sampled_from(REAL),
    st.sampled_from(REAL).flatmap(damaged),
    st.binary(max_size=60),
)
streams = st.lists(pieces, max_size=12).map(b"".join)


@given(st.booleans(), streams, st.lists(st.integers(1, 700), min_size=1, max_size=8))
@example(connected=True, stream=publish(1, topic="v1/+"), cuts=[1])
def test_any_bytes_in_any_pieces(connected: bool, stream: bytes, cuts: list[int]) -> None:  # noqa: FBT001
    session = Session(DeviceId("dongle-7"), LIMITS, "given")
    whole = Session(DeviceId("dongle-7"), LIMITS, "given")
    if connected:
        session.receive(connect())
        whole.receive(connect())
    out, in_hand, at, turn = b"", 0, 0, 0
    seen: list[Message] = []
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        turn += 1
        step = session.receive(stream[at : at + size])
        at += size
        out += step.out
        seen += step.messages
        in_hand += len(step.messages)
        assert session.held_bytes <= LONGEST + size
        assert in_hand <= 2 * LIMITS.receive_maximum  # of QoS 1, and of QoS 0
    at_once = whole.receive(stream)
    # How the network cuts the stream changes nothing.
    assert (out, tuple(seen), session.ended) == (at_once.out, at_once.messages, whole.ended)


@given(st.binary(max_size=2_000))
def test_an_endless_packet_is_not_gathered(tail: bytes) -> None:
    session = Session(DeviceId("dongle-7"), LIMITS, "given")
    session.receive(connect())
    step = session.receive(b"\x30\xff\xff\xff\x7f" + tail)
    assert step.ended is ReasonCode.PACKET_TOO_LARGE
    session.receive(b"x" * 10_000)
    assert session.held_bytes <= 5 + len(tail)
