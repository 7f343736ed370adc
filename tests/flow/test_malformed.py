"""Bad input between good input: counted under its reason, without stopping the rest."""

from collections import Counter

import pytest

from roadfade.clock import wall_ms
from telemetry.instants import DAY_MS
from tests.flow.malformed_kinds import DEVICE, ODOMETER, OF_A_SERVICE, SINCE_DAYS, good, kinds
from tests.support.pace import play, raw
from tests.support.road import Road
from tests.support.since import Since

pytestmark = pytest.mark.broker


def test_every_kind_of_bad_input_is_counted_and_all_good_input_arrives(road: Road) -> None:
    now_ms = wall_ms()
    road.known(DEVICE, "person-of-the-malformed", now_ms - SINCE_DAYS * DAY_MS)
    elsewhere = now_ms - SINCE_DAYS * DAY_MS
    road.known(OF_A_SERVICE, "person-of-another-service", elsewhere, service="another_service")
    bad = list(kinds(now_ms))
    assert len(bad) >= 20 and len({kind.name for kind in bad}) == len(bad)
    since = Since(road)
    # One key, so one partition: nothing gets past what stops.
    tape = [raw(good(0, now_ms))]
    for number, kind in enumerate(bad, start=1):
        tape += [raw(kind.value), raw(good(number, now_ms))]
    play(road.settings, tape)
    road.drained()

    assert road.ended() == []
    ledger = since.ledger()
    expected = Counter[str]()
    for kind in bad:
        expected[kind.reason] += kind.readings
    assert ledger.rejected == expected
    assert {row.entered for row in ledger.outputs.values()} == {len(bad) + 1}
    assert ledger.closes
    kept = since.rows("service_provision.app", "signal, number")
    assert sorted(kept) == [(ODOMETER, number) for number in range(len(bad) + 1)]
