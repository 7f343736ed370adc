"""A device gets its own newest list and no other's, and none while it is not known which that is."""

import base64
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
import pytest

from ingest.gateway.collection_lists import (
    CollectionLists,
    FakeLists,
    Lists,
    UnreadableListError,
)
from telemetry.identity import DeviceId
from telemetry.wire.collection_list import CollectionList, encode_list, take_signed

MINE, OTHERS = DeviceId("dongle-1"), DeviceId("dongle-2")


def signed(device: str, serial: int = 1) -> bytes:
    """As a list travels; nobody here checks who signed it."""
    one = CollectionList(
        v=1, device=str(device), policy_version="1-0", issued_at="2026-11-23T09:00:00.000Z",
        valid_until="2026-11-24T09:00:00.000Z", serial=serial, signals=[], location=False,
    )  # fmt: skip
    middle = base64.urlsafe_b64encode(encode_list(one)).rstrip(b"=")
    return b"e30." + middle + b".c2ln"


class Holder(NamedTuple):
    """Someone who obeys ``Lists``, and how the world around it changes."""

    lists: Lists
    put: Callable[[DeviceId, bytes | None], None]
    stale: Callable[[], None]


class Making(Protocol):
    def __call__(self) -> Holder: ...


def real() -> Holder:
    fresh = [True]
    lists = CollectionLists(lambda: bool(fresh))
    return Holder(lists, lambda device, value: lists.apply(device.encode(), value), fresh.clear)


def fake() -> Holder:
    lists = FakeLists()
    return Holder(lists, lists.put, lambda: setattr(lists, "fresh", False))


@pytest.fixture(params=[real, fake], ids=["rows", "fake"])
def holder(request: pytest.FixtureRequest) -> Holder:
    making: Making = request.param
    return making()


def test_each_device_gets_its_own_list(holder: Holder) -> None:
    holder.put(MINE, signed(MINE))
    holder.put(OTHERS, signed(OTHERS))
    assert holder.lists.of(MINE) == signed(MINE)
    assert holder.lists.of(OTHERS) == signed(OTHERS)
    assert holder.lists.of(DeviceId("unheard")) is None


def test_the_newest_list_is_handed_out_and_none_once_it_is_gone(holder: Holder) -> None:
    holder.put(MINE, signed(MINE, 1))
    holder.put(MINE, signed(MINE, 2))
    assert holder.lists.of(MINE) == signed(MINE, 2)
    holder.put(MINE, None)
    assert holder.lists.of(MINE) is None


def test_nothing_is_handed_out_while_it_is_not_known_what_is_newest(holder: Holder) -> None:
    holder.put(MINE, signed(MINE))
    holder.stale()
    assert holder.lists.of(MINE) is None


def lists() -> CollectionLists:
    return CollectionLists(lambda: True)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"garbage",
        b"a.b",
        b"e30.!!!!.c2ln",
        b"e30." + base64.urlsafe_b64encode(b"{}") + b".c2ln",
        b"e30." + base64.urlsafe_b64encode(b"[" * 50_000) + b".c2ln",
        signed(MINE) + b".more",
        b"." * 200_000,
    ],
    ids=range(8),
)
def test_a_row_that_is_no_list_takes_the_devices_list_away_and_no_other(value: bytes) -> None:
    some = lists()
    some.apply(b"r1", signed(MINE))
    some.apply(b"r2", signed(OTHERS))
    with pytest.raises(UnreadableListError) as refused:
        some.apply(b"r1", value)
    assert MINE not in str(refused.value)
    assert (some.of(MINE), some.of(OTHERS)) == (None, signed(OTHERS))


def test_of_two_rows_of_a_device_the_higher_number_counts_whichever_came_first() -> None:
    for order in ((1, 2), (2, 1)):
        some = lists()
        for serial in order:
            some.apply(b"r%d" % serial, signed(MINE, serial))
        some.apply(b"r1", None)
        assert some.of(MINE) == signed(MINE, 2)
        some.apply(b"r2", None)
        assert some.of(MINE) is None and len(some) == 0


def test_a_row_that_becomes_another_devices_is_that_ones_alone() -> None:
    some = lists()
    some.apply(b"r", signed(MINE))
    some.apply(b"r", signed(OTHERS))
    assert (some.of(MINE), some.of(OTHERS)) == (None, signed(OTHERS))


def test_it_names_nobody_and_knows_what_it_was_given() -> None:
    some = lists()
    some.apply(b"r", signed(MINE))
    assert MINE not in repr(some) and MINE not in repr(take_signed(signed(MINE)))


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"serial": 0}, {"subject": "somebody"}, {"valid_until": "tomorrow"}, {"signals": 1}],
)
def test_a_list_of_another_kind_is_none(change: dict[str, object]) -> None:
    known = take_signed(signed(MINE))
    body = msgspec.json.encode(msgspec.to_builtins(known) | change)
    assert take_signed(b"e30." + base64.urlsafe_b64encode(body) + b".c2ln") is None
