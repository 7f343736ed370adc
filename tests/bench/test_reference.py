"""The benchmark's reference and the compiled plan agree; the check sees what is wrong."""

import json
from collections.abc import Iterator

import pytest

from bench.checking import Outputs, WrongOutputError, check, compare, same
from bench.fleet import LONGER, READINGS, STEP_MS, envelopes
from bench.job import (
    BEGIN_MS,
    DEVICES,
    NOW_MS,
    PURPOSES,
    RPM,
    consenting,
    epoch_key,
    everybody,
    load_plan,
)  # fmt: skip
from bench.metering import Meter
from bench.reference import pseudonym, reference
from processors.minimise import Minimised
from processors.processor import Processor
from processors.program import build_program
from processors.state.bins import Room
from processors.tally import Tally
from tests.support.worlds import EveryKey


@pytest.fixture(scope="module")
def made() -> list[tuple[str, bytes, list[Minimised]]]:
    """(device, envelope, outputs) of the first two envelopes of every vehicle."""
    program = build_program(load_plan())
    processor = Processor(program, everybody(), EveryKey(), lambda _, key: key[0] % 4)
    tally = Tally(program)
    state = program.empty_state(Room(100_000))
    return [
        (n, v, processor.process(v, NOW_MS, NOW_MS, tally, state))
        for n, v in envelopes(2 * DEVICES)
    ]


def _outputs(made: list[tuple[str, bytes, list[Minimised]]]) -> Outputs:
    outputs = Outputs()
    for name, _, _ in made:
        for purpose in PURPOSES:
            outputs.sampled.setdefault((purpose, pseudonym(purpose, name)), [])
    for _, _, records in made:
        for record in records:
            purpose = record.topic.removeprefix("purpose.")
            outputs.sampled[purpose, record.key.decode()].append(
                (record.value, dict(record.headers))
            )
    return outputs


def _raw(made: list[tuple[str, bytes, list[Minimised]]]) -> dict[str, list[bytes]]:
    raw: dict[str, list[bytes]] = {}
    for name, value, _ in made:
        raw.setdefault(name, []).append(value)
    return raw


def test_the_compiled_plan_gives_what_the_hand_written_reference_gives(
    made: list[tuple[str, bytes, list[Minimised]]],
) -> None:
    agreed = consenting()
    held = compare(_outputs(made), _raw(made), agreed)
    assert held == 2 * (2 * DEVICES + len(agreed))


def test_a_lost_and_a_doubled_output_are_seen(
    made: list[tuple[str, bytes, list[Minimised]]],
) -> None:
    for change in ("lost", "doubled"):
        outputs = _outputs(made)
        records = next(iter(outputs.sampled.values()))
        if change == "lost":
            records.pop()
        else:
            records.append(records[-1])
        with pytest.raises(WrongOutputError, match="but 2 are due"):
            compare(outputs, _raw(made), consenting())


def _first(
    made: list[tuple[str, bytes, list[Minimised]]],
) -> Iterator[tuple[str, bytes, Minimised]]:
    _, value, records = next(one for one in made if len(one[2]) == len(PURPOSES))
    for record in records:
        yield record.topic.removeprefix("purpose."), value, record


def test_a_changed_value_and_a_changed_header_are_seen(
    made: list[tuple[str, bytes, list[Minimised]]],
) -> None:
    for purpose, value, record in _first(made):
        expected = reference(value, consented=True)[purpose]
        headers = dict(record.headers)
        check(purpose, expected, record.value, headers)
        changed = json.loads(record.value)
        next(iter(changed["series"].values()))["value"][0] += 0.1
        with pytest.raises(WrongOutputError, match="value differs"):
            check(purpose, expected, json.dumps(changed).encode(), headers)
        with pytest.raises(WrongOutputError, match="expires_at"):
            check(
                purpose, expected, record.value, headers | {"expires_at": b"2099-01-01T00:00:00Z"}
            )
        with pytest.raises(WrongOutputError, match="device"):
            check(purpose, expected, record.value, headers | {"device": b"x"})


def test_the_job_is_the_same_in_every_run_and_of_the_agreed_shape() -> None:
    once, again = list(envelopes(300)), list(envelopes(300))
    assert once == again
    sizes = [len(value) for _, value in once]
    assert 1250 < sum(sizes) / len(sizes) < 1450
    for _, value in once:
        series = json.loads(value)["series"]
        assert sum(len(column["value"]) for column in series.values()) == READINGS
        assert series[RPM]["dt"] == [row * STEP_MS for row in range(READINGS // len(LONGER))]


def test_numbers_of_either_kind_are_the_same_within_the_tolerance() -> None:
    assert same({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same({"a": [1]}, {"a": [1.001]})
    assert not same({"a": [1]}, {"a": [1, 1]})
    assert not same({"a": 1}, {"b": 1})


def test_a_run_of_too_few_batches_is_refused_instead_of_guessed() -> None:
    meter = Meter(1000)
    assert not meter.batch(999)
    assert meter.batch(1)
    with pytest.raises(RuntimeError, match="too few batches"):
        meter.figures()


def test_every_envelope_is_judged_while_its_records_still_live() -> None:
    assert BEGIN_MS < NOW_MS
    assert epoch_key(("a", "house", "e")) != epoch_key(("b", "house", "e"))
