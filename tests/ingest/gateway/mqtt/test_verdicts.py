"""What the front desk's answers become on the wire."""

import pytest

from ingest.gateway.mqtt.verdicts import FOR_GOOD, FOR_NOW, verdict
from ingest.gateway.ports import Answer, Refusal


def test_every_refusal_is_for_now_or_for_good() -> None:
    assert {*FOR_NOW, *FOR_GOOD} == set(Refusal)
    assert not {*FOR_NOW} & {*FOR_GOOD}


@pytest.mark.parametrize(
    ("refused", "code", "final"),
    [
        ({}, 0x00, True),
        ({Refusal.MALFORMED: 0}, 0x00, True),
        ({Refusal.MALFORMED: 1}, 0x99, True),
        ({Refusal.OVERSIZED: 1}, 0x97, True),
        ({Refusal.OTHER_DEVICE: 1}, 0x87, True),
        ({Refusal.CLONE: 1}, 0x83, True),
        ({Refusal.MALFORMED: 1, Refusal.OTHER_DEVICE: 1}, 0x87, True),
        ({Refusal.UNAVAILABLE: 1}, 0x89, False),
        ({Refusal.TOO_FAST: 1}, 0x96, False),
        ({Refusal.MALFORMED: 1, Refusal.UNAVAILABLE: 1}, 0x89, False),
    ],
)
def test_what_can_still_succeed_is_never_acknowledged(
    refused: dict[Refusal, int],
    code: int,
    final: bool,  # noqa: FBT001
) -> None:
    assert verdict(Answer(1, refused)) == (code, final)
