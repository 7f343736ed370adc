"""Commands name exactly the rows that a request means, in the words that records carry."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.erasure import selecting
from office.erasure.selecting import (
    Commanded,
    ConsentRow,
    Demand,
    Life,
    floors,
    select,
)
from office.keyring.memory import MemoryKeyring
from policy.plan.consents import Grantable
from policy.plan.epochs import epoch_at
from policy.plan.plan import Plan, Transport
from policy.vocabulary.terms import Epoch
from telemetry.identity import Pseudonym
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from telemetry.wire.control import LinkInterval
from telemetry.wire.erasure import EraseCommand, encode_command
from telemetry.wire.record import CONSENT
from tests.office.erasure.test_whereabouts import Keys, links_of
from tests.support.documents import bent, plan_of
from tests.support.plans import PLAN, SPEED
from tests.support.worlds import NOW_MS, World, column, envelope

AGAIN_MS = NOW_MS - 10 * DAY_MS
REPLAY_MS = 3 * DAY_MS
LIFE = Life(NOW_MS, REPLAY_MS)
ERASES = bent("purposes/study.yaml", "precision: P2\n", "precision: P2\n    on_withdrawal: erase\n")
SHARING = Grantable("sharing", "third_party", "insurer", "sharing@1")


def driven() -> World:
    """A driver who agreed to sharing, took it back, and agreed once more."""
    world = World(PLAN)
    world.register()
    world.link()
    world.consent("sharing", "third_party", "sharing@1", recipient="insurer", to_ms=AGAIN_MS)
    world.consent("sharing", "third_party", "sharing@1", recipient="insurer", from_ms=AGAIN_MS)
    return world


def link_of(world: World) -> LinkInterval:
    (link,) = links_of(world, NOW_MS)
    return link


def selected(
    world: World, demand: Demand, plans: Iterable[Plan] = (PLAN,), before: Commanded | None = None
) -> dict[str, EraseCommand]:
    ids = count()
    made = select(
        demand, plans, Keys(world.keys), LIFE, lambda: f"command-{next(ids)}", before
    ).commands
    for command in made:
        assert encode_command(command)
    found = {command.output: command for command in made}
    assert len(found) == len(made)
    return found


def drive(world: World, at_ms: int) -> dict[str, tuple[str, str | None]]:
    """Of each output: the pseudonym of what becomes of a reading, and the consent it rests on."""
    value = envelope({SPEED: column("km/h", [43.5, 44.5])}, at_ms, id=f"01K{at_ms:023d}")
    found = {}
    for record in world.feed(value, at_ms, at_ms):
        consent = dict(record.headers).get(CONSENT)
        mark = None if consent is None else consent.decode()
        found[record.topic.removeprefix("purpose.")] = record.key.decode(), mark
    return found


def test_a_withdrawal_names_what_rests_on_that_consent_alone() -> None:
    world = driven()
    old, new = drive(world, NOW_MS - 20 * DAY_MS)["sharing"], drive(world, NOW_MS)["sharing"]
    assert None not in (old[1], new[1])
    assert old[1] != new[1]
    row = ConsentRow(f"c-subject-1-sharing-third_party-{AGAIN_MS}", SHARING)
    demand = Demand(
        [link_of(world)],
        [row],
        frozenset({"sharing"}),
        from_ms=NOW_MS - DAY_MS,
    )
    (command,) = selected(world, demand).values()
    assert command.output == "sharing"
    assert new[0] in command.pseudonyms
    assert new[1] in command.consents
    assert old[1] not in command.consents
    assert (command.from_ms, command.to_ms) == (NOW_MS - DAY_MS, None)


def test_a_whole_person_is_looked_for_in_every_output_whatever_a_row_rests_on() -> None:
    world = driven()
    there = drive(world, NOW_MS)
    found = selected(world, Demand([link_of(world)]))
    assert found.keys() == there.keys() == {"service", "research", "sharing"}
    for output, command in found.items():
        assert there[output][0] in command.pseudonyms
        assert (command.consents, command.lanes, command.from_ms) == ([], [], None)


def test_purposes_and_lanes_that_are_not_named_are_left_alone() -> None:
    world = driven()
    drive(world, NOW_MS)
    link = link_of(world)
    by_purpose = selected(world, Demand([link], purposes=frozenset({"research"})))
    assert by_purpose.keys() == {"research"}
    by_lane = selected(world, Demand([link], lanes={"service": ["400d"], "research": []}))
    assert {output: command.lanes for output, command in by_lane.items()} == {"service": ["400d"]}


def test_without_any_reference_a_withdrawal_names_no_row() -> None:
    world = driven()
    drive(world, NOW_MS)
    assert selected(world, Demand([link_of(world)], consents=[])) == {}


def test_floors_are_the_longest_that_any_version_had() -> None:
    coarser = replace(
        PLAN,
        outputs=tuple(
            replace(
                one, lanes=tuple(replace(lane, time_floor_ms=HOUR_MS) for lane in one.lanes[:1])
            )
            for one in PLAN.outputs
        ),
    )
    assert floors([PLAN], "service") == {"30d": SECOND_MS, "400d": SECOND_MS}
    assert floors([PLAN, coarser], "service") == {"30d": HOUR_MS, "400d": SECOND_MS}
    assert floors([coarser, PLAN], "research") == {"700d": HOUR_MS}


def test_a_command_lives_until_nothing_it_names_can_be_on_its_way() -> None:
    slower = replace(PLAN, raw=Transport(DAY_MS, HOUR_MS, 2 * DAY_MS))
    bound_ms = PLAN.raw.bound_ms + PLAN.outputs[0].transport.bound_ms
    assert LIFE.until_ms([PLAN], "service", None) == NOW_MS + bound_ms + REPLAY_MS
    longest = 2 * DAY_MS + PLAN.outputs[0].transport.bound_ms
    assert LIFE.until_ms([slower, PLAN], "service", None) == NOW_MS + longest + REPLAY_MS
    # What ends at a later instant is refused from then on.
    later = NOW_MS + 5 * MINUTE_MS
    assert LIFE.until_ms([PLAN], "service", later) == later + bound_ms + REPLAY_MS


def test_what_was_commanded_before_is_not_commanded_again() -> None:
    world = driven()
    drive(world, NOW_MS)
    demand = Demand([link_of(world)])
    first = selected(world, demand)
    before = Commanded({o: frozenset(map(Pseudonym, c.pseudonyms)) for o, c in first.items()})
    assert selected(world, demand, before=before) == {}
    drive(world, NOW_MS - 100 * DAY_MS)
    again = selected(world, demand, before=before)
    assert again.keys() == {"service", "research", "sharing"}
    for output, command in again.items():
        assert not before.pseudonyms[output] & set(command.pseudonyms)


@given(st.integers(1, 7), st.integers(1, 5))
def test_every_pair_of_pseudonym_and_reference_stands_in_one_of_the_chunks(
    epochs: int, most: int
) -> None:
    keyring = MemoryKeyring()
    ends = [NOW_MS - n * 100 * DAY_MS for n in range(epochs)]
    keyring.ensure([("sharing", "insurer", epoch_at(Epoch(3), at).name) for at in ends])
    link = link_of(driven())
    demand = Demand([link], [ConsentRow("one", SHARING), ConsentRow("two", SHARING)])
    ids = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selecting, "PSEUDONYMS_MAX", most)
        patch.setattr(selecting, "CONSENTS_MAX", most)
        made = select(demand, [PLAN], keyring, LIFE, lambda: f"command-{next(ids)}").commands
    whole = select(demand, [PLAN], keyring, LIFE, lambda: "command-0").commands
    pairs = {(p, c) for one in made for p in one.pseudonyms for c in one.consents}
    assert pairs == {(p, c) for one in whole for p in one.pseudonyms for c in one.consents}
    assert all(len(one.pseudonyms) <= most and len(one.consents) <= most for one in made)
    assert all(one.consents for one in made)


def test_what_lies_under_a_destroyed_key_of_another_purpose_is_not_missed() -> None:
    world = driven()
    drive(world, NOW_MS)
    keys = Keys(world.keys, ["2026-10.3m"])
    demand = Demand([link_of(world)], purposes=frozenset({"research"}))
    found = select(demand, [PLAN], keys, LIFE, lambda: "command-0")
    assert found.commands == ()
    assert {name[0] for name in found.unlocatable} == {"research"}


# Compiled here: on the office's loop nothing may be read.
(ERASING,) = (one for one in plan_of(ERASES).cells if one.on_withdrawal == "erase")


def erasing(lanes: Iterable[str] = ("60d",)) -> Plan:
    """The small plan with a cell behind each of these lanes, which a withdrawal erases."""
    outputs = tuple(
        replace(
            one,
            lanes=tuple(
                replace(lane, rules=tuple(replace(rule, cell=ERASING.id) for rule in lane.rules))
                if lane.name in lanes
                else lane
                for lane in one.lanes
            ),
        )
        for one in PLAN.outputs
    )
    return replace(PLAN, outputs=outputs, cells=(ERASING,))


def withdrawn(world: World, *notices: Grantable) -> Demand:
    rows = [ConsentRow(f"row-{n}", to) for n, to in enumerate(notices)]
    since_ms = NOW_MS - DAY_MS
    return Demand([link_of(world)], rows, from_ms=since_ms, withdrawn=True)


def commands_of(world: World, demand: Demand, *plans: Plan) -> list[EraseCommand]:
    ids = count()
    return list(
        select(demand, plans, Keys(world.keys), LIFE, lambda: f"command-{next(ids)}").commands
    )


def test_what_the_policy_erases_on_withdrawal_goes_whatever_its_time() -> None:
    world = driven()
    drive(world, NOW_MS)
    other = SHARING._replace(notice="sharing@2")
    demand = withdrawn(world, SHARING, other)
    made = [one for one in commands_of(world, demand, erasing()) if one.output == "sharing"]
    since, all_of_it = made
    assert (since.from_ms, since.lanes) == (NOW_MS - DAY_MS, [])
    assert (all_of_it.from_ms, all_of_it.lanes) == (None, ["60d"])
    # It takes along what rests on the consent whose cell says so, and no more.
    assert set(all_of_it.consents) < set(since.consents)
    assert all_of_it.pseudonyms == since.pseudonyms
    rest = [one for one in commands_of(world, demand, erasing()) if one.output != "sharing"]
    assert [one.from_ms for one in rest] == [NOW_MS - DAY_MS] * len(rest)


@pytest.mark.parametrize(
    ("plans", "bounds"),
    [
        ([PLAN], [NOW_MS - DAY_MS]),
        ([erasing(), PLAN], [NOW_MS - DAY_MS]),
        ([PLAN, erasing()], [NOW_MS - DAY_MS, None]),
        # A version that is not in force yet erases nothing.
        ([PLAN, replace(erasing(), effective_ms=NOW_MS + 1)], [NOW_MS - DAY_MS]),
    ],
)
def test_the_version_in_force_says_what_a_withdrawal_erases(
    plans: list[Plan], bounds: list[int | None]
) -> None:
    world = driven()
    drive(world, NOW_MS)
    made = commands_of(world, withdrawn(world, SHARING), *plans)
    assert [one.from_ms for one in made if one.output == "sharing"] == bounds


def test_only_a_withdrawal_is_widened_so() -> None:
    world = driven()
    drive(world, NOW_MS)
    demand = withdrawn(world, SHARING)
    asked = commands_of(world, replace(demand, withdrawn=False), erasing())
    assert [one.from_ms for one in asked] == [NOW_MS - DAY_MS] * len(asked)
    everything = commands_of(world, replace(demand, from_ms=None), erasing())
    assert len([one for one in everything if one.output == "sharing"]) == 1
