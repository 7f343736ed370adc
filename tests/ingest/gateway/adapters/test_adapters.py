"""Foreign formats become envelopes: by golden files, for any bytes, and without an identifier."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gateway.adapters import registry
from ingest.gateway.adapters.gathered import Adapted, LeftOut
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from policy.plan.limits import Limits
from processors.admission.admitted import Admitted
from processors.admission.exact_path import admit
from processors.program import build_program
from roadfade.in_force.documents import load_catalogue
from roadfade.in_force.plans import compile_policy
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.outcome import Rejected
from telemetry.wire.envelope import ENVELOPE_BYTES_MAX, encode_envelope

CATALOGUE: Final = load_catalogue()
GOLDEN: Final = Path(__file__).parent / "golden"
INPUTS: Final = sorted(GOLDEN.glob("*.input"))
CONTEXT: Final = AdapterContext(DeviceId("dongle-of-the-certificate"), 1_790_820_000_000)
SOURCES: Final = {
    name: import_module(f"ingest.gateway.adapters.{name}").SOURCE for name in registry.ADAPTERS
}
PROGRAM: Final = build_program(compile_policy(Settings(), Limits()))
DEEP: Final = 200_000


def adapted(format_: str, payload: bytes) -> Adapted | Refusal:
    return registry.ADAPTERS[format_](payload, CONTEXT, CATALOGUE)


def told(made: Adapted | Refusal) -> Any:
    if isinstance(made, Refusal):
        return {"refused": made}
    return {
        "envelopes": [json.loads(encode_envelope(one)) for one in made.envelopes],
        "left_out": {why: count for why, count in sorted(made.left_out.items()) if count},
    }


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.stem)
def test_a_message_becomes_what_its_golden_file_says(file: Path) -> None:
    expected = json.loads(file.with_suffix(".expected.json").read_text())
    assert told(adapted(file.name.split(".")[0], file.read_bytes())) == expected


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.stem)
def test_a_worker_admits_all_that_an_adapter_makes(file: Path) -> None:
    made = adapted(file.name.split(".")[0], file.read_bytes())
    assert isinstance(made, Adapted)
    format_ = file.name.split(".")[0]
    for envelope in made.envelopes:
        verdict: Any = admit(PROGRAM, encode_envelope(envelope), CONTEXT.received_ms)
        if PROGRAM.plan.takes_source(SOURCES[format_]):
            assert isinstance(verdict, Admitted)
            assert not verdict.rejected
        else:
            assert set(verdict) == {Rejected.OUT_OF_SCOPE}


def test_each_format_says_which_source_it_is_and_a_partners_cloud_is_none_of_the_shipped_policys() -> (
    None
):
    for file in INPUTS:
        format_ = file.name.split(".")[0]
        made = adapted(format_, file.read_bytes())
        assert isinstance(made, Adapted)
        assert {one.source for one in made.envelopes} <= {SOURCES[format_]}
    unlisted = {name for name, one in SOURCES.items() if not PROGRAM.plan.takes_source(one)}
    assert unlisted == {"smartcar"}


def test_every_format_has_golden_files_and_a_source() -> None:
    named = {file.name.split(".")[0] for file in INPUTS}
    folder = Path(registry.__file__).parent
    modules = {file.stem for file in folder.glob("*.py")}
    modules -= {"__init__", "gathered", "instants", "registry"}
    assert named == modules == set(registry.ADAPTERS)
    left_out = {
        why
        for file in INPUTS
        for why in json.loads(file.with_suffix(".expected.json").read_text())["left_out"]
    }
    assert left_out >= {LeftOut.UNMAPPED, LeftOut.BAD_TIME, LeftOut.NOT_NEW, LeftOut.FRAMES}


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.stem)
def test_no_identifier_of_a_message_gets_into_an_envelope(file: Path) -> None:
    made = adapted(file.name.split(".")[0], file.read_bytes())
    assert "CANARY" not in json.dumps(told(made))
    for mutated in with_canaries(json_or_lines(file.read_bytes())):
        outcome = adapted(file.name.split(".")[0], mutated)
        assert "CANARY" not in json.dumps(told(outcome))


def json_or_lines(payload: bytes) -> list[Any]:
    pieces = payload.replace(b"\0", b"\n").split(b"\n")
    try:
        return [json.loads(payload)]
    except ValueError:
        return [json.loads(one) for one in pieces if one]


def with_canaries(messages: list[Any]) -> Iterator[bytes]:
    """The message with an identifier in the place of each value, one after the other."""

    def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in inner:
            if isinstance(one, dict | list):
                yield from places(one, (*path, name))
            yield (*path, name)

    for path in places(messages):
        copy = json.loads(json.dumps(messages))
        at = copy
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = "CANARY"
        yield b"\n".join(json.dumps(one).encode() for one in copy)


ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["position", "attributes", "latitude", "longitude", "fixTime", "valid", "speed", "data",
             "signals", "path", "dp", "value", "ts", "name", "timestamp", "frame", "SOC", "code",
             "body", "meta", "oemUpdatedAt", "time", "Vehicle.Speed", "dtcs"]
        ) | st.text(max_size=5),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


def holds(made: Adapted | Refusal) -> None:
    if isinstance(made, Refusal):
        return
    for envelope in made.envelopes:
        assert envelope.device == CONTEXT.device
        assert len(encode_envelope(envelope)) <= ENVELOPE_BYTES_MAX
        assert set(envelope.series) <= set(CATALOGUE.by_path)


@pytest.mark.parametrize("format_", sorted(registry.ADAPTERS))
@given(payload=st.binary(max_size=200) | ANY_JSON.map(json.dumps).map(str.encode))
def test_no_bytes_make_an_adapter_raise(format_: str, payload: bytes) -> None:
    holds(adapted(format_, payload))


@pytest.mark.parametrize("format_", sorted(registry.ADAPTERS))
@pytest.mark.parametrize(
    "payload",
    [b"[" * DEEP, b'{"position":' * DEEP, b"\xff\xfe", b"", b"1" * 5_000, b'{"a":1e999}', b"null"],
    ids=["deep list", "deep object", "no text", "nothing", "long number", "infinite", "null"],
)
def test_hostile_bytes_are_refused_or_make_nothing(format_: str, payload: bytes) -> None:
    made = adapted(format_, payload)
    assert isinstance(made, Refusal) or not made.envelopes


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.stem)
def test_what_is_sent_again_later_has_the_same_id_if_it_has_a_time(file: Path) -> None:
    format_ = file.name.split(".")[0]
    first = adapted(format_, file.read_bytes())
    later = registry.ADAPTERS[format_](
        file.read_bytes(), AdapterContext(CONTEXT.device, CONTEXT.received_ms + 9_000), CATALOGUE
    )
    assert isinstance(first, Adapted)
    assert isinstance(later, Adapted)
    for one, again in zip(first.envelopes, later.envelopes, strict=True):
        assert (one.id == again.id) is (one.clock.quality != "none")


def test_the_front_desk_is_given_envelopes_and_an_observer_what_was_left_out() -> None:
    seen: list[tuple[str, dict[LeftOut, int]]] = []
    desk = registry.adapters_over(CATALOGUE, lambda name, why: seen.append((name, dict(why))))
    assert set(desk) == set(registry.ADAPTERS)
    message = b'{"0D-VehicleSpeed": 42, "VIN": "CANARY"}'
    made = desk["wican"](message, CONTEXT)
    assert not isinstance(made, Refusal)
    assert [one.readings for one in made] == [1]
    assert seen == [("wican", {LeftOut.UNMAPPED: 1})]
    assert desk["wican"](b"[]", CONTEXT) is Refusal.MALFORMED


def test_more_readings_than_an_envelope_may_have_are_refused() -> None:
    point = {"value": 1.0, "time": 1_790_815_323_000}
    message = msgspec.json.encode({"signals": {"Vehicle.Speed": [point] * 10_001}})
    assert adapted("fleetwise", message) is Refusal.OVERSIZED


def test_many_readings_of_one_signal_make_several_envelopes() -> None:
    points = [{"value": 1.0, "time": 1_790_815_323_000 + place} for place in range(4_001)]
    made = adapted("fleetwise", msgspec.json.encode({"signals": {"Vehicle.Speed": points}}))
    assert isinstance(made, Adapted)
    assert [one.readings for one in made.envelopes] == [2_000, 2_000, 1]
    assert len({one.id for one in made.envelopes}) == 3


def test_a_trouble_code_is_a_word_of_its_own_and_of_the_devices_instant() -> None:
    fields = {"latitude": 0, "deviceTime": "2026-10-01T00:42:03Z"}
    message = {"position": fields | {"attributes": {"dtcs": "P0301 CAP0302NARY,C0035"}}}
    made = adapted("traccar", msgspec.json.encode(message))
    assert isinstance(made, Adapted)
    [envelope] = made.envelopes
    assert envelope.dtc == ["P0301", "C0035"]
    assert envelope.clock.t0.isoformat() == "2026-10-01T00:42:03+00:00"
    assert made.left_out[LeftOut.BAD_VALUE] == 1
