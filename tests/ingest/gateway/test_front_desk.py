"""The front desk: acknowledged is durable, a copy is written once, two boots in turns are a clone."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.boots import LIVING_MAX, Boots, Span
from ingest.gateway.copies import Copies
from ingest.gateway.formats import AdapterContext, read_message
from ingest.gateway.ports import Peer, Refusal
from ingest.gateway.shares import Shares
from telemetry.identity import DeviceId
from telemetry.wire.envelope import Envelope, decode_envelope
from tests.support.gateway_door import KeptOut, Time, desk
from tests.support.plans import SPEED
from tests.support.worlds import column, envelope

DEVICE = DeviceId("dev-000001")
PEER = Peer(DEVICE, 7)


def one(seq: int, boot: str = "a", speed: float = 12.5, **fields: Any) -> bytes:
    body: dict[str, Any] = {
        "id": f"{boot}-envelope-{seq:012d}",
        "boot": boot,
        "seq": seq,
        "device": str(DEVICE),
    }
    return envelope({SPEED: column("km/h", [speed])}, **(body | fields))


class Moody:
    """A way out that is told, send by send, whether the broker takes it."""

    def __init__(self, moods: Sequence[bool]) -> None:
        self.moods = list(moods)
        self.durable: list[Envelope] = []

    async def send(
        self, envelopes: Sequence[Envelope], size: int, then: Callable[[], None]
    ) -> bool:
        assert size > 0
        if self.moods and not self.moods.pop(0):
            return False
        self.durable += envelopes
        then()
        return True


@given(
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), max_size=12),
    st.lists(st.booleans(), max_size=12),
)
def test_what_is_accepted_is_durable_and_what_was_accepted_is_written_once(
    messages: list[list[int]], moods: list[bool]
) -> None:
    out = Moody(moods)

    async def bring() -> set[int]:
        accepted: set[int] = set()
        front = desk(out, Time())
        for seqs in messages:
            before = len(out.durable)
            answer = await front.take(PEER, "envelope", b"\n".join(map(one, seqs)))
            assert answer.accepted + sum(answer.refused.values()) == len(seqs)
            written = [sent.seq for sent in out.durable[before:]]
            assert not accepted & set(written)
            if not answer.refused:
                accepted |= set(seqs)
            assert accepted <= {sent.seq for sent in out.durable}
            # In one message, too, what is counted as accepted is there.
            assert answer.accepted <= sum(seq in accepted | set(written) for seq in seqs)
        return accepted

    accepted = asyncio.run(bring())
    found = [sent.seq for sent in out.durable]
    assert all(found.count(seq) == 1 for seq in accepted)


async def test_without_a_boot_nothing_is_taken_for_a_copy() -> None:
    out = KeptOut()
    front = desk(out, Time())
    for _ in range(2):
        assert (await front.take(PEER, "envelope", one(1, boot=""))).accepted == 1
    assert len(out.sent) == 2


async def test_other_content_under_a_number_that_was_used_is_another_envelope() -> None:
    out = KeptOut()
    front = desk(out, Time())
    for speed in (1.5, 2.5, 2.5):
        assert (await front.take(PEER, "envelope", one(1, speed=speed))).accepted == 1
    assert len(out.sent) == 2
    assert (front.reused, front.copies) == (1, 1)


async def test_a_resend_of_an_earlier_boot_is_a_copy_and_no_clone() -> None:
    front = desk(KeptOut(), Time())
    assert (await front.take(PEER, "envelope", one(1, "a"))).accepted == 1
    assert (await front.take(PEER, "envelope", one(1, "b"))).accepted == 1
    assert (await front.take(PEER, "envelope", one(1, "a", resend=True))).accepted == 1
    assert (await front.take(PEER, "envelope", one(2, "b"))).accepted == 1
    assert front.clones == 0


async def test_two_boots_that_take_turns_are_refused_until_one_is_silent() -> None:
    time = Time()
    front = desk(KeptOut(), time, quiet_s=300)
    for boot in "ab":
        assert (await front.take(PEER, "envelope", one(1, boot))).accepted == 1
    for _ in range(3):
        time.s += 200
        for boot in "ab":
            seq = int(time.s)
            answer = await front.take(PEER, "envelope", one(seq, boot))
            assert (answer.refused, answer.retry_after_s) == ({Refusal.CLONE: 1}, 300)
    assert (await front.take(PEER, "envelope", one(9, ""))).refused == {Refusal.CLONE: 1}
    other = Peer(DeviceId("dev-000002"), 8)
    assert (await front.take(other, "envelope", one(1, device="dev-000002"))).accepted == 1
    time.s += 299
    assert (await front.take(PEER, "envelope", one(8, "b"))).refused
    time.s += 1
    assert (await front.take(PEER, "envelope", one(8, "b"))).accepted == 1
    assert front.clones == 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 200)), max_size=40))
def test_a_clone_is_a_boot_that_is_heard_again_after_another_began(
    heard: list[tuple[int, int]],
) -> None:
    boots, now, cloned = Boots(300, 10), 0, False
    alive: dict[int, int] = {}
    order: list[int] = []
    for boot, passed in heard:
        now += passed
        for one_ in [o for o in order if now - alive[o] >= 300]:
            order.remove(one_)
        cloned = cloned and len(order) > 1
        if boot in order:
            cloned = cloned or boot != order[-1]
        else:
            order.append(boot)
        alive[boot] = now
        boots.hear(DEVICE, str(boot), now)
        assert boots.believes(DEVICE, now) is not cloned


def test_a_device_that_starts_again_and_again_is_no_clone_and_takes_no_more_room() -> None:
    boots = Boots(300_000, 2)
    for number in range(10 * LIVING_MAX):
        boots.hear(DEVICE, f"boot-{number}", number)
        assert boots.believes(DEVICE, number)
    for number in range(5):
        boots.hear(DeviceId(f"dev-{number}"), "a", 0)
    assert len(boots._heard) == 2  # its bound


def test_copies_are_bounded_and_the_oldest_goes() -> None:
    copies = Copies(2)
    made = [decode_envelope(one(seq)) for seq in range(3)]
    for envelope_ in made:
        copies.remember(envelope_, b"digest")
    known = [copies.known(envelope_, b"digest").name for envelope_ in made]
    assert known == ["NEW", "COPY", "COPY"]
    assert len(copies) == 2


def test_a_share_is_a_devices_own_and_comes_back() -> None:
    time = Time()
    shares = Shares(100, 1_000, 10, time)
    other = DeviceId("dev-000002")
    assert shares.wait_for_envelopes(DEVICE, 60) is None
    assert shares.wait_for_envelopes(DEVICE, 41) == 60.0
    assert shares.wait_for_envelopes(DEVICE, 40) is None
    assert shares.wait_for_envelopes(other, 100) is None
    assert shares.wait_for_bytes(DEVICE, 1_001) is not None
    time.s += 30
    assert shares.wait_for_envelopes(DEVICE, 1) == 30.0
    time.s += 30
    assert shares.wait_for_envelopes(DEVICE, 100) is None


def test_shares_of_many_devices_take_bounded_room() -> None:
    shares = Shares(100, 1_000, 3, Time())
    for number in range(50):
        assert shares.wait_for_envelopes(DeviceId(f"dev-{number}"), 100) is None
    assert shares._counters.reset() == 6  # its bound


async def test_a_format_of_others_is_read_by_its_adapter_alone() -> None:
    def adapter(payload: bytes, context: AdapterContext) -> Sequence[Envelope] | Refusal:
        if payload == b"bad":
            return Refusal.MALFORMED
        return [decode_envelope(one(1, device=payload.decode() or str(context.device)))]

    out = KeptOut()
    front = desk(out, Time(), adapters={"theirs": adapter})
    assert (await front.take(PEER, "theirs", b"")).accepted == 1
    assert (await front.take(PEER, "theirs", b"bad")).refused == {Refusal.MALFORMED: 1}
    assert (await front.take(PEER, "theirs", b"dev-2")).refused == {Refusal.OTHER_DEVICE: 1}
    assert (await front.take(PEER, "ours", b"")).refused == {Refusal.MALFORMED: 1}


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    context = AdapterContext(DEVICE, 0)
    for text in (payload, b"[" + payload + b"]", b"{}\n" + payload):
        reading = read_message("envelope", text, {}, context)
        assert isinstance(reading, Refusal) or all(isinstance(r, Refusal) for r in reading)


def test_an_envelope_that_grows_as_it_is_written_is_refused() -> None:
    numbers = ",".join(["1e15"] * 2_000)
    times = ",".join(["0"] * 2_000)
    series = ",".join(f'"s{n}":{{"unit":"","dt":[{times}],"value":[{numbers}]}}' for n in range(17))
    text = one(1).replace(b'"series":{', b'"series":{' + series.encode() + b",")
    assert len(text) < 256 * 1024
    assert list(read_message("envelope", text, {}, AdapterContext(DEVICE, 0))) == [
        Refusal.OVERSIZED
    ]


def test_what_an_earlier_boot_recorded_and_is_sent_late_makes_no_clone() -> None:
    boots = Boots(300_000, 10)
    for at_ms, boot, span in (
        (1, "now", Span(100, 110)),
        (2, "old", Span(0, 10)),
        (3, "now", Span(110, 120)),
        (4, "old", Span(10, 20)),
        (5, "now", Span(120, 130)),
    ):
        boots.hear(DEVICE, boot, at_ms, span)
        assert boots.believes(DEVICE, at_ms)
    boots.hear(DEVICE, "old", 6, Span(115, 125))
    boots.hear(DEVICE, "now", 7, Span(130, 140))
    assert not boots.believes(DEVICE, 7)
    assert boots.clones == 1


async def test_what_the_broker_did_not_take_uses_up_no_share() -> None:
    out = KeptOut(durable=False)
    front = desk(out, Time(), envelopes=3, size=5_000)
    for _ in range(20):
        answer = await front.take(PEER, "envelope", one(1))
        assert answer.refused == {Refusal.UNAVAILABLE: 1}
    out.durable = True
    for seq in (1, 2, 3):
        assert (await front.take(PEER, "envelope", one(seq))).accepted == 1
    assert (await front.take(PEER, "envelope", one(4))).refused == {Refusal.TOO_FAST: 1}
