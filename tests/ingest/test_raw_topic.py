from collections.abc import Sequence

from ingest.raw_topic import RawPublisher
from ingest.routing import Routing
from telemetry.sealing import Header, NotOpened, cipher_of, header_of, opened
from telemetry.topics import RAW
from telemetry.wire.envelope import decode_envelope
from tests.support.plans import ODOMETER, SPEED
from tests.support.sealing import PeriodKeys
from tests.support.worlds import DEVICE, NOW_MS, column, envelope


class Kept:
    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self.partitions: list[int] = []

    async def publish_placed(self, topic: str, placed: Sequence[tuple[int, bytes, bytes]]) -> None:
        assert topic == RAW
        self.partitions += [partition for partition, _, _ in placed]
        self.sent += [(key, value) for _, key, value in placed]


HERE = Routing(bytes(32), 7)
KEYS = PeriodKeys()


def plain(value: bytes) -> bytes:
    """What a worker makes of it."""
    header = header_of(value)
    assert isinstance(header, Header)
    cipher = cipher_of(header, KEYS.private(header.period))
    assert not isinstance(cipher, NotOpened)
    found = opened(value, header, cipher)
    assert isinstance(found, bytes)
    return found


async def test_no_key_on_the_raw_topic_names_a_device() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED}, HERE, KEYS.sealer(lambda: NOW_MS))
    one = decode_envelope(envelope({SPEED: column("km/h", [1.0])}))
    await raw.publish([one, one])
    keys = {key for key, _ in kept.sent}
    assert len(keys) == 1
    assert all(DEVICE.encode() not in key for key in keys)
    await RawPublisher(kept, {SPEED}, HERE, KEYS.sealer(lambda: NOW_MS)).publish([one])
    assert kept.sent[-1][0] not in keys


async def test_a_device_keeps_its_partition_whatever_its_key_is() -> None:
    kept = Kept()
    for device in [f"dev-{number:06d}" for number in range(40)] * 2:
        one = decode_envelope(envelope({SPEED: column("km/h", [1.0])}, device=device))
        await RawPublisher(kept, {SPEED}, HERE, KEYS.sealer(lambda: NOW_MS)).publish([one])
    assert kept.partitions[:40] == kept.partitions[40:]
    assert len({key for key, _ in kept.sent}) == 80
    assert set(kept.partitions) == set(range(7))


def test_another_installation_places_devices_otherwise_and_no_repr_shows_the_key() -> None:
    other = Routing(b"k" * 32, 7)
    devices = [f"dev-{number:06d}" for number in range(40)]
    assert [*map(HERE.partition_of, devices)] != [*map(other.partition_of, devices)]
    assert "kkk" not in repr(other)


async def test_what_no_purpose_needs_never_reaches_kafka() -> None:
    kept = Kept()
    raw = RawPublisher(kept, {SPEED}, HERE, KEYS.sealer(lambda: NOW_MS))
    body = {SPEED: column("km/h", [1.0]), ODOMETER: column("m", [123_456.0])}
    await raw.publish([decode_envelope(envelope(body))])
    assert b"123456" not in plain(kept.sent[0][1])
    assert raw.not_collected == 1
    await raw.publish([decode_envelope(envelope({ODOMETER: column("m", [5.0])}))])
    assert len(kept.sent) == 1
