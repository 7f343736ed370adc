from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Self

import pytest

from bus.failures import SendFailedError
from ingest.routing import Routing
from ingest.sealing import Sealer
from roadfade import raw_topic as module
from roadfade.raw_topic import raw_topic
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from telemetry.wire.envelope import decode_envelope
from telemetry.wire.sealing_key import SealingKey
from tests.support.plans import ODOMETER, PLAN, SPEED
from tests.support.sealing import PeriodKeys
from tests.support.worlds import column, envelope

NOWHERE = Settings(kafka_bootstrap_servers="localhost:1")
DRIVE = decode_envelope(envelope({SPEED: column("km/h", [1.0]), ODOMETER: column("m", [5.0])}))


class Offered(PeriodKeys):
    """Keys as ``control.sealing`` has them, or none."""

    none = False

    def key_at(self, at_ms: int) -> SealingKey | None:
        return None if self.none else super().key_at(at_ms)


OFFERED = Offered()


class Taking:
    """A publisher that counts, or that never gets anything through."""

    fails = False

    def __init__(self, *_: Any, client_id: str, **__: Any) -> None:
        self.client_id = client_id

    async def publish_placed(self, _: str, placed: Sequence[tuple[int, bytes, bytes]]) -> None:
        if placed and self.fails:
            raise SendFailedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return


@pytest.fixture(autouse=True)
def taking(monkeypatch: pytest.MonkeyPatch) -> None:
    async def somewhere(*_: object) -> Routing:
        return Routing(bytes(32), 4)

    monkeypatch.setattr(module, "Publisher", Taking)
    monkeypatch.setattr(module, "routing_of", somewhere)
    monkeypatch.setattr(module, "offered_keys", lambda _: nullcontext(OFFERED))


async def test_what_the_plan_does_not_collect_stays_here() -> None:
    async with raw_topic(NOWHERE, "replay", PLAN) as raw:
        await raw.publish([DRIVE])
    assert (raw.plan, raw.readings, raw.not_collected) == (PLAN, 1, 1)


async def test_a_broker_that_takes_nothing_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Taking, "fails", True)
    with pytest.raises(Refusal, match="check that it runs, then try again"):
        async with raw_topic(NOWHERE, "replay", PLAN) as raw:
            await raw.publish([DRIVE])


async def test_without_a_broker_nothing_is_begun() -> None:
    with pytest.raises(NotReady, match="no broker answers at localhost:1"):
        async with raw_topic(NOWHERE, "replay"):
            pytest.fail("it was begun")


async def test_without_a_key_to_seal_with_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OFFERED, "none", True)
    monkeypatch.setattr(module, "Sealer", partial(Sealer, wait_s=0))
    with pytest.raises(NotReady, match="nothing is sent in the clear: start `roadfade office`"):
        async with raw_topic(NOWHERE, "replay", PLAN):
            pytest.fail("it was begun")
