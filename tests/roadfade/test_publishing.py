from collections.abc import Sequence

from bus.outgoing import Outgoing
from roadfade.publishing import RawPublisher
from telemetry.envelope import decode_envelope
from tests.support.plans import ODOMETER, SPEED
from tests.support.worlds import DEVICE, column, envelope


class Kept:
    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        self.sent += outgoing


async def test_no_key_on_the_raw_topic_names_a_device() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED})
    one = decode_envelope(envelope({SPEED: column("km/h", [1.0])}))
    await raw.publish([one, one])
    keys = {record.key for record in kept.sent}
    assert len(keys) == 1
    assert all(key is not None and DEVICE.encode() not in key for key in keys)
    await RawPublisher(kept, {SPEED}).publish([one])
    assert kept.sent[-1].key not in keys


async def test_what_no_purpose_needs_never_reaches_kafka() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED})
    body = {SPEED: column("km/h", [1.0]), ODOMETER: column("m", [123_456.0])}
    await raw.publish([decode_envelope(envelope(body))])
    assert b"123456" not in (kept.sent[0].value or b"")
    assert raw.not_collected == 1
    await raw.publish([decode_envelope(envelope({ODOMETER: column("m", [5.0])}))])
    assert len(kept.sent) == 1
