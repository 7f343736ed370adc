"""Topics between two versions: an older promise lasts as long as what it was given for."""

from dataclasses import replace

import pytest

from policy.artefacts.topics import topic_configs
from policy.plan.plan import Plan, Transport
from policy.versions.in_force import active_versions, in_force
from policy.versions.topic_handover import ActiveVersion, closed, coming, held, renamed, taken_over
from telemetry.instants import HOUR_MS, MINUTE_MS
from telemetry.topics import AUDIT_FLOW, CONTROL_CONSENTS, CONTROL_LINKS, RAW
from telemetry.wire.publication import Publication
from tests.support.plans import PLAN, output

SHORT = Transport(HOUR_MS, 10 * MINUTE_MS, 2 * HOUR_MS)
LONG = Transport(10 * HOUR_MS, 20 * MINUTE_MS, 11 * HOUR_MS)
TOPIC = "purpose.service"
SWITCH_MS = 1_000 * HOUR_MS


def carrying(transport: Transport) -> Plan:
    """The plan with this transport for one of its topics."""
    first, *others = PLAN.outputs
    return replace(PLAN, outputs=(replace(first, transport=transport), *others))


def line(old: Plan, new: Plan) -> tuple[ActiveVersion, ActiveVersion]:
    return ActiveVersion(old, 0), ActiveVersion(new, SWITCH_MS)


def test_a_longer_retention_waits_for_the_last_record_of_the_shorter() -> None:
    both = line(carrying(SHORT), carrying(LONG))
    assert held(both, SWITCH_MS) == {TOPIC: SHORT}
    assert held(both, SWITCH_MS + SHORT.bound_ms - 1) == {TOPIC: SHORT}
    assert held(both, SWITCH_MS + SHORT.bound_ms) == {}


def test_a_shorter_retention_holds_at_once() -> None:
    assert held(line(carrying(LONG), carrying(SHORT)), SWITCH_MS) == {}


def test_of_several_promises_the_shortest_lasts() -> None:
    middle = Transport(5 * HOUR_MS, 15 * MINUTE_MS, 6 * HOUR_MS)
    third = ActiveVersion(carrying(LONG), SWITCH_MS + HOUR_MS)
    found = held((*line(carrying(SHORT), carrying(middle)), third), SWITCH_MS + HOUR_MS)
    assert found[TOPIC].retention_ms == SHORT.retention_ms
    later = held((*line(carrying(SHORT), carrying(middle)), third), SWITCH_MS + 3 * HOUR_MS)
    assert later[TOPIC].retention_ms == middle.retention_ms


def test_settings_are_the_held_ones_while_they_are_held() -> None:
    config = topic_configs(carrying(LONG), {TOPIC: SHORT})[TOPIC]
    assert config["retention.ms"] == str(SHORT.retention_ms)


def test_a_topic_of_the_version_to_come_is_made_before_it_starts() -> None:
    more = replace(PLAN, outputs=(*PLAN.outputs, output("newcomer", ())))
    assert list(coming(PLAN, more)) == ["purpose.newcomer"]
    assert coming(PLAN, None) == coming(more, PLAN) == {}


def test_a_topic_is_closed_only_where_its_recipient_has_none_any_more() -> None:
    fewer = replace(PLAN, outputs=PLAN.outputs[1:])
    assert closed(line(PLAN, fewer), None) == (TOPIC,)
    assert closed(line(PLAN, fewer), PLAN) == ()
    assert closed(line(fewer, PLAN), None) == ()
    assert closed((ActiveVersion(PLAN, 0),), None) == ()


def named(output_id: str, recipient: str = "team") -> Plan:
    """The plan with its first output under another id."""
    first, *others = PLAN.outputs
    one = replace(first, id=output_id, topic=f"purpose.{output_id}", recipient=recipient)
    return replace(PLAN, outputs=(one, *others))


def test_a_topic_that_was_renamed_is_neither_closed_nor_forgotten() -> None:
    both = line(PLAN, named("service.team"))
    assert closed(both, None) == ()
    assert renamed(both) == {TOPIC: "service"}
    assert renamed(line(PLAN, PLAN)) == {}


def test_no_recipient_takes_over_the_topic_of_another() -> None:
    assert [one.recipient for one in taken_over(PLAN, named("service", "lab"))] == ["lab"]
    assert taken_over(PLAN, named("service.lab", "lab")) == ()
    assert taken_over(PLAN, PLAN) == ()


@pytest.mark.parametrize("name", [RAW, AUDIT_FLOW, CONTROL_LINKS, CONTROL_CONSENTS])
def test_what_is_no_purposes_topic_is_never_closed(name: str) -> None:
    nothing = replace(PLAN, outputs=())
    assert name not in closed(line(PLAN, nothing), None)


def test_reigns_are_the_versions_that_decided_in_their_order() -> None:
    first, second = Publication("p", 1, 10, 0, {}), Publication("p", 2, 30, 0, {})
    skipped, third = Publication("p", 3, 60, 0, {}), Publication("p", 4, 50, 0, {})
    known = (third, skipped, second, first)
    assert [active_versions(known, now) for now in (9, 10, 35)] == [(), (first,), (first, second)]
    assert active_versions(known, 99) == (first, second, third), (
        "4 came before 3, which then never decided"
    )
    for now in (10, 35, 55, 99):
        assert active_versions(known, now)[-1] == in_force(known, now).current
