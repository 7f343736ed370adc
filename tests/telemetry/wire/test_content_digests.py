"""The digest of an envelope's content stays what it was: record ids are made of it."""

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from telemetry.wire.envelope_content import content_of

GOLDEN = {
    '{"v":1,"a":[40.0,41.5,-3.0,0.0]}': "c79d89d1a2e6831cfb88f835a100528c",
    '{"v":1,"a":[40,41.5,-3,-0.0]}': "c79d89d1a2e6831cfb88f835a100528c",
    '{"a":{"b":1.0,"c":{"d":[[2.0],{"e":3.0}]}}}': "45e47bb75968ca0b23871d3b3b962e0c",
    '{"a":"1.0,","b":[1.0]}': "de33560cb61502ccabc0c8302af20ae9",
    '{"a,1.0]":[1.0],"b":"x"}': "c0171231fb4861e1277015b74eb96ebe",
    '{"a":"\\"1.0,","b":[1.0]}': "02bed046b1a830ee57368a67e41e0a3b",
    '{"a":[999999999999999.0,1000000000000000.0,9007199254740991.0]}': "a65b7c46c3c886ea07be3cd7f583d236",
    '{"a":[9007199254740992.0,9007199254740993,1.0]}': "308e1155b396804d31eb2d1f66bd5ed4",
    '{"a":[1e3,1E+16,1e-7,1.5e300,-1e15]}': "8875fcba8d1d54f029e4f376f784d8e6",
    '{"a":[100000000000000000000000000,1.0]}': "530c7c85f542448b72b828c306031b37",
    '{"resend":true,"sent_at":"x","a":[1.0]}': "bb7a35ced33ab15bddffa07e745f0d19",
    '{"a":[true,null,false,1.0,"1.0"]}': "5aef24ed3fd122d6b09b9f478260cea0",
    '{"a":[10.0,100.0,10.05,1.01]}': "f13e0f21d05e2ffb51a9dfde443aa6df",
}
"""Texts of every way to write numbers, and what their digests have been since records have ids."""

NUMBERS = some.one_of(
    some.floats(allow_nan=False, allow_infinity=False),
    some.integers(min_value=-(2**70), max_value=2**70),
    some.integers(min_value=-(2**54), max_value=2**54).map(float),
)
TEXTS = some.text('.0,1]}"\\:-ea', max_size=8)
OBJECTS = some.dictionaries(
    TEXTS,
    some.recursive(
        NUMBERS | TEXTS | some.booleans() | some.none(),
        lambda inner: some.lists(inner, max_size=4) | some.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=4,
)


@pytest.mark.parametrize("text", GOLDEN)
def test_a_digest_stays_what_it_was(text: str) -> None:
    content = content_of(text.encode())
    assert content is not None
    assert content.digest.hex() == GOLDEN[text]


@given(OBJECTS)
def test_a_digest_is_of_the_text_in_which_a_whole_number_has_no_fraction(said: Any) -> None:
    content = content_of(json.dumps(said).encode())
    assert content is not None
    kept = {name: member for name, member in said.items() if name not in {"resend", "sent_at"}}
    expected = hashlib.blake2b(canonical(kept), digest_size=16).digest()
    assert content.digest == expected


def canonical(said: Any) -> bytes:
    plain = with_whole_numbers(said)
    try:
        return msgspec.json.encode(plain, order="deterministic")
    except OverflowError:
        return json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()


def with_whole_numbers(said: Any) -> Any:
    if isinstance(said, float):
        return int(said) if said == int(said) and abs(said) < 2**53 else said
    if isinstance(said, dict):
        return {name: with_whole_numbers(member) for name, member in said.items()}
    if isinstance(said, list):
        return [with_whole_numbers(one) for one in said]
    return said
