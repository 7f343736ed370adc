"""A simulated device loses nothing to a gateway that does not answer, and stops at a refusal."""

from collections.abc import Iterator

import pytest

from ingest.simulation.fleet import Fleet
from roadfade.demo.devices_outside import AT_ONCE_MAX, WAITING_MAX, DevicesOutside, Settled
from telemetry.wire.envelope import Envelope

FLEET = Fleet(1, 7)
(DEVICE,) = FLEET.devices


def envelopes(count: int) -> list[Envelope]:
    every: Iterator[Envelope] = Fleet(1, 7).envelopes(0, 10**9)
    return [next(every) for _ in range(count)]


class Gateway:
    """Takes as the answers say, one for each call; then all."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.taken: list[str] = []

    async def send(self, envelopes: list[Envelope]) -> Settled:
        answer = self.answers.pop(0) if self.answers else len(envelopes)
        if answer is None:
            return Settled(len(envelopes), refused=len(envelopes))
        self.taken += [one.id for one in envelopes[:answer]]
        return Settled(answer)


async def test_what_is_not_acknowledged_is_sent_again_in_order() -> None:
    gateway, sent = Gateway(2, 0), envelopes(5)
    outside = DevicesOutside({DEVICE: gateway})
    assert await outside.publish(sent) == 2
    assert outside.waiting == 3
    assert await outside.publish([]) == 0
    assert await outside.publish([]) == 3
    assert gateway.taken == [one.id for one in sent]
    assert outside.counts == {
        "envelopes": 5,
        "readings": sum(one.readings for one in sent),
        "refused": 0,
        "dropped": 0,
    }


async def test_what_is_refused_for_good_is_counted_and_holds_nothing_up() -> None:
    gateway, sent = Gateway(None), envelopes(AT_ONCE_MAX + 3)
    outside = DevicesOutside({DEVICE: gateway})
    assert await outside.publish(sent) == 3
    assert outside.counts["refused"] == AT_ONCE_MAX
    assert gateway.taken == [one.id for one in sent[AT_ONCE_MAX:]]


@pytest.mark.parametrize("more", [0, 5])
async def test_what_waits_is_bounded_and_the_newest_stays(more: int) -> None:
    gateway = Gateway(0)
    outside = DevicesOutside({DEVICE: gateway})
    sent = envelopes(WAITING_MAX + more)
    await outside.publish(sent)
    assert outside.waiting == WAITING_MAX
    assert outside.counts["dropped"] == more
    await outside.publish([])
    assert gateway.taken == [one.id for one in sent[more:]]
