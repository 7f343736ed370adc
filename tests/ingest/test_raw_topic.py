from collections.abc import Sequence

from ingest.raw_topic import RawPublisher
from telemetry.topics import RAW
from telemetry.wire.envelope import decode_envelope
from tests.support.plans import ODOMETER, SPEED
from tests.support.worlds import DEVICE, column, envelope


class Kept:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []

    async def publish_to(self, topic: str, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        assert topic == RAW
        self.sent += pairs


async def test_no_key_on_the_raw_topic_names_a_device() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED})
    one = decode_envelope(envelope({SPEED: column("km/h", [1.0])}))
    await raw.publish([one, one])
    keys = {key for key, _ in kept.sent}
    assert len(keys) == 1
    assert all(DEVICE.encode() not in key for key in keys)
    await RawPublisher(kept, {SPEED}).publish([one])
    assert kept.sent[-1][0] not in keys


async def test_what_no_purpose_needs_never_reaches_kafka() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED})
    body = {SPEED: column("km/h", [1.0]), ODOMETER: column("m", [123_456.0])}
    await raw.publish([decode_envelope(envelope(body))])
    assert b"123456" not in kept.sent[0][1]
    assert raw.not_collected == 1
    await raw.publish([decode_envelope(envelope({ODOMETER: column("m", [5.0])}))])
    assert len(kept.sent) == 1
